"""Lets runs that play models run one after the other, so that parallel runs do not exceed the limits together.

A killed run leaves its slot of Dagster's pool occupied. While a run plays it holds a lock, which the system releases
when its process ends. So a run whose lock is free is dead, and its slot can be freed.
"""

import fcntl
import logging
import time
from contextlib import suppress
from pathlib import Path

import dagster as dg

from di_assets.assets.playing import POOL
from di_assets.calls.stopping import Stop

POLL_S = 0.5

log = logging.getLogger(__name__)


def free_slots_of_killed_runs(instance: dg.DagsterInstance, folder: Path) -> None:
    """Frees the slot of every run whose process was killed while it played, and marks the run as failed."""
    for path in sorted(path for path in folder.glob("*") if not path.name.startswith(".")):
        with suppress(FileNotFoundError, BlockingIOError), path.open("r+") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if not path.exists():  # the run has ended meanwhile and deleted its file
                continue
            run = instance.get_run_by_id(path.name)
            if run is not None:
                if not run.is_finished:
                    instance.report_run_failed(run, "the process of this run was killed; what it paid for is kept")
                instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
            path.unlink(missing_ok=True)


def wait_for_turn(instance: dg.DagsterInstance, folder: Path, stop: Stop) -> None:
    """Waits until the pool has a free slot or play is to end; a warning names the runs that are waited for.

    Dagster waits for a slot too, but cannot be interrupted then. If two runs see the same free slot, Dagster decides.
    """
    warned = False
    while stop.reason is None:
        info = instance.event_log_storage.get_concurrency_info(POOL)
        if len(info.claimed_slots) < max(1, info.slot_count):
            return
        if not warned:
            who = ", ".join(slot.run_id[:8] for slot in info.claimed_slots)
            log.warning("waiting for run %s, which plays models already, to end", who)
            warned = True
        time.sleep(POLL_S)
        free_slots_of_killed_runs(instance, folder)
