"""What a run says of itself while it plays: where it runs, that it is alive, and that it plays paid models."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# The pool of Dagster's that all play of paid models stands in: one run at a time.
POOL = "model_calls"
# Tag of a run in the process that asked for it: host, process id and when that process began, as JSON.
PROCESS_TAG = "di/process"


@contextmanager
def playing(folder: Path, run_id: str, *, in_turn: bool) -> Iterator[None]:
    """Holds the lock that says that this run is alive; the system lets it go when the process ends, however it ends.

    Args:
        folder: of a file for each run that plays.
        run_id: names the file.
        in_turn: waits until no other such run plays on this machine. Dagster's pool alone does not do it: without
            Postgres, two runs that claim its slot at once can both be told that they have it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path, unlocked = folder / run_id, folder / f".{run_id}"
    with unlocked.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        unlocked.rename(path)  # seen by others only once it is locked
        with folder.with_suffix(".lock").open("w") as turn:
            if in_turn:
                fcntl.flock(turn, fcntl.LOCK_EX)
            yield
        path.unlink(missing_ok=True)
