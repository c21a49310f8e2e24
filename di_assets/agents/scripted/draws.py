"""A random stream for one turn, cheap enough to be made for each: the digest of a name, taken apart draw by draw."""

from collections.abc import Sequence
from hashlib import blake2b
from typing import Protocol, TypeVar

T = TypeVar("T")


class Random(Protocol):
    """What a policy draws from; `random.Random` is one too."""

    def choice(self, seq: Sequence[T], /) -> T:
        """One of these, uniformly."""
        ...


class Draws:
    """The stream of this name: same name, same draws, on every machine; other names, independent draws.

    A name's 512-bit digest is a number, and each draw among n takes one digit to base n off it. The 50 draws that are
    the most of any turn (a phrase for each of 25 neighbours, from both of two lists) leave 400 bits unused, so that no
    outcome is likelier than another by more than 2 ** -400. `random.Random(name)` would cost as much as 20 turns.
    """

    __slots__ = ("_left", "_name")

    def __init__(self, name: str) -> None:
        self._name = name
        self._left: int | None = None  # most turns draw nothing, so the digest waits for the first draw

    def choice(self, seq: Sequence[T], /) -> T:
        """One of these, uniformly; the only one without a draw."""
        if len(seq) == 1:
            return seq[0]
        if self._left is None:
            self._left = int.from_bytes(blake2b(self._name.encode()).digest())
        self._left, drawn = divmod(self._left, len(seq))
        return seq[drawn]
