"""Which files are the locks of episodes that are played on a cluster: one beside each journal."""

from pathlib import Path

SUFFIX = ".lock"


def lock_of(folder: Path, episode_id: str) -> Path:
    """The file that whoever plays this episode holds the lock on; `folder` is that of the batch's journals."""
    return folder / f"{episode_id}{SUFFIX}"


def locks_in(folder: Path) -> list[Path]:
    """Locks of episodes that were played on a cluster, or are, by name.

    Workers play on for a while though the process that drove them is gone; they find out, and let go.
    """
    return sorted(folder.glob(f"*{SUFFIX}"))
