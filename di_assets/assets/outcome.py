"""Collects the results of runs in this process for the caller. Dagster's own record of a run holds only text.

The caller makes an `Outcome` and passes it on; the steps get it as a resource and add to it. A failure hook of Dagster
could keep failures too, but it would write an event for every step that does not fail.
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
    """The results of the runs that share it, so far.

    Attributes:
        results: the result of each batch that was played, in order.
        failures: by step, the error of each step that failed in the run that ended last.
    """

    results: list[BatchResult] = field(default_factory=list)
    failures: dict[str, BaseException] = field(default_factory=dict)

    @property
    def calls(self) -> int:
        """Number of calls made to models."""
        return sum(result.calls for result in self.results)

    @property
    def cost_usd(self) -> float:
        """US dollars spent."""
        return sum(result.cost_usd for result in self.results)

    def take_failures(self) -> dict[str, BaseException]:
        """Returns the failures and forgets them, because the next run has its own."""
        taken, self.failures = self.failures, {}
        return taken

    @contextmanager
    def noting(self, home: Home, step: str) -> Iterator[None]:
        """Wraps the work of a step and stores the error that it raises.

        Raises:
            DamagedFailure: a damaged file caused the error.
        """
        try:
            with naming_damage(home):
                yield
        except (Exception, pl.exceptions.PanicException) as error:
            self.failures[step] = error
            raise
