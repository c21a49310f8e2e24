"""Turns of the runs that play paid models: one run at a time, so that parallel runs keep to the same limits.

A run that is killed leaves its slot of Dagster's pool taken. It held a lock while it played, which the system has let
go; by that it is known to be dead, and its slot is given back.
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


def free_slots_of_the_dead(instance: dg.DagsterInstance, folder: Path) -> None:
    """Ends every run that was killed while it played, and gives its slot back."""
    for path in sorted(path for path in folder.glob("*") if not path.name.startswith(".")):
        with suppress(FileNotFoundError, BlockingIOError), path.open("r+") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if not path.exists():  # it came to its end since it was listed, and took its file with it
                continue
            run = instance.get_run_by_id(path.name)
            if run is not None:
                if not run.is_finished:
                    instance.report_run_failed(run, "the process of this run was killed; what it paid for is kept")
                instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
            path.unlink(missing_ok=True)


def wait_for_turn(instance: dg.DagsterInstance, folder: Path, stop: Stop) -> None:
    """Waits until the pool has a slot, or play is to end; says which run has to end before.

    Dagster would wait for a slot as well, but hears no interrupt meanwhile; it decides between two that come at once.
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
        free_slots_of_the_dead(instance, folder)
