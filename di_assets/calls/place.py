"""The place of a question among all questions of a journal. Stored replies are found by it."""

from typing import NamedTuple

from di_assets.tables.words import PHASES


class Place(NamedTuple):
    """The place of a question and of the call that answers it.

    In an episode the first four fields are a turn of the game and a seat. Code that asks for something else (labels,
    for example) numbers its questions in its own way.

    Attributes:
        round: from 1.
        phase: one of `PHASES`.
        exchange: from 1 in a message phase; 0 in a pull phase.
        seat: the seat that is asked, from 0.
        attempt: 0 when the question is asked first, 1 and 2 when it is asked again.
    """

    round: int
    phase: str
    exchange: int
    seat: int
    attempt: int

    @property
    def order(self) -> tuple[int, int, int, int, int]:
        """A sort key that puts places in the order in which they are asked."""
        return (self.round, PHASES.index(self.phase), self.exchange, self.seat, self.attempt)
