"""Moves played episodes from journals to tables: replaces the batch's six files, then deletes the journals.

The journals are deleted only after the files were read back. `episodes` is written last: if an episode has a row there,
its rows in the other tables exist too. If a commit fails, the journals stay.

Episodes that were complete before have no journal any more, and object storage may lose a file while it is replaced. So
a copy of the new files is kept on this machine (`journal/BATCH/commit/`) until all of them were read back. After a
failed commit, the next start repeats it from the copy before anything is played.
"""

import logging
import shutil
from collections import Counter
from collections.abc import Mapping, Set
from pathlib import Path

import polars as pl

from di_assets.calls.call import FAULTS, Call
from di_assets.calls.journal_file import StaleJournalError, read_journal
from di_assets.calls.wave_file import forget_waves
from di_assets.play.episode_locks import locks_in
from di_assets.tables import EVENT_TABLES, TABLES, DamageError, Warehouse
from di_assets.tables.storage import replacing

log = logging.getLogger(__name__)

Frames = dict[str, pl.DataFrame]

# Columns of `calls` that are compared with a journal's calls, to see whether the table has them all.
COMPARED = ("round", "phase", "exchange", "seat", "attempt", "request_hash", "status", "reply_text")
COPY = "commit"


def stored(warehouse: Warehouse, folder: Path, batch: str) -> Frames:
    """Reads the batch's six tables. If the last commit failed, it is repeated first.

    An episode in the copy of the failed commit replaces the one in the tables, unless the tables have newer calls of it
    (played from another machine since).

    Raises:
        StorageError: see `commit`.
    """
    copy = {table.name: folder / COPY / f"{table.name}.parquet" for table in EVENT_TABLES}
    if not copy["episodes"].exists():
        shutil.rmtree(folder / COPY, ignore_errors=True)  # the copy is incomplete
        return {table.name: warehouse.read(table.name, batch) for table in EVENT_TABLES}
    log.warning("%s: the last commit failed; it is made again from %s", batch, folder / COPY)
    ours = {name: TABLES[name].conform(pl.read_parquet(path)) for name, path in copy.items()}
    theirs = {name: _read(warehouse, name, batch) for name in copy}
    more = theirs["calls"].join(ours["calls"], on=["episode_id", "call_id"], how="anti")["episode_id"]
    newer = more.filter(more.is_in(theirs["episodes"]["episode_id"].implode()))
    ids = ours["episodes"]["episode_id"]
    ids = ids.filter(~ids.is_in(newer.implode()))
    new = {name: frame.filter(pl.col("episode_id").is_in(ids.implode())) for name, frame in ours.items()}
    return commit(warehouse, folder, batch, theirs, new)


def commit(warehouse: Warehouse, folder: Path, batch: str, before: Frames, new: Frames) -> Frames:
    """Replaces the batch's six files. Returns the new tables: `before`, with the new episodes added or replaced.

    Args:
        warehouse: where the tables are.
        folder: the folder of the batch's journals.
        batch: partition key of the batch.
        before: the tables as they are stored.
        new: the tables of the new episodes.

    Raises:
        StorageError: a file was not written, or its content is not what was written. Journals and copy are kept.
    """
    ids = new["episodes"]["episode_id"].implode()
    kept = {name: frame.filter(~pl.col("episode_id").is_in(ids)) for name, frame in before.items() if frame.height}
    whole = {name: pl.concat([kept[name], frame]) if name in kept else frame for name, frame in new.items()}
    names = sorted(whole, key=lambda name: name == "episodes")
    if warehouse.url is not None:
        for name in names:
            with replacing(folder / COPY / f"{name}.parquet") as temporary:
                whole[name].write_parquet(temporary, compression="zstd", compression_level=1)
    warehouse.commit(batch, {name: whole[name] for name in names})
    (folder / COPY / "episodes.parquet").unlink(missing_ok=True)  # without it a copy does not count
    shutil.rmtree(folder / COPY, ignore_errors=True)
    return whole


def clear(folder: Path, tables: Mapping[str, pl.DataFrame], complete: Set[str]) -> None:
    """Deletes the journals of complete episodes, if all their replies are in the tables; warns of the others.

    The record of a wave is deleted with the last of its episodes' journals.
    """
    kept = set()
    calls = tables["calls"].select("episode_id", *COMPARED)
    journals = [path for path in folder.glob("*.jsonl") if path.stem in complete]
    mine = calls.filter(pl.col("episode_id").is_in([path.stem for path in journals]))
    rows = {
        key[0]: part.drop("episode_id").rows() for key, part in mine.partition_by("episode_id", as_dict=True).items()
    }
    for path in journals:
        if _covered(path, rows.get(path.stem, [])):
            path.unlink()
        else:
            kept.add(path.stem)
            log.warning("%s: the tables lack replies that it holds; it is kept, and `di repair` looks at it", path)
    for path in locks_in(folder):
        if path.stem in complete - kept:
            path.unlink()
    forget_waves(folder, complete - kept)


def _covered(path: Path, rows: list[tuple[object, ...]]) -> bool:
    """Whether these rows contain all calls of a journal that brought a reply or may have cost money."""
    try:
        held = read_journal(path)[1]
    except StaleJournalError:
        return False
    return Counter(_compared(call) for call in held if call.status not in FAULTS or call.cost_usd) <= Counter(rows)


def _compared(call: Call) -> tuple[object, ...]:
    return (*call.place, call.request_hash, call.status, call.text)


def _read(warehouse: Warehouse, table: str, batch: str) -> pl.DataFrame:
    """Reads a stored table; an empty one if the failed commit left a file that cannot be read."""
    try:
        return warehouse.read(table, batch)
    except (DamageError, pl.exceptions.PolarsError):
        return TABLES[table].empty()
