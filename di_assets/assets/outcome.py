"""What the runs of this process came to, for whoever started them: Dagster's own record of a run holds words alone.

Whoever starts runs makes an `Outcome` and passes it; the steps get it as a resource and add to it. A failure hook of
Dagster's would keep failures too, and write an event for every step that does not fail.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import polars as pl

from di_assets.assets.damaged import naming_damage
from di_assets.assets.home import Home
from di_assets.play.batch import BatchResult


@dataclass(slots=True)
class Outcome:
    """What the runs that share it came to so far.

    Attributes:
        results: of each batch that was played, in order.
        failures: what each step that failed in the run that ended last raised, by step.
    """

    results: list[BatchResult] = field(default_factory=list)
    failures: dict[str, BaseException] = field(default_factory=dict)

    @property
    def calls(self) -> int:
        """Made to models."""
        return sum(result.calls for result in self.results)

    @property
    def cost_usd(self) -> float:
        """Spent, US dollars."""
        return sum(result.cost_usd for result in self.results)

    def take_failures(self) -> dict[str, BaseException]:
        """The failures, which are forgotten here: the next run has its own."""
        taken, self.failures = self.failures, {}
        return taken

    @contextmanager
    def noting(self, home: Home, step: str) -> Iterator[None]:
        """Around the work of a step: keeps what it raises.

        Raises:
            DamagedFailure: a damaged file brought it about.
        """
        try:
            with naming_damage(home):
                yield
        except (Exception, pl.exceptions.PanicException) as error:
            self.failures[step] = error
            raise
