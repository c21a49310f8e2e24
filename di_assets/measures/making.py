"""Makes measures in a warehouse. The asset graph, `di repair` and the benchmarks all use these functions."""

from collections.abc import Mapping
from typing import Any

import polars as pl

from di_assets.measures.comparable import one_rules_version
from di_assets.measures.declared import by_batch
from di_assets.measures.measure import Measure
from di_assets.tables import Warehouse
from di_assets.tables.by_batch import EPISODE_MEASURES

# The columns that `one_rules_version` needs, and those that describe the episodes behind a table.
OF_EPISODES = ("episode_id", "status", "scripted", "rules_version")


def make_batch(warehouse: Warehouse, measure: Measure, batch: str, settings: Mapping[str, Any]) -> pl.DataFrame:
    """Makes a measure of one batch from the columns it needs, and writes it; returns the frame as the function gave it.

    Raises:
        ContractError: the frame breaks the table's contract; nothing is written.
        DamageError: an input file is missing, or its size differs from what was written.
    """
    frames = {table: warehouse.read(table, batch, columns) for table, columns in measure.reads.items()}
    frame = measure.function(**frames, **settings)
    warehouse.write(measure.name, frame, batch)
    return frame


def unmeasured(warehouse: Warehouse) -> dict[str, list[str]]:
    """Batch -> the tables that it lacks because it was measured before these measures were there; batches sorted.

    A batch that was not measured at all is left out: a check may have stopped it.

    Raises:
        DamageError: a file is missing, or its size differs from what was written.
    """
    measured = [file.stem for file in warehouse.files(EPISODE_MEASURES.name)]
    made = {one.name: {file.stem for file in warehouse.files(one.name)} for one in by_batch()}
    lacking = {batch: [name for name, batches in made.items() if batch not in batches] for batch in measured}
    return {batch: names for batch, names in lacking.items() if names}


def make_over_all(
    warehouse: Warehouse, measure: Measure, settings: Mapping[str, Any]
) -> tuple[pl.DataFrame, pl.DataFrame | None]:
    """Makes a measure over all batches from the columns it needs, and writes it.

    Only episodes played by the newest rules count (`one_rules_version`).

    Returns:
        The frame as the function gave it; and `OF_EPISODES` of the episodes that counted, None if it reads none.

    Raises:
        ContractError, DamageError: as `make_batch`.
    """
    frames = {table: warehouse.read(table, None, columns) for table, columns in _whole(measure).items()}
    counted = None
    if "episodes" in frames:
        counted = one_rules_version(frames["episodes"])
        frames["episodes"] = counted.select(measure.reads["episodes"])
    frame = measure.function(**frames, **settings)
    warehouse.write(measure.name, frame)
    return frame, None if counted is None else counted.select(OF_EPISODES)


def _whole(measure: Measure) -> Mapping[str, tuple[str, ...]]:
    if "episodes" not in measure.reads:
        return measure.reads
    return {**measure.reads, "episodes": tuple(dict.fromkeys((*OF_EPISODES, *measure.reads["episodes"])))}
