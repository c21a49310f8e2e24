"""What an episode's seed decides before the first turn: who sits where, and which letter each seat gets."""

import random
import string
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


def seating(n_seats: int, *, seed: int) -> tuple[int, ...]:
    """For each seat, the number of the cast member that sits there (0..n_seats-1). It depends on the seed alone."""
    return _shuffled(range(n_seats), f"{seed}/seating")


def seat_labels(n_seats: int, *, seed: int) -> tuple[str, ...]:
    """The letter of each seat, so that a seat's number tells the players nothing."""
    return _shuffled(string.ascii_uppercase[:n_seats], f"{seed}/labels")


def neighbour_order(neighbours: tuple[str, ...], *, seed: int, label: str, round: int) -> tuple[str, ...]:  # noqa: A002
    """The order in which this seat is shown its neighbours in this round, so that no letter always comes first."""
    return _shuffled(neighbours, f"{seed}/order/{label}/{round}")


def _shuffled(items: Sequence[T], stream: str) -> tuple[T, ...]:
    """A random permutation. Each stream name seeds its own generator (through sha512, so all machines agree)."""
    listed = list(items)
    random.Random(stream).shuffle(listed)
    return tuple(listed)
