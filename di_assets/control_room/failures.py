"""Turns any error into one line (what failed, where, and what to do) and an exit code; also gives its traceback.

Errors that this program raises on purpose have their line as `str()` and their exit code as `exit_code`. For errors of
libraries and of the system the line is made here. All other errors are bugs of this program, and the line says so.
"""

import errno
import os
import re
import shutil
import sqlite3
import traceback
from dataclasses import dataclass
from pathlib import Path

from di_assets.providers.hiding import SHORTEST, without
from di_assets.report.damage import damage_behind
from di_assets.tables import DamageError, StorageError, open_warehouse, refusals

FAILED, BAD_INPUT, INTERRUPTED = 1, 2, 130
MOST_CHARS = 600
# A disk with fewer free bytes counts as full.
MOST_FULL_BYTES = 1 << 16

# What to do about an error of the system, and the exit code: a path that can't be used is bad input.
REMEDIES = {
    errno.ENOENT: ("name one that exists", BAD_INPUT),
    errno.ENOTDIR: ("a file stands where a folder is needed; name a folder", BAD_INPUT),
    errno.EISDIR: ("a folder stands where a file is needed; name a file", BAD_INPUT),
    errno.EEXIST: ("a file stands where a folder is needed; name a folder", BAD_INPUT),
    errno.EACCES: ("let this user read and write it, or name another place", BAD_INPUT),
    errno.EPERM: ("let this user read and write it, or name another place", BAD_INPUT),
    errno.EROFS: ("it can't be written to; name a place that can", BAD_INPUT),
    errno.ENAMETOOLONG: ("choose a shorter name", BAD_INPUT),
    errno.ELOOP: ("its links lead in a circle; mend them", BAD_INPUT),
    errno.ENOSPC: ("free some space, then run the same again: what was done is kept", FAILED),
    errno.EDQUOT: ("free some space, then run the same again: what was done is kept", FAILED),
    errno.EMFILE: ("allow more open files (ulimit -n), then run the same again", FAILED),
    errno.EIO: ("the disk fails; look after it, then run the same again", FAILED),
}
SECRET_NAME = re.compile(r"KEY|SECRET|TOKEN|PASSWORD|DI_POSTGRES_URL|DI_ALERT_URL", re.IGNORECASE)
HISTORY = ("history/runs.db", "history/runs/index.db", "schedules/schedules.db")


@dataclass(frozen=True, slots=True)
class Failure:
    """A failure as a command reports it: one line, and the exit code."""

    line: str
    exit_code: int


def failure(error: BaseException, *, warehouse: str = "warehouse") -> Failure:
    """The failure for an error; `warehouse` is the address of the warehouse in use."""
    line, code = _line_and_code(error, warehouse)
    return Failure(_one_line(line), code)


def trace(error: BaseException) -> str:
    """The traceback of an error and its causes, without the secrets in the environment."""
    return _without_secrets("".join(traceback.format_exception(error)).rstrip())


def _line_and_code(error: BaseException, warehouse: str) -> tuple[str, int]:  # noqa: PLR0911 -- a kind of error a return
    if isinstance(error, KeyboardInterrupt):
        return "interrupted; what was done before is kept", INTERRUPTED
    code = getattr(error, "exit_code", None)
    if isinstance(code, int):
        return str(error), code
    if "object-store error" in str(error):  # Polars raises OSErrors, too; their words can name keys
        fault = refusals.storage_error(warehouse if "://" in warehouse else "the warehouse", str(error))
        return str(fault), fault.exit_code
    if isinstance(error, OSError) and error.errno is not None:
        return _of_system(error)
    package = type(error).__module__.partition(".")[0]
    if isinstance(error, sqlite3.Error) or package == "sqlalchemy":
        return _of_history(getattr(error, "orig", None) or error, warehouse), FAILED
    damage = _damage(error, warehouse)
    if damage is not None:
        return str(damage), damage.exit_code
    if isinstance(error, OSError):
        return _of_system(error)
    if package == "polars":
        what = f"a table can't be read ({_first_line(error)})"
        return f"{warehouse}/tables: {what}; `di verify --all` says which", FAILED
    if package in {"dagster", "dagster_shared"}:
        return f"Dagster: {_first_line(error)} ({type(error).__name__}); -v shows where", FAILED
    if isinstance(error, MemoryError):
        return "this machine has too little memory for it; end other programs, then run the same again", FAILED
    return _mistake(error), FAILED


def _damage(error: BaseException, warehouse: str) -> DamageError | None:
    """The damaged files that may have caused the error; None if there are none. It may read every file."""
    try:
        return damage_behind(open_warehouse(warehouse), error)
    except StorageError:
        return None


def _of_system(error: OSError) -> tuple[str, int]:
    what = error.strerror or _first_line(error)
    files = " -> ".join(str(name) for name in (error.filename, error.filename2) if name is not None)
    remedy, code = REMEDIES.get(error.errno or 0, ("-v shows where", FAILED))
    return f"{files or _place(error)}: {what}; {remedy}", code


def _of_history(error: BaseException, warehouse: str) -> str:
    """The line for an error of Dagster's history in SQLite. Errors do not name the file, so it is searched."""
    folder, line = Path(warehouse) / "dagster", _first_line(error)
    if "locked" in line:
        return f"{folder}: Dagster's history is locked by another process; try again when it has ended"
    if "disk is full" in line or _is_full(folder):
        return f"disk full: no room for {folder}; {REMEDIES[errno.ENOSPC][0]}"
    file = next((path for name in HISTORY if not _is_sound(path := folder / name)), folder)
    return f"{file}: Dagster's history can't be used ({line}); move {folder} away, run again: the tables stay"


def _is_full(folder: Path) -> bool:
    """Whether the disk is full. SQLite may report a full disk as an I/O error."""
    return folder.is_dir() and shutil.disk_usage(folder).free < MOST_FULL_BYTES


def _is_sound(path: Path) -> bool:
    if not path.exists():
        return True
    try:
        connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=1.0)
        try:
            return bool(connection.execute("PRAGMA quick_check(1)").fetchone() == ("ok",))
        finally:
            connection.close()
    except sqlite3.Error:
        return False


def _mistake(error: BaseException) -> str:
    line = _first_line(error)
    return (
        f"a mistake of this program: {type(error).__name__}{f' ({line})' if line else ''} "
        f"in {_place(error)}; -v shows the traceback"
    )


def _place(error: BaseException) -> str:
    """File and line where the error was raised; if a library raised it, the last place in our own code."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if "di_assets" in frame.filename or "dashboard" in frame.filename]
    last = (own or frames)[-1:]
    return f"{Path(last[0].filename).name}:{last[0].lineno}" if last else "an unknown place"


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(":") if lines else type(error).__name__


def _one_line(text: str) -> str:
    """The text on one line without control characters and secrets, cut to `MOST_CHARS` characters."""
    flat = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    # Secrets first: of one that is cut, the beginning would be left.
    flat = _without_secrets(flat)
    return flat if len(flat) <= MOST_CHARS else flat[: MOST_CHARS - 1] + "…"


def _without_secrets(text: str) -> str:
    for name, value in os.environ.items():
        if SECRET_NAME.search(name) and len(value) >= SHORTEST:  # short ones may be words, or beginnings of paths
            text = without(value, text, shown=f"[{name}]")
    return text
