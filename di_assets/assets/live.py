"""Reports the progress of a batch while it is played: its counts, from time to time, as an event of the run."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import dagster as dg

from di_assets.calls.tally import Tally

FIRST_S, EVERY_S = 10.0, 30.0


@dataclass(frozen=True, slots=True)
class Standing:
    """The progress of a batch.

    Attributes:
        batch: its partition key.
        done: episodes that ended in this run, including failed ones.
        total: episodes that this run plays.
        failed: episodes that ended with a failure and can be resumed.
        calls: calls made in this run.
        calls_per_s: calls per second since the last report; None before any time has passed.
        cost_usd: cost of the calls, US dollars.
        faults: calls that brought no reply or an invalid one, plus faults that were retried.
    """

    batch: str
    done: int
    total: int
    failed: int
    calls: int
    calls_per_s: float | None
    cost_usd: float
    faults: int

    def event(self) -> dg.AssetObservation:
        """The progress as Dagster stores it: an observation of the batch's episodes, for the pages of run and asset."""
        rate = {} if self.calls_per_s is None else {"calls per second": dg.MetadataValue.float(self.calls_per_s)}
        return dg.AssetObservation(
            asset_key="episodes",
            partition=self.batch,
            description=f"{self.batch}: {self.done} of {self.total} episodes ended",
            metadata={
                "episodes done": dg.MetadataValue.int(self.done),
                "episodes to play": dg.MetadataValue.int(self.total),
                "episodes failed": dg.MetadataValue.int(self.failed),
                "calls": dg.MetadataValue.int(self.calls),
                **rate,
                "faults": dg.MetadataValue.int(self.faults),
                "spend, USD": dg.MetadataValue.float(round(self.cost_usd, 6)),
            },
        )


@dataclass(slots=True)
class Live:
    """Reports the progress of a batch: first at the first count after 10 s, then every 30 s at most.

    Attributes:
        batch: its partition key.
        tell: called with each report.
        clock: seconds, from any starting point.
    """

    batch: str
    tell: Callable[[Standing], None]
    clock: Callable[[], float] = time.monotonic
    _reported_at: float = field(init=False)
    _reported_calls: int = field(init=False, default=0)
    _next: float = field(init=False)

    def __post_init__(self) -> None:
        """Starts the clock."""
        self._reported_at = self.clock()
        self._next = self._reported_at + FIRST_S

    def __call__(self, done: int, total: int, tally: Tally) -> None:
        """Takes the counts so far."""
        now = self.clock()
        if now < self._next:
            return
        took, made = now - self._reported_at, tally.calls - self._reported_calls
        self._reported_at, self._reported_calls, self._next = now, tally.calls, now + EVERY_S
        self.tell(
            Standing(
                batch=self.batch,
                done=done,
                total=total,
                failed=tally.failed,
                calls=tally.calls,
                calls_per_s=made / took if took > 0 else None,
                cost_usd=tally.cost_usd,
                faults=sum(tally.faults.values()),
            )
        )
