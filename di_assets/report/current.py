"""Whether the published report is up to date: a digest of what it was made from is stored beside it."""

import hashlib
from pathlib import Path

import di_assets
from di_assets.tables import Warehouse

MARK = "made_from.sha256"


def is_current(warehouse: Warehouse, configs: Path) -> bool:
    """Whether the report, the tables, the configuration and this program are those of the last call of `mark_current`.

    Tables, report and program are compared by names, sizes and times of files; configuration by its text.

    Args:
        warehouse: the warehouse with tables and report.
        configs: the folder of the configuration.

    Raises:
        StorageError: object storage failed.
    """
    return warehouse.read_report(MARK) == _made_from(warehouse, configs)


def mark_current(warehouse: Warehouse, configs: Path) -> None:
    """Notes that the report was just made from what is there.

    Raises:
        StorageError: the note could not be written.
    """
    warehouse.write_report(MARK, _made_from(warehouse, configs))


def _made_from(warehouse: Warehouse, configs: Path) -> str:
    report = [tuple(file) for file in warehouse.shared("report/") if not file.name.endswith(MARK)]
    texts = [(str(path.relative_to(configs)), path.read_bytes()) for path in _files(configs, "*")]
    program = [(str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in _files(_program(), "*.py")]
    return hashlib.sha256(repr((warehouse.version(), report, texts, program)).encode()).hexdigest()


def _files(folder: Path, pattern: str) -> list[Path]:
    return sorted(path for path in folder.rglob(pattern) if path.is_file())


def _program() -> Path:
    return Path(di_assets.__file__).parent
