"""What made a step fail, kept as it was raised: Dagster's own record of it holds words alone.

A failure hook would do the same, and write an event for every step that does not fail.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import polars as pl

from di_assets.assets.damaged import naming_damage
from di_assets.assets.home import Home


@contextmanager
def noted(home: Home, step: str) -> Iterator[None]:
    """Around the work of a step: keeps what it raises for whoever started the run in this process.

    Raises:
        DamagedFailure: a damaged file brought it about.
    """
    try:
        with naming_damage(home):
            yield
    except (Exception, pl.exceptions.PanicException) as error:
        home.failures[step] = error
        raise
