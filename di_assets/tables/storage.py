"""The place of the warehouse's files: a folder on this machine, or a bucket of an object storage with the S3 protocol.

File names are relative to the warehouse and have slashes; a name that ends in a slash is a folder. In both places a
file is replaced completely or not at all.

Errors:
    StorageError            the storage failed to do what it was asked
        WarehouseError      it cannot work as configured: the address, the environment or the bucket is wrong
"""

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from stat import S_ISREG
from typing import NamedTuple, Protocol


class StorageError(RuntimeError):
    """The object storage did not do what it was asked; one line that says what, and holds no key."""

    exit_code = 1


class WarehouseError(StorageError):
    """The warehouse's address, the environment or the bucket is not right; one line that says what would be."""

    exit_code = 2


class File(NamedTuple):
    """A file as a listing knows it.

    Attributes:
        name: relative to the warehouse.
        size: bytes.
        modified_ns: when it was last replaced, nanoseconds since the epoch (in object storage whole seconds).
        tag: what object storage calls this content (its ETag); empty for a folder's files.
    """

    name: str
    size: int
    modified_ns: int
    tag: str = ""

    @property
    def stem(self) -> str:
        """The name without folders and suffix: of a partition of a table, its batch."""
        return PurePosixPath(self.name).stem


class Written(NamedTuple):
    """What a file holds now.

    Attributes:
        size: bytes.
        sha256: of them, hexadecimal.
    """

    size: int
    sha256: str


class Storage(Protocol):
    """What the warehouse needs of the place where its files are."""

    def address(self, name: str) -> str:
        """Where a file is, as Polars takes it and as people are told."""

    def files(self, *names: str) -> list[File]:
        """Those of these files that exist, and every file of those that are folders; by name."""

    def read(self, name: str) -> bytes | None:
        """What a file holds; None where there is none."""

    def write(self, name: str, data: bytes) -> Written:
        """Replaces a file, at once or not at all; what was written survives a power cut when this returns.

        Raises:
            StorageError: object storage does not hold it afterwards.
            OSError: the folder does not.
        """

    def delete(self, name: str) -> None:
        """Removes a file; nothing where there is none."""

    def displace(self, name: str, to: str) -> bool:
        """Moves what stands in a file's place and is no file; whether there was such a thing."""


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder of this machine."""

    root: Path

    def address(self, name: str) -> str:
        """A path."""
        return str(self.root / name)

    def files(self, *names: str) -> list[File]:
        """One look at each folder; hidden files are none of it, but for copies of tables that macOS leaves (`._`)."""
        found: list[File] = []
        for name in names:
            with suppress(FileNotFoundError, NotADirectoryError):
                if name.endswith("/"):
                    with os.scandir(self.root / name) as entries:
                        kept = [entry for entry in entries if not _hidden(name, entry.name) and entry.is_file()]
                        found += [_file(name + entry.name, entry.stat()) for entry in kept]
                else:
                    stat = (self.root / name).stat()
                    found += [_file(name, stat)] if S_ISREG(stat.st_mode) else []
        return sorted(found)

    def read(self, name: str) -> bytes | None:
        """What a file holds; None where there is none."""
        path = self.root / name
        return path.read_bytes() if path.is_file() else None

    def write(self, name: str, data: bytes) -> Written:
        """Writes to a path beside the file, which then takes its place."""
        with replacing(self.root / name) as temporary:
            temporary.write_bytes(data)
        return written(data)

    def delete(self, name: str) -> None:
        """Removes the name."""
        (self.root / name).unlink(missing_ok=True)

    def displace(self, name: str, to: str) -> bool:
        """Moves a folder, a broken link or whatever else is no file."""
        path = self.root / name
        if path.is_file() or not os.path.lexists(path):
            return False
        _make_folder((self.root / to).parent)
        path.rename(self.root / to)
        return True


def _hidden(folder: str, name: str) -> bool:
    return name.startswith(".") and not (folder.startswith("tables/") and name.startswith("._"))


def _file(name: str, stat: os.stat_result) -> File:
    return File(name, stat.st_size, stat.st_mtime_ns)


def written(data: bytes) -> Written:
    """What a file with these bytes holds."""
    return Written(len(data), hashlib.sha256(data).hexdigest())


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yields a temporary path; what is written there takes `path`'s place at the end, at once.

    The file and its name survive a power cut when this returns.
    """
    _make_folder(path.parent)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        with temporary.open("rb") as written:
            os.fsync(written.fileno())
        temporary.replace(path)
        _sync(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def _make_folder(folder: Path) -> None:
    """Makes a folder and those above it; the names of new ones survive a power cut."""
    new = [one for one in (folder, *folder.parents) if not one.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for one in new:
        _sync(one.parent)


def _sync(folder: Path) -> None:
    """Writes the names in a folder to disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
