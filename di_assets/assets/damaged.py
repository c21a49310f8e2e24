"""How assets and checks fail on a damaged file: with one line that names the file and the remedy."""

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
    """A step failed because of a damaged file."""

    exit_code = DamageError.exit_code


@contextmanager
def naming_damage(home: Home) -> Iterator[None]:
    """Turns an error inside the block that a damaged file caused into a failure with the line that names the file.

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
    """The result of a check of a table; if the check cannot read its files, a problem with the line that names them."""
    try:
        with naming_damage(home):
            return check()
    except DamagedFailure as damage:
        return Problem(str(damage), table, NO_ROWS)
