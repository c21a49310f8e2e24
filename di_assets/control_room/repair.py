"""Repairs a warehouse: restores damaged files from copies, makes them again from replies, or measures again.

These are tried in this order.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack

from di_assets.arms import arm_of
from di_assets.assets.home import Home
from di_assets.assets.measured import measure_all, measure_batch
from di_assets.calls.salvage import inspect
from di_assets.labelling.stored import locked_labels
from di_assets.measures.declared import by_batch, over_all
from di_assets.play.batch import locked_batch
from di_assets.play.repair import EVENTS, repair_events, repair_journals, salvage_folder
from di_assets.tables import TABLES, Damage
from di_assets.tables.damage import file_name
from di_assets.tables.repair import RepairLog, put_aside, remake_record, restore, table_of, wrong_files

PASSES = 4  # the state of a file may be known only after its record is repaired


def repair(home: Home, *, do: bool, say: Callable[[str], None]) -> RepairLog:
    """Repairs everything that can be repaired; returns what was done and what could not be done.

    Args:
        home: the installation.
        do: do the repairs; if false, only say what would be done.
        say: called with one line for each repair.
    """
    log = RepairLog(do, say)
    repair_journals(home.configs, home.warehouse, log)
    _labels(home, log)
    for _ in range(PASSES if do else 1):
        wrong = [one for one in wrong_files(home.warehouse) if one.file not in log.hopeless]
        if not wrong:
            break
        records = [one for one in wrong if one.kind == "damaged" and one.file.startswith("record/")]
        for one in records:
            remake_record(home.warehouse, one, log)
        if not (records and do):
            _tables(home, wrong, log)
    return log


def _labels(home: Home, log: RepairLog) -> None:
    """Repairs labels by models: readable lines are kept."""
    models = home.warehouse.labels / "models"
    with ExitStack() as held:
        for found in inspect(models) if log.do else ():
            held.enter_context(locked_labels(home.warehouse, found.path.with_suffix(".jsonl")))
        salvage_folder(home.warehouse, models, log, header_of=lambda _: None)


def _tables(home: Home, wrong: Sequence[Damage], log: RepairLog) -> None:
    left = restore(home.warehouse, wrong, log)
    for batch in sorted({one.of for one in left if one.of not in TABLES}):
        _batch(home, batch, {table_of(one): one for one in left if one.of == batch}, log)
    _over_all(home, {one.of: one for one in left if one.of in TABLES}, log)
    put_aside(home.warehouse, [one for one in wrong if one.kind == "stray"], log)


def _batch(home: Home, batch: str, wrong: Mapping[str, Damage], log: RepairLog) -> None:
    """Repairs the damaged tables of a batch, given by name: events from replies, measures from events."""
    name = arm_of(batch)
    if name not in home.configs.arms:
        for one in wrong.values():
            log.cannot(one, f"the arm {name!r} is not configured; put its file back, then repair again")
        return
    with locked_batch(home.warehouse.journal / batch):
        sound = [measure.name for measure in by_batch() if measure.name not in wrong]
        try:
            if any(table in EVENTS for table in wrong):
                repair_events(home.configs, batch, home.warehouse, wrong, log, measures=sound)
        except KeyError as missing:
            for one in wrong.values():
                log.cannot(one, f"{missing} is not configured as it was; put it back, then repair again")
            return
        _measures(home, batch, wrong, log)


def _measures(home: Home, batch: str, wrong: Mapping[str, Damage], log: RepairLog) -> None:
    """Makes all existing measures of a batch again, because each may depend on a table that was made again."""
    known = {*home.warehouse.recorded(batch).tables, *wrong}
    for measure in by_batch():
        if (name := measure.name) not in known:
            continue
        if name in wrong:
            log.did(f"{file_name(name, batch)}: {wrong[name].what}: measured again")
        if log.do:
            if name in wrong:
                home.warehouse.aside.copy(file_name(name, batch))
            measure_batch(home, measure, batch)


def _over_all(home: Home, wrong: Mapping[str, Damage], log: RepairLog) -> None:
    """Makes the damaged measures over all episodes again, given by table."""
    for measure in over_all():
        one = wrong.get(measure.name)
        if one is None:
            continue
        more = "; looks taken before are in quarantine/ alone" if one.of == "looks" else ""
        log.did(f"{one.file}: {one.what}: measured again{more}")
        if log.do:
            home.warehouse.aside.move(one.file)
            home.warehouse.forget(one.of)
            measure_all(home, measure)
