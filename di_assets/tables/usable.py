"""Whether a folder can be worked in, looked at before anything is asked of a model."""

import os
from pathlib import Path

from di_assets.tables.schema import TABLES
from di_assets.tables.storage import WarehouseError


def check_folder(root: Path, *, writing: bool) -> None:
    """Passes a folder that can be read and, where it is to be written to, written; and one that can be made.

    Args:
        root: the warehouse's folder on this machine.
        writing: it is written to, and so are the folders in it.

    Raises:
        WarehouseError: it can't; the message names the folder and what would be right.
    """
    # What stands there, or the nearest folder above, in which it would be made.
    there = next((path for path in (root, *root.parents) if os.path.lexists(path)), root)
    if not there.is_dir():
        raise WarehouseError(f"{there}: is no folder; name a folder with --warehouse or DI_WAREHOUSE")
    if there != root:
        if not os.access(there, os.W_OK | os.X_OK):
            _refuse(root, f"can't be made in {there}", there)
        return
    if not os.access(root, os.R_OK | os.X_OK):
        _refuse(root, "can't be read", root)
    for path in (root, *_folders(root)) if writing else ():
        if path != root and not path.is_dir():
            raise WarehouseError(f"{path}: is no folder, and the warehouse needs one there; move it away")
        if not os.access(path, os.R_OK | os.W_OK | os.X_OK):
            _refuse(path, "can't be written to", path)


def _folders(root: Path) -> list[Path]:
    """What the program writes into, as far as it is there."""
    names = ("tables", "record", "report", "journal", "labels", "launches", "dagster")
    inner = [f"tables/{name}" for name, table in TABLES.items() if table.partitioned]
    return [root / name for name in (*names, *inner) if os.path.lexists(root / name)]


def _refuse(path: Path, what: str, asked: Path) -> None:
    why = "the file system is read-only" if os.statvfs(asked).f_flag & os.ST_RDONLY else "this user may not"
    raise WarehouseError(f"{path}: {what}: {why}; grant it, or name another folder with --warehouse")
