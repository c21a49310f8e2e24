"""Every measure, found in the files of this folder. Adding a file adds a measure; there is no list to keep.

Loaded only by code that computes measures (the asset graph, `di repair`), not by code that reads their tables.
"""

from collections.abc import Iterable, Mapping
from graphlib import TopologicalSorter
from importlib import import_module
from pkgutil import iter_modules

import di_assets.measures
from di_assets.measures.measure import Measure, MeasureError
from di_assets.tables import EVENT_TABLES, TABLES

NO_MEASURE = ("declared", "power")
"""Modules that are not looked into: this one, and one that takes more than a second to import (statsmodels)."""


def by_batch() -> tuple[Measure, ...]:
    """The measures made batch by batch, each after the measures whose tables it reads."""
    return tuple(measure for measure in MEASURES.values() if measure.by_batch)


def over_all() -> tuple[Measure, ...]:
    """The measures made over all batches, each after the measures whose tables it reads."""
    return tuple(measure for measure in MEASURES.values() if not measure.by_batch)


def in_order(measures: Iterable[Measure]) -> list[Measure]:
    """These measures, each after those whose tables it reads, otherwise sorted by name.

    Raises:
        CycleError: two measures read each other's tables.
    """
    known = {measure.name: measure for measure in sorted(measures, key=lambda one: one.name)}
    order = TopologicalSorter({name: sorted(set(one.above) & known.keys()) for name, one in known.items()})
    return [known[name] for name in order.static_order()]


def checked(measures: Iterable[Measure]) -> dict[str, Measure]:
    """Checks these measures and returns them by name, in order.

    Raises:
        MeasureError: a declaration breaks the contract (`Measure.check`), two measures make the same table, or no
            measure makes a table of the contract.
        CycleError: two measures read each other's tables.
    """
    found: dict[str, Measure] = {}
    for measure in measures:
        measure.check()
        if measure.name in found:
            raise MeasureError(f"measure {measure.name}: two measures give this table")
        found[measure.name] = measure
    left = TABLES.keys() - found.keys() - {table.name for table in EVENT_TABLES}
    if left:
        raise MeasureError(f"table {', '.join(sorted(left))}: no measure in di_assets/measures/ gives it")
    return {measure.name: measure for measure in in_order(found.values())}


def _declared() -> Iterable[Measure]:
    for info in iter_modules(di_assets.measures.__path__, "di_assets.measures."):
        if info.name.rpartition(".")[2] not in NO_MEASURE:
            # Only the measures that the module declares, not those it imports.
            yield from (one for one in vars(import_module(info.name)).values() if _is_of(one, info.name))


def _is_of(value: object, module: str) -> bool:
    return isinstance(value, Measure) and value.function.__module__ == module


MEASURES: Mapping[str, Measure] = checked(_declared())
"""Every measure by name, each after those whose tables it reads."""
