"""What a run of a batch did, counted as its calls are made."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from di_assets.calls.call import Columns
from di_assets.tables.words import OK


@dataclass(slots=True)
class Tally:
    """Counts of one run. Calls of earlier runs that are replayed are counted only in `replayed`.

    Attributes:
        calls: number of calls to models.
        scripted_calls: number of calls to scripted agents, which are free.
        cost_usd: spent, US dollars.
        faults: number of calls without a valid reply and of retried faults, by kind.
        failed: number of episodes that ended in a fault; they can be resumed.
        stopped: why play stopped before the end; None if it did not.
        replayed: number of calls that were in the journals of the episodes begun so far.
    """

    calls: int = 0
    scripted_calls: int = 0
    cost_usd: float = 0.0
    faults: Counter[str] = field(default_factory=Counter)
    failed: int = 0
    stopped: str | None = None
    replayed: int = 0

    def add(self, calls: Columns) -> None:
        """Adds these calls, given as columns by field name."""
        scripted = sum(bound is None for bound in calls["bound_usd"])
        self.calls += len(calls["status"]) - scripted
        self.scripted_calls += scripted
        self.cost_usd += sum(calls["cost_usd"])
        self.faults.update(status for status in calls["status"] if status != OK)
        self.faults.update(kind for kinds in filter(None, calls["retried"]) for kind in kinds.split(" "))

    def also(self, unfinished: Iterable[Columns]) -> "Tally":
        """Returns a copy to which the calls of episodes that are still being played are added."""
        copy = replace(self, faults=Counter(self.faults))
        for calls in unfinished:
            copy.add(calls)
        return copy
