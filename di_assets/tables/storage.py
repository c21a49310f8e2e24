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
    """The object storage failed. The message is one line that says what failed; it contains no key."""

    exit_code = 1


class WarehouseError(StorageError):
    """The warehouse's address, the environment or the bucket is wrong. The message is one line that says what to do."""

    exit_code = 2


class File(NamedTuple):
    """A file in a listing.

    Attributes:
        name: relative to the warehouse.
        size: bytes.
        modified_ns: when it was last replaced, nanoseconds since the epoch; object storage rounds it to seconds.
        tag: the ETag that object storage gives to this content; empty for a file in a folder.
    """

    name: str
    size: int
    modified_ns: int
    tag: str = ""

    @property
    def stem(self) -> str:
        """The name without folders and suffix; for a file of a partitioned table this is the batch."""
        return PurePosixPath(self.name).stem


class Written(NamedTuple):
    """Size and checksum of a file's content.

    Attributes:
        size: number of bytes.
        sha256: sha256 of these bytes, hexadecimal.
    """

    size: int
    sha256: str


class Storage(Protocol):
    """The operations that the warehouse needs from the place of its files: a folder or a bucket."""

    def address(self, name: str) -> str:
        """The path or URL of a file, for Polars and for messages to people."""

    def files(self, *names: str) -> list[File]:
        """Lists those of these files that exist, and all files in those that are folders; sorted by name."""

    def read(self, name: str) -> bytes | None:
        """Returns the content of a file; None if it does not exist."""

    def write(self, name: str, data: bytes) -> Written:
        """Replaces a file completely or not at all. When this returns, the new content survives a power cut.

        Raises:
            StorageError: the file could not be written to object storage.
            OSError: the file could not be written to the folder.
        """

    def delete(self, name: str) -> None:
        """Deletes a file; has no effect if it does not exist."""

    def displace(self, name: str, to: str) -> bool:
        """If something that is not a file has this name, moves it to `to`; returns whether it did."""


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder on this machine that holds the warehouse's files."""

    root: Path

    def address(self, name: str) -> str:
        """The path of a file."""
        return str(self.root / name)

    def files(self, *names: str) -> list[File]:
        """Lists files, see `Storage.files`. Hidden files are left out, except copies of tables made by macOS (`._`)."""
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
        """Returns the content of a file; None if it does not exist."""
        path = self.root / name
        return path.read_bytes() if path.is_file() else None

    def write(self, name: str, data: bytes) -> Written:
        """Writes to a temporary file in the same folder, which then replaces the file."""
        with replacing(self.root / name) as temporary:
            temporary.write_bytes(data)
        return written(data)

    def delete(self, name: str) -> None:
        """Deletes a file; has no effect if it does not exist."""
        (self.root / name).unlink(missing_ok=True)

    def displace(self, name: str, to: str) -> bool:
        """If a folder, a broken link or anything else that is not a file has this name, moves it to `to`."""
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
    """Size and sha256 of these bytes."""
    return Written(len(data), hashlib.sha256(data).hexdigest())


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yields a temporary path. When the block ends without an error, the file at that path replaces `path`.

    `path` is replaced completely or not at all. After the block, the new file and its name survive a power cut.
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
    """Makes a folder and its parents; the names of new folders survive a power cut."""
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
