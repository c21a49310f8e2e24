"""Where a question stands among all that are asked in one journal: what its reply is found by."""

from typing import NamedTuple

from di_assets.tables.words import PHASES


class Place(NamedTuple):
    """The place of a question, and of the call that it becomes.

    In an episode the first four are a turn of the game and a seat. Whoever asks for something else, labels say, makes
    places of its own.

    Attributes:
        round: from 1.
        phase: one of `PHASES`.
        exchange: from 1 in a message phase, and 0 in a pull phase.
        seat: who is asked, from 0.
        attempt: 0 for the first time it is asked, then 1 and 2.
    """

    round: int
    phase: str
    exchange: int
    seat: int
    attempt: int

    @property
    def order(self) -> tuple[int, int, int, int, int]:
        """Sorts places as they are asked: by round, phase, exchange, seat, attempt."""
        return (self.round, PHASES.index(self.phase), self.exchange, self.seat, self.attempt)
