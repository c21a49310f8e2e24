"""Limits the size of Dagster's history by deleting runs that are no longer needed.

A run is needed as long as it holds the newest materialisation of an asset's partition, because the UI shows it and uses
it to decide what is stale. So the size of the history grows with the number of partitions, not of nights. Dagster
itself deletes old ticks of schedules and sensors (see `di_assets.control_room.instance`).
"""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import sqlalchemy as sa
from dagster._core.storage.dagster_run import FINISHED_STATUSES
from dagster._core.storage.event_log import SqlEventLogStorage
from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable

KEEP_DAYS = 30
PATIENCE_S = 5.0


@dataclass(frozen=True, slots=True)
class Pruned:
    """The result of pruning.

    Attributes:
        runs: number of deleted runs; in a dry run, of runs that would be deleted.
        needed: number of equally old runs that are kept because they hold the newest materialisation of some partition.
        before: size of the history in this folder, bytes; 0 if it is in Postgres.
        after: its size afterwards, bytes.
    """

    runs: int
    needed: int
    before: int
    after: int


def prune(instance: dg.DagsterInstance, *, keep: timedelta, now: datetime, dry: bool = False) -> Pruned:
    """Deletes finished runs that have not changed for the time `keep`, unless they are needed. `dry` only counts."""
    until = now - keep
    old = dg.RunsFilter(statuses=list(FINISHED_STATUSES), updated_before=until)
    runs = [record.dagster_run.run_id for record in instance.get_run_records(old)]
    needed = set(_needed(instance)) if runs else set()
    gone = [run for run in runs if run not in needed]
    folder = Path(instance.root_directory)
    before = _size(folder)
    if not dry:
        for run in gone:
            instance.delete_run(run)
            _delete_files(folder, run)
        _forget_checks(instance, until)
        _compact(folder)
    return Pruned(len(gone), len(runs) - len(gone), before, _size(folder))


def _needed(instance: dg.DagsterInstance) -> Iterator[str]:
    """Ids of runs that hold the newest materialisation of a partition, or of an asset without partitions."""
    storage = instance.event_log_storage
    for asset in instance.all_asset_keys():
        newest = storage.get_latest_storage_id_by_partition(asset, dg.DagsterEventType.ASSET_MATERIALIZATION)
        ids = list(newest.values())
        if ids:
            chosen = dg.AssetRecordsFilter(asset_key=asset, storage_ids=ids)
            for record in instance.fetch_materializations(chosen, limit=len(ids)).records:
                yield record.run_id
        last = instance.get_latest_materialization_event(asset)
        if last is not None:
            yield last.run_id


def _forget_checks(instance: dg.DagsterInstance, until: datetime) -> None:
    """Deletes equally old results of checks, except the newest of each check and partition.

    Dagster keeps all of them.
    """
    storage = instance.event_log_storage
    if not isinstance(storage, SqlEventLogStorage):
        return
    rows = AssetCheckExecutionsTable.c
    newest = sa.select(sa.func.max(rows.id)).group_by(rows.asset_key, rows.check_name, rows.partition)
    stale = rows.id.not_in(newest.scalar_subquery()) & (
        rows.create_timestamp < until.astimezone(UTC).replace(tzinfo=None)
    )
    with storage.index_connection() as connection:
        connection.execute(AssetCheckExecutionsTable.delete().where(stale))


def _delete_files(folder: Path, run: str) -> None:
    """Deletes the run's own database, which is empty by then, and the output of its steps."""
    for path in (folder / "history" / "runs").glob(f"{run}.db*"):
        path.unlink(missing_ok=True)
    shutil.rmtree(folder / "storage" / run, ignore_errors=True)


def _compact(folder: Path) -> None:
    """Releases unused space in the shared databases.

    A database that somebody is writing to is left for another time.
    """
    for path in (folder / "history" / "runs.db", folder / "history" / "runs" / "index.db"):
        if path.exists():
            with suppress(sqlite3.OperationalError), closing(sqlite3.connect(path, timeout=PATIENCE_S)) as database:
                database.execute("VACUUM")


def _size(folder: Path) -> int:
    return sum(
        path.stat().st_size for part in ("history", "storage") for path in (folder / part).rglob("*") if path.is_file()
    )


def pruning() -> dg.ScheduleDefinition:
    """The schedule that prunes every night at four."""

    @dg.op(name="prune", config_schema={"keep_days": dg.Field(int, default_value=KEEP_DAYS)})
    def forget(context: dg.OpExecutionContext) -> None:
        keep = timedelta(days=context.op_config["keep_days"])
        done = prune(context.instance, keep=keep, now=datetime.now(tz=UTC))
        context.log.info("%s", done)

    @dg.job(name="prune_history", description="Forgets old runs that hold nothing newest of any asset, as `di prune`.")
    def job() -> None:
        forget()

    return dg.ScheduleDefinition(
        name="prune_history",
        job=job,
        cron_schedule="0 4 * * *",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description=f"Keeps {KEEP_DAYS} days of runs, and those that hold what is newest of an asset.",
    )
