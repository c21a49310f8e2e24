"""What a scripted agent is: a rule for its pulls, and, where it talks, one for its messages."""

from collections.abc import Callable
from typing import NamedTuple

from di_assets.game.types import Phase, Reply

# A pure function of the observation and, by the keyword `word`, of a random number of its own for this very turn (see
# `words.py`). A `Reply` keeps the rules, and is read back from its text as it was; raw text is for breaking them.
Rule = Callable[..., Reply | str]


class Policy(NamedTuple):
    """How a scripted agent plays.

    Attributes:
        name: as arms write it.
        pull: whom it pulls.
        write: what it writes to whom; None for an agent that never says anything.
    """

    name: str
    pull: Rule
    write: Rule | None = None

    def rule(self, phase: Phase) -> Rule | None:
        """The rule for turns of this phase; None for silence."""
        return self.pull if phase == "pull" else self.write
