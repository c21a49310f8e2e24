"""Random numbers for single turns. They are so cheap that each turn has its own, without computing those before it."""

import struct
from collections.abc import Sequence
from hashlib import shake_128
from typing import TypeVar

T = TypeVar("T")

WORD_BYTES = 8


def words(stream: str, n: int) -> tuple[int, ...]:
    """The first n words of the named stream. The same name gives the same words; other names give independent ones.

    A word is uniform below 2 ** 64. `random.Random` would need a new seed for every turn, which takes 7 microseconds
    each.
    """
    return struct.unpack(f"<{n}Q", shake_128(stream.encode()).digest(WORD_BYTES * n))


def one_of(options: Sequence[T], *, word: int) -> T:
    """Draws one option uniformly. If a turn draws again, it uses `word // len(options)`.

    No option is likelier than another by more than len(options) / 2 ** 64, times the number of options of all earlier
    draws. The most that any turn draws is a phrase of four for each of 25 neighbours; its bias is 2 ** -12.
    """
    return options[word % len(options)]
