"""What a batch tells while it is played: a line of counts now and then, never one a call."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from di_assets.play.tally import Tally

FIRST_S, EVERY_S = 10.0, 30.0


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a batch is.

    Attributes:
        batch: its partition key.
        done: episodes that ended in this run, failed ones among them.
        total: episodes this run plays.
        calls: made by those that ended.
        calls_per_s: the same a second since play began; None before any time passed.
        cost_usd: what they cost, US dollars.
        faults: calls among them that brought no reply or an invalid one, and faults that were retried.
    """

    batch: str
    done: int
    total: int
    calls: int
    calls_per_s: float | None
    cost_usd: float
    faults: int

    def line(self) -> str:
        """One line of `name=value`."""
        rate = "-" if self.calls_per_s is None else f"{self.calls_per_s:.1f}"
        return (
            f"progress batch={self.batch} episodes={self.done}/{self.total} calls={self.calls} calls_per_s={rate} "
            f"cost_usd={self.cost_usd:.4f} faults={self.faults}"
        )


@dataclass(slots=True)
class Live:
    """Tells how a batch stands when it is heard of 10 s after it began or later, and then every 30 s at most.

    Attributes:
        batch: its partition key.
        tell: takes what there is to tell.
        clock: seconds, from anywhere.
    """

    batch: str
    tell: Callable[[Standing], None]
    clock: Callable[[], float] = time.monotonic
    _began: float = field(init=False)
    _next: float = field(init=False)

    def __post_init__(self) -> None:
        """Starts the clock."""
        self._began = self.clock()
        self._next = self._began + FIRST_S

    def __call__(self, done: int, total: int, tally: Tally) -> None:
        """Hears that an episode ended."""
        now = self.clock()
        if now < self._next:
            return
        self._next = now + EVERY_S
        took = now - self._began
        self.tell(
            Standing(
                batch=self.batch,
                done=done,
                total=total,
                calls=tally.calls,
                calls_per_s=tally.calls / took if took > 0 else None,
                cost_usd=tally.cost_usd,
                faults=sum(tally.faults.values()),
            )
        )
