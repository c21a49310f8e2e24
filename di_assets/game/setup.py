"""What an episode's seed fixes before its first turn: who sits where, and which letter each seat gets."""

import random
import string
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


def seating(n_seats: int, *, seed: int) -> tuple[int, ...]:
    """For each seat the member of the cast (0..n_seats-1) that sits there; depends on the seed alone."""
    return _shuffled(range(n_seats), f"{seed}/seating")


def seat_labels(n_seats: int, *, seed: int) -> tuple[str, ...]:
    """The letter of each seat, so that a seat's number tells the players nothing."""
    return _shuffled(string.ascii_uppercase[:n_seats], f"{seed}/labels")


def neighbour_order(neighbours: tuple[str, ...], *, seed: int, label: str, round: int) -> tuple[str, ...]:  # noqa: A002
    """Neighbours in the order this seat is shown in this round: no letter is always named first."""
    return _shuffled(neighbours, f"{seed}/order/{label}/{round}")


def _shuffled(items: Sequence[T], stream: str) -> tuple[T, ...]:
    """A permutation drawn from a stream of its own (a string seeds through sha512: the same on every machine)."""
    listed = list(items)
    random.Random(stream).shuffle(listed)
    return tuple(listed)
