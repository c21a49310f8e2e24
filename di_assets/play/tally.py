"""What a run of a batch did, counted as its calls are made."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from di_assets.play.journal import OK, Call


@dataclass(slots=True)
class Tally:
    """Counts of one run; replayed calls are not among them.

    Attributes:
        calls: made.
        cost_usd: spent, US dollars.
        faults: calls that brought no reply or an invalid one, and faults that were retried, by kind.
        stopped: why play stopped before the end; None when it did not.
    """

    calls: int = 0
    cost_usd: float = 0.0
    faults: Counter[str] = field(default_factory=Counter)
    stopped: str | None = None

    def add(self, calls: Sequence[Call]) -> None:
        """Counts these calls."""
        self.calls += len(calls)
        self.cost_usd += sum([call.cost_usd for call in calls])
        self.faults.update([call.status for call in calls if call.status != OK])
        self.faults.update([kind for call in calls if call.retried for kind in call.retried.split(" ")])
