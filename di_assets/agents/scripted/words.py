"""Random numbers for single turns, so cheap that each has its own: any turn's without those before it."""

import struct
from collections.abc import Sequence
from hashlib import shake_128
from typing import TypeVar

T = TypeVar("T")

WORD_BYTES = 8


def words(stream: str, n: int) -> tuple[int, ...]:
    """The first n words of the stream of this name: the same for the same name, independent for others.

    A word is uniform below 2 ** 64. `random.Random` would have to be seeded for every turn, at 7 microseconds each.
    """
    return struct.unpack(f"<{n}Q", shake_128(stream.encode()).digest(WORD_BYTES * n))


def one_of(options: Sequence[T], *, word: int) -> T:
    """One of these, uniformly; where a turn draws again, it draws from `word // len(options)`.

    No option is likelier than another by more than len(options) / 2 ** 64, times the options of all earlier draws:
    a phrase of four for each of 25 neighbours, the most that any turn draws, leaves a bias of 2 ** -12.
    """
    return options[word % len(options)]
