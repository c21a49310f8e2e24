"""Random draws so cheap that each turn has its own: any turn can be drawn without those before it."""

import struct
from collections.abc import Sequence
from hashlib import blake2b, shake_128
from typing import Protocol, TypeVar

T = TypeVar("T")

WORD_BYTES = 8
# A draw takes a digit off what is left of a word; a number smaller than this is made longer first.
FEW = 2**32


class Random(Protocol):
    """What a policy draws from; `random.Random` is one too."""

    def choice(self, seq: Sequence[T], /) -> T:
        """One of these, uniformly."""
        ...


class Draws:
    """The draws of one turn, out of a 64-bit word: each among n takes one digit to base n off what is left of it.

    That is never less than 2 ** 32 before a draw, so that no outcome is likelier than another by more than n / 2 ** 32.
    A `random.Random` would have to be seeded for every turn, which takes longer than all else of it.

    Attributes:
        left: the word, or what is left of it.
    """

    __slots__ = ("left",)

    def __init__(self, word: int) -> None:
        self.left = word

    def choice(self, seq: Sequence[T], /) -> T:
        """One of these, uniformly; the only one without a draw."""
        n = len(seq)
        if n == 1:
            return seq[0]
        left = self.left
        if left < FEW:
            more = blake2b(str(left).encode(), digest_size=WORD_BYTES).digest()
            left = left << 8 * WORD_BYTES | int.from_bytes(more)
        self.left, drawn = divmod(left, n)
        return seq[drawn]


def words(stream: str, n: int) -> tuple[int, ...]:
    """The first n words of the stream of this name: the same for the same name, independent for others."""
    return struct.unpack(f"<{n}Q", shake_128(stream.encode()).digest(WORD_BYTES * n))
