"""Replies and event tables of a batch made good: what still reads is kept, events are made again from the replies.

An episode whose replies are gone is marked as such, and played again by the next run.
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
    """Replies of episodes that are in no table yet: only what does not read is asked again."""
    for folder in sorted(path for path in warehouse.journal.glob("*") if path.is_dir()):
        if inspect(folder):
            with locked_batch(folder) if log.do else nullcontext():
                salvage_folder(warehouse, folder, log, header_of=partial(_header, configs, warehouse, folder.name))


def salvage_folder(
    warehouse: Warehouse, folder: Path, log: RepairLog, *, header_of: Callable[[str], Header | None]
) -> None:
    """The journals of a folder, each left with what reads; what was there is put aside.

    Args:
        warehouse: they belong to.
        folder: of journals.
        log: is told.
        header_of: what a journal's first line has to say, by its name; None where nobody knows.
    """
    aside = warehouse.root / "quarantine"
    for found in salvage(folder, aside, header_of=header_of) if log.do else inspect(folder):
        log.did(str(found))


def repair_events(
    configs: Configs, batch: str, warehouse: Warehouse, wrong: Mapping[str, Damage], log: RepairLog,
    *, measures: Iterable[str],
) -> None:  # fmt: skip
    """The event tables of a batch, made again from its replies.

    Args:
        configs: all configuration; the batch's arm is in it.
        batch: the partition, which nobody else plays meanwhile.
        warehouse: the tables.
        wrong: what is wrong, by table.
        log: is told, also of episodes that are lost.
        measures: tables of the batch's measures that are sound: they, too, tell which episodes there were.

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
    """What an episode is played with today; None where its arm is not configured, or does not plan it."""
    name = arm_of(batch)
    if name not in configs.arms:
        return None
    arm = configs.arms[name]
    planned = plan(arm, launches=launches(warehouse, arm), batch=batch)
    prompts = Prompts.load(configs.prompts)
    return next((header(one, arm, configs, prompts) for one in planned if one.episode_id == episode_id), None)


def _say_nameless(warehouse: Warehouse, batch: str, n: int, log: RepairLog) -> None:
    """Says how many episodes there were of which no file tells any more; `n` are known."""
    arm, states = arm_of(batch), warehouse.recorded(batch).tables.get("episodes", ())
    missing = max((state.rows for state in states if state is not None), default=0) - n
    if missing > 0:
        line = f"{batch}: no file tells of {missing} episodes any more; `di run {arm}` plays them again"
        log.lost(line, episodes=missing, arm=arm)


def _say_lost(batch: str, made: Remade, log: RepairLog) -> None:
    """Says which episodes' replies are lost, and what they had cost."""
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
