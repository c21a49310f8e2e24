"""A page of a warehouse whose files are damaged: a line that names the file in place of what cannot be shown."""

from collections.abc import Callable, Sequence

from dashboard import data
from dashboard.placing import place
from dashboard.sections.arms import Problem
from di_assets.report.damage import damage_behind
from di_assets.tables import DamageError, StorageError
from di_assets.tables.refusals import from_polars

MOST_NAMED = 3


def shown(show: Callable[[], None]) -> None:
    """Shows a page; where it fails on a damaged file, the line that names it."""
    try:
        show()
    except (DamageError, StorageError) as problem:
        _say([str(problem)])
    except BaseException as error:
        # A panic is how Polars ends at some damaged files; Streamlit's own ways to end a run are to pass.
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        here = data.warehouse()
        said = (from_polars(error, str(here)) if isinstance(error, Exception) else None) or damage_behind(here, error)
        if said is None:
            raise
        _say([str(said)])


def notices() -> None:
    """A line for each of the files that are damaged, missing or not the warehouse's own."""
    here = data.warehouse()
    try:
        lines = data.damage(str(here), here.version())
    except StorageError:
        return  # the page says so itself
    more = len(lines) - MOST_NAMED
    _say([*lines[:MOST_NAMED], *([f"and {more:,} more; `di repair --dry-run` names them"] if more > 0 else [])])


def _say(lines: Sequence[str]) -> None:
    place(*map(Problem, lines))
