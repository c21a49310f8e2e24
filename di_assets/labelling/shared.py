"""Labels in a warehouse that several machines share: each appends to files of its own, and hands them over whole.

A file of labels is a set of lines, so that what two machines hold of one labeller goes together as their union, in any
order and however often. Where the warehouse is a folder of this machine there is nothing to bring together.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from di_assets.tables import StorageError, Warehouse
from di_assets.tables.storage import replacing


@contextmanager
def all_labels(warehouse: Warehouse) -> Iterator[Path]:
    """A folder as `labels/`, with what was said here and, as far as it was handed over, elsewhere; only to be read."""
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
    """Brings a file of labels up to what others have said before it is added to, and hands it over afterwards.

    Whoever uses it holds the file's lock. What a kill kept from being handed over goes with the next time.

    Raises:
        StorageError: it could not be handed over; it is kept on this machine.
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
    """The whole lines of a file; a torn last one is left out."""
    held = path.read_bytes() if path.exists() else b""
    return held[: held.rfind(b"\n") + 1]


def _union(first: bytes, second: bytes) -> bytes:
    """Lines of both, each once, in the order they are met."""
    return b"".join(dict.fromkeys([*first.splitlines(keepends=True), *second.splitlines(keepends=True)]))
