"""What a run shows of itself while it plays: where it runs, that it is alive, and that it plays paid models."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# The Dagster pool for all runs that play paid models: one run at a time.
POOL = "model_calls"
# Tag of a run that executes in the process that started it: host, process id and start time of the process, as JSON.
PROCESS_TAG = "di/process"


@contextmanager
def playing(folder: Path, run_id: str, *, in_turn: bool) -> Iterator[None]:
    """Holds a lock that shows that this run is alive. The system releases it when the process ends, however it ends.

    Args:
        folder: a folder with one file for each run that plays.
        run_id: names the file.
        in_turn: wait until no other such run plays on this machine. Dagster's pool alone does not ensure this: without
            Postgres, two runs that ask for its slot at the same time can both get it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path, unlocked = folder / run_id, folder / f".{run_id}"
    with unlocked.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        unlocked.rename(path)  # others see the file only after it is locked
        with folder.with_suffix(".lock").open("w") as turn:
            if in_turn:
                fcntl.flock(turn, fcntl.LOCK_EX)
            yield
        path.unlink(missing_ok=True)
