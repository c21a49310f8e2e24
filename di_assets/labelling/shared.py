"""Labels in a warehouse that several machines share: each machine appends to its own files and uploads whole files.

A file of labels is a set of lines. The files of two machines for one labeller are merged as the union of their lines;
the order does not matter, and merging twice changes nothing. If the warehouse is a folder, nothing is merged.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from di_assets.calls.journal_file import record_of
from di_assets.calls.sealed import is_sealed, unsealed
from di_assets.tables import StorageError, Warehouse
from di_assets.tables.storage import replacing


@contextmanager
def all_labels(warehouse: Warehouse) -> Iterator[Path]:
    """Yields a folder like `labels/`, only to be read, with the labels of this machine and all uploaded ones."""
    if warehouse.url is None:
        yield warehouse.labels
        return
    with tempfile.TemporaryDirectory(prefix="di-labels-") as folder:
        here = {path.relative_to(warehouse.root).as_posix() for path in warehouse.labels.glob("*/*.jsonl")}
        for name in sorted(here | {file.name for file in warehouse.shared("labels/")}):
            path = Path(folder) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(_union(_lines(warehouse.root / name), _shared(warehouse, name)))
        yield Path(folder) / "labels"


@contextmanager
def handed_over(warehouse: Warehouse, path: Path) -> Iterator[None]:
    """Adds the labels of other machines to a file before the block, and uploads the file after it.

    The caller holds the file's lock. If a killed process did not upload its labels, the next upload includes them.

    Raises:
        StorageError: the file could not be downloaded or uploaded; the labels stay on this machine.
    """
    if warehouse.url is None:
        yield
        return
    name = path.relative_to(warehouse.root).as_posix()
    before = _shared(warehouse, name)
    if before:
        whole = _union(_lines(path), before)
        with replacing(path) as temporary:
            temporary.write_bytes(whole)
    try:
        yield
    finally:
        if path.exists():
            try:
                warehouse.write_text(name, _union(_shared(warehouse, name), _lines(path)).decode())
            except StorageError as error:
                raise StorageError(f"{error}; the labels are kept in {path}, and go there with the next") from None


def _shared(warehouse: Warehouse, name: str) -> bytes:
    return (warehouse.read_text(name) or "").encode()


def _lines(path: Path) -> bytes:
    """The complete lines of a file, without an incomplete last line; empty if the file does not exist."""
    held = path.read_bytes() if path.exists() else b""
    return held[: held.rfind(b"\n") + 1]


def _union(first: bytes, second: bytes) -> bytes:
    """The lines of both, each once: those of the first, then the others of the second.

    Lines that hold the same are one, also if versions wrote them differently; then one with a checksum is kept.
    """
    kept: dict[object, bytes] = {}
    for line in (first + second).splitlines(keepends=True):
        content = line.removesuffix(b"\n")
        key = record_of(content) or unsealed(content) or content
        if key not in kept or is_sealed(content):
            kept[key] = line
    return b"".join(kept.values())
