"""Checks that the warehouse's folder can be read and written, before any model is called."""

import os
from pathlib import Path

from di_assets.tables.schema import TABLES
from di_assets.tables.storage import WarehouseError


def check_folder(root: Path, *, writing: bool) -> None:
    """Returns if the folder can be used, or can be made.

    Args:
        root: the warehouse's folder on this machine.
        writing: the folder and the folders in it must be writable; otherwise it is enough that it can be read.

    Raises:
        WarehouseError: the folder cannot be used; the message names it and says what to do.
    """
    # The folder itself, or the nearest existing folder above it, in which it would be made.
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
    """The folders in the warehouse that the program writes to and that exist."""
    names = ("tables", "record", "report", "journal", "labels", "launches", "dagster")
    inner = [f"tables/{name}" for name, table in TABLES.items() if table.partitioned]
    return [root / name for name in (*names, *inner) if os.path.lexists(root / name)]


def _refuse(path: Path, what: str, asked: Path) -> None:
    why = "the file system is read-only" if os.statvfs(asked).f_flag & os.ST_RDONLY else "this user may not"
    raise WarehouseError(f"{path}: {what}: {why}; grant it, or name another folder with --warehouse")
