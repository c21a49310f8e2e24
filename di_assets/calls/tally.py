"""What a run of a batch did, counted as its calls are made."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from di_assets.calls.call import Columns
from di_assets.tables.words import OK


@dataclass(slots=True)
class Tally:
    """Counts of one run; replayed calls are counted apart.

    Attributes:
        calls: made to models.
        scripted_calls: asked of scripted agents, which cost nothing.
        cost_usd: spent, US dollars.
        faults: calls that brought no reply or an invalid one, and faults that were retried, by kind.
        failed: episodes that ended in a fault; resumable.
        stopped: why play stopped before the end; None when it did not.
        replayed: calls of earlier runs that the journals of the episodes begun so far held.
    """

    calls: int = 0
    scripted_calls: int = 0
    cost_usd: float = 0.0
    faults: Counter[str] = field(default_factory=Counter)
    failed: int = 0
    stopped: str | None = None
    replayed: int = 0

    def add(self, calls: Columns) -> None:
        """Counts these calls, given by field."""
        scripted = sum(bound is None for bound in calls["bound_usd"])
        self.calls += len(calls["status"]) - scripted
        self.scripted_calls += scripted
        self.cost_usd += sum(calls["cost_usd"])
        self.faults.update(status for status in calls["status"] if status != OK)
        self.faults.update(kind for kinds in filter(None, calls["retried"]) for kind in kinds.split(" "))

    def also(self, unfinished: Iterable[Columns]) -> "Tally":
        """A copy that counts these calls too: those of episodes that are still being played."""
        copy = replace(self, faults=Counter(self.faults))
        for calls in unfinished:
            copy.add(calls)
        return copy
