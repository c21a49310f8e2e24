"""Pages of a warehouse with damaged files: a line that names the file replaces what cannot be shown."""

from collections.abc import Callable, Sequence

from dashboard import data
from dashboard.placing import place
from dashboard.sections.arms import Problem
from di_assets.report.damage import damage_behind
from di_assets.tables import DamageError, StorageError
from di_assets.tables.refusals import from_polars

MOST_NAMED = 3


def shown(show: Callable[[], None]) -> None:
    """Shows a page; if it fails because of a damaged file, shows the line that names the file."""
    try:
        show()
    except (DamageError, StorageError) as problem:
        _say([str(problem)])
    except BaseException as error:
        # Some damaged files make Polars panic. Streamlit's own exceptions, which end a run, must pass.
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        here = data.warehouse()
        damaged = (from_polars(error, str(here)) if isinstance(error, Exception) else None) or damage_behind(
            here, error
        )
        if damaged is None:
            raise
        _say([str(damaged)])


def notices() -> None:
    """One line for each file that is damaged or missing, or that is not part of the warehouse."""
    here = data.warehouse()
    try:
        lines = data.damage(str(here), here.version())
    except StorageError:
        return  # the page itself says so
    more = len(lines) - MOST_NAMED
    _say([*lines[:MOST_NAMED], *([f"and {more:,} more; `di repair --dry-run` names them"] if more > 0 else [])])


def _say(lines: Sequence[str]) -> None:
    place(*map(Problem, lines))
