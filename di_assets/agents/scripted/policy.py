"""A scripted agent is a rule for its pulls and, if it writes messages, a rule for its messages."""

from collections.abc import Callable
from typing import NamedTuple

from di_assets.game.types import Phase, Reply

# A pure function of the observation and of `word`, a random number that belongs to this turn alone (see
# `words.py`). It returns a `Reply`, which follows the rules; raw text is for agents that break them.
Rule = Callable[..., Reply | str]


class Policy(NamedTuple):
    """How a scripted agent plays.

    Attributes:
        name: the name that arms use.
        pull: the rule for pulls.
        write: the rule for messages; None for an agent that never writes.
    """

    name: str
    pull: Rule
    write: Rule | None = None

    def rule(self, phase: Phase) -> Rule | None:
        """The rule for turns of this phase; None if the agent writes nothing in it."""
        return self.pull if phase == "pull" else self.write
