"""An asset or a check that a damaged file stops: what it says is the one line that names the file and the remedy."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import dagster as dg
import polars as pl

from di_assets.assets.home import Home
from di_assets.assets.problems import Problem
from di_assets.report.damage import damage_behind
from di_assets.tables import DamageError

NO_ROWS = pl.DataFrame(schema={"episode_id": pl.String})


class DamagedFailure(dg.Failure):
    """A step that a damaged file stopped."""

    exit_code = DamageError.exit_code


@contextmanager
def naming_damage(home: Home) -> Iterator[None]:
    """What a damaged file brings about inside, as a failure whose description is the line that names it.

    Raises:
        DamagedFailure: a file is damaged.
    """
    try:
        yield
    except (Exception, pl.exceptions.PanicException) as error:
        blamed = damage_behind(home.warehouse, error)
        if blamed is None:
            raise
        raise DamagedFailure(str(blamed), allow_retries=False) from error


def looked_at(home: Home, check: Callable[[], Problem | None], *, table: str) -> Problem | None:
    """What a check finds of a table; where it cannot read its files, the line that names them."""
    try:
        with naming_damage(home):
            return check()
    except DamagedFailure as damage:
        return Problem(str(damage), table, NO_ROWS)
