"""Repairs the replies and the event tables of a batch: readable replies are kept, and events are made again from them.

An episode whose replies are lost is stored as failed, and the next run plays it again.
"""

from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext
from functools import partial
from pathlib import Path

import polars as pl

from di_assets.agents.prompts import Prompts
from di_assets.arms import Configs, arm_of, plan
from di_assets.calls.call import Header
from di_assets.calls.salvage import inspect, salvage
from di_assets.play.batch import locked_batch
from di_assets.play.launches import launches
from di_assets.play.remake import Remade, keep_cost, remade, whole_replies
from di_assets.play.seating import header
from di_assets.tables import EVENT_TABLES, Damage, Warehouse
from di_assets.tables.damage import file_name
from di_assets.tables.repair import RepairLog

EVENTS = tuple(table.name for table in EVENT_TABLES)
MOST_NAMED = 3


def repair_journals(configs: Configs, warehouse: Warehouse, log: RepairLog) -> None:
    """Repairs the journals of all batches. Replies that cannot be read are asked for again by the next run."""
    for folder in sorted(path for path in warehouse.journal.glob("*") if path.is_dir()):
        if inspect(folder):
            with locked_batch(folder) if log.do else nullcontext():
                salvage_folder(warehouse, folder, log, header_of=partial(_header, configs, warehouse, folder.name))


def salvage_folder(
    warehouse: Warehouse, folder: Path, log: RepairLog, *, header_of: Callable[[str], Header | None]
) -> None:
    """Repairs the journals in a folder: each keeps what can be read, and damaged files are moved to quarantine/.

    Args:
        warehouse: the warehouse of the journals.
        folder: the folder of the journals.
        log: collects what is done.
        header_of: gives the header for an episode id; None if it is not known.
    """
    aside = warehouse.root / "quarantine"
    for found in salvage(folder, aside, header_of=header_of) if log.do else inspect(folder):
        log.did(str(found))


def repair_events(
    configs: Configs, batch: str, warehouse: Warehouse, wrong: Mapping[str, Damage], log: RepairLog,
    *, measures: Iterable[str],
) -> None:  # fmt: skip
    """Makes the damaged event tables of a batch again from its replies.

    Args:
        configs: all configuration; it must have the batch's arm.
        batch: the partition; the caller makes sure that nobody plays it meanwhile.
        warehouse: where the tables are.
        wrong: the damage, by table.
        log: collects what is done and which episodes are lost.
        measures: names of undamaged tables of measures of the batch; they show which episodes the batch had.

    Raises:
        KeyError: a model or agent that played is no longer configured.
    """
    arm = configs.arms[arm_of(batch)]
    sound = {name: warehouse.read(name, batch) for name in EVENTS if name not in wrong}
    episodes, calls = sound.get("episodes"), sound.get("calls")
    if calls is None:
        calls = warehouse.aside.what_reads(file_name("calls", batch), "calls")
        if episodes is not None:
            calls = calls.filter(pl.col("episode_id").is_in(whole_replies(calls, episodes)))
    measured = [warehouse.read(name, batch) for name in measures] if episodes is None else []
    held = [episodes] if episodes is not None else [calls, *sound.values(), *measured]
    ids = sorted({key for frame in held for key in frame["episode_id"]})
    _say_nameless(warehouse, batch, len(ids), log)
    made = remade(configs, arm, batch, warehouse, calls=calls, episodes=episodes, ids=ids)
    tables = [name for name in EVENTS if name in wrong or made.lost or "calls" in wrong]
    tables.sort(key=lambda name: name == "episodes")  # the last, which says that a batch is whole
    for table in tables:
        what = wrong[table].what if table in wrong else "holds episodes whose replies are lost"
        log.did(f"{file_name(table, batch)}: {what}: made again {_from(table, made, calls)}")
        if log.do:
            warehouse.aside.copy(file_name(table, batch))
    _say_lost(batch, made, log)
    if log.do:
        keep_cost(configs, arm, batch, warehouse, made.lost)
        warehouse.commit(batch, {name: made.frames[name] for name in tables})


def _header(configs: Configs, warehouse: Warehouse, batch: str, episode_id: str) -> Header | None:
    """The header of an episode by today's configuration; None if its arm is not configured or does not plan it."""
    name = arm_of(batch)
    if name not in configs.arms:
        return None
    arm = configs.arms[name]
    planned = plan(arm, launches=launches(warehouse, arm), batch=batch)
    prompts = Prompts.load(configs.prompts)
    return next((header(one, arm, configs, prompts) for one in planned if one.episode_id == episode_id), None)


def _say_nameless(warehouse: Warehouse, batch: str, n: int, log: RepairLog) -> None:
    """Logs how many episodes are in no file any more: the number in the record of `episodes`, minus `n` known ones."""
    arm, states = arm_of(batch), warehouse.recorded(batch).tables.get("episodes", ())
    missing = max((state.rows for state in states if state is not None), default=0) - n
    if missing > 0:
        line = f"{batch}: no file tells of {missing} episodes any more; `di run {arm}` plays them again"
        log.lost(line, episodes=missing, arm=arm)


def _say_lost(batch: str, made: Remade, log: RepairLog) -> None:
    """Logs the episodes whose replies are lost, and what they had cost."""
    if not made.lost:
        return
    arm, n = arm_of(batch), len(made.lost)
    known = [cost for cost in made.lost.values() if cost is not None]
    cost = f"they had cost ${sum(known):.2f}" if len(known) == n else "what they had cost is lost, too"
    named = f"{', '.join(list(made.lost)[:MOST_NAMED])}{', ...' if n > MOST_NAMED else ''}"
    line = f"{batch}: the replies of {n} episodes are lost; {cost}, and `di run {arm}` plays them again"
    log.lost(f"{line} for about as much: {named}", episodes=n, arm=arm)


def _from(table: str, made: Remade, calls: pl.DataFrame) -> str:
    if table == "calls" or not calls.height:
        return "of what is left, scripted agents playing anew" if not made.lost else "of what is left"
    return "from the stored replies"
