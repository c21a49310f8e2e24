"""Names of the lock files of episodes that are played on a cluster: one lock file beside each journal."""

from pathlib import Path

SUFFIX = ".lock"


def lock_of(folder: Path, episode_id: str) -> Path:
    """The lock file of an episode; its player holds the lock on it. `folder` is the folder of the batch's journals."""
    return folder / f"{episode_id}{SUFFIX}"


def locks_in(folder: Path) -> list[Path]:
    """The lock files in a folder of journals, sorted by name.

    Some may still be held: after the driver is gone, workers play on for a while until they notice it.
    """
    return sorted(folder.glob(f"*{SUFFIX}"))
