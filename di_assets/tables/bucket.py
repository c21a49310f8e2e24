"""A bucket of an object storage that speaks S3, as a place for the warehouse's files.

What it takes comes from the environment alone, under the names that all clients of object storage know:
AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY (AWS_SESSION_TOKEN), AWS_REGION, and for a server that is not Amazon's
AWS_ENDPOINT_URL, with AWS_ALLOW_HTTP=true where that is http://. Tables are read by Polars, which asks for all files at
once and for what is needed of them. All else goes through obstore, which is the client that Polars holds, as a package.

A write counts when the object was read back and is what was sent. Server errors, refusals for being busy and cut
connections are tried again for a bounded time; what the server forbids or does not know is an error at once.
"""

import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import obstore
from obstore.store import S3Store

from di_assets.tables.refusals import must_be_the_object, saying
from di_assets.tables.storage import File, StorageError, WarehouseError, Written, written

if TYPE_CHECKING:
    from obstore import ObjectMeta  # a type alone

SCHEME = "s3://"
CONNECT_S, REQUEST_S = 5.0, 60.0  # the longest that a connection, and one request with its answer, may take
FIRST_WAIT_S, RETRIES, RETRY_S = 0.1, 5, 20.0  # waits double; nothing is begun again later than RETRY_S after its start
WRITES = 3  # of what is read back as something else
PART, PARTS_AT_ONCE = 8 * 2**20, 2  # bytes; what is larger is put in parts
ADDRESS = re.compile(
    r"s3://(?P<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?P<prefix>(/[A-Za-z0-9_=-][A-Za-z0-9._=-]*)*)/?"
)


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket of an object storage, or what is in it under a prefix.

    Attributes:
        url: `s3://BUCKET/PREFIX`, without a slash at its end.
    """

    url: str

    def address(self, name: str) -> str:
        """A URL."""
        return f"{self.url}/{name}".rstrip("/")

    def files(self, *names: str) -> list[File]:
        """One request for a file; one (for every 1,000 that are found) for a folder, or for whatever several share."""
        if len(names) == 1 and not names[0].endswith("/"):
            found = self._head(names[0])
        else:
            found = self._list(os.path.commonpath([name.rpartition("/")[0] for name in names]))
        folders = tuple(name for name in names if name.endswith("/"))
        files = (self._file(one) for one in found)
        return sorted(file for file in files if file.name in names or file.name.startswith(folders))

    def read(self, name: str) -> bytes | None:
        """What an object holds; None where there is none."""
        with saying(self.address(name)):
            try:
                return bytes(obstore.get(self._store(), self._key(name)).bytes())
            except FileNotFoundError as error:
                must_be_the_object(error)
                return None

    def write(self, name: str, data: bytes) -> Written:
        """Puts the object whole, a large one in parts that only count together, and reads it back."""
        sent = written(data)
        with saying(self.address(name)):
            for _ in range(WRITES):
                self._put(name, data, sent)
                held = self._held(name)
                if held == sent:
                    return sent
        there = "nothing" if held is None else f"{held.size:,} bytes that are not these"
        raise StorageError(
            f"{self.address(name)}: {sent.size:,} bytes were sent and taken, but {there} can be read there"
        )

    def delete(self, name: str) -> None:
        """Removes the object."""
        with saying(self.address(name)), suppress(FileNotFoundError):
            obstore.delete(self._store(), self._key(name))

    def displace(self, name: str, to: str) -> bool:
        """There are none but objects."""
        del name, to
        return False

    def check(self) -> None:
        """Asks for the bucket, once a process.

        Raises:
            StorageError: it cannot be reached, is not there or does not let us in.
        """
        _check(self, _environment())

    def probe(self) -> None:
        """Tries all that play needs on a small object under the prefix, once a process.

        Raises:
            StorageError: the storage cannot do one of it; it says which.
        """
        _probe(self, _environment())

    def _put(self, name: str, data: bytes, sent: Written) -> None:
        # One call, which an interrupt waits for: an object is there whole or not at all.
        try:
            obstore.put(self._store(), self._key(name), data, chunk_size=PART, max_concurrency=PARTS_AT_ONCE)
        except FileNotFoundError:
            # Asked again for the end of an upload whose first answer was lost, a server knows no such upload.
            if self._held(name) != sent:
                raise

    def _held(self, name: str) -> Written | None:
        """What an object holds, read piece by piece; None where there is none."""
        size, digest = 0, hashlib.sha256()
        try:
            for piece in obstore.get(self._store(), self._key(name)).stream():
                size += len(piece)
                digest.update(piece)
        except FileNotFoundError as error:
            must_be_the_object(error)
            return None
        return Written(size, digest.hexdigest())

    def _head(self, name: str) -> list["ObjectMeta"]:
        with saying(self.address(name)):
            try:
                return [obstore.head(self._store(), self._key(name))]
            except FileNotFoundError:
                return []

    def _list(self, folder: str) -> list["ObjectMeta"]:
        with saying(self.url):
            return list(obstore.list(self._store(), self._key(folder) or None).collect())

    def _file(self, found: "ObjectMeta") -> File:
        name = found["path"].removeprefix(self._key("")).removeprefix("/")
        changed_ns = round(found["last_modified"].timestamp() * 1000) * 1_000_000
        return File(name, found["size"], changed_ns, found["e_tag"] or "")

    def _key(self, name: str) -> str:
        return f"{self.url.removeprefix(SCHEME).partition('/')[2]}/{name}".strip("/")

    def _store(self) -> S3Store:
        return _store(self.url.removeprefix(SCHEME).partition("/")[0], _environment())


def bucket_at(address: str) -> Bucket:
    """The bucket at an address.

    Raises:
        WarehouseError: it is not `s3://BUCKET/PREFIX`.
    """
    match = ADDRESS.fullmatch(address)
    if match is None:
        # It is not repeated: people put keys into addresses.
        raise WarehouseError("the warehouse's address is no folder and not s3://BUCKET or s3://BUCKET/PREFIX")
    return Bucket(f"{SCHEME}{match['bucket']}{match['prefix']}")


def polars_options() -> dict[str, Any]:
    """How Polars asks object storage: as patient as everything else here is."""
    return {
        "max_retries": RETRIES,
        "retry_timeout_ms": int(1000 * RETRY_S),
        "connect_timeout": f"{int(1000 * CONNECT_S)} ms",
        "timeout": f"{int(1000 * REQUEST_S)} ms",
    }


def _environment() -> int:
    return hash(tuple(sorted((name, value) for name, value in os.environ.items() if name.startswith("AWS_"))))


@lru_cache(maxsize=8)
def _store(bucket: str, environment: int) -> S3Store:
    """The client of a bucket, once for each environment; nothing is asked yet."""
    del environment
    missing = [name for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY") if not os.environ.get(name)]
    if missing:
        raise WarehouseError(f"{SCHEME}{bucket}: no credentials: set {' and '.join(missing)} in the environment")
    http = os.environ.get("AWS_ALLOW_HTTP", "").lower() == "true"
    if os.environ.get("AWS_ENDPOINT_URL", "").startswith("http://") and not http:
        raise WarehouseError(f"{SCHEME}{bucket}: AWS_ENDPOINT_URL is http://, which takes AWS_ALLOW_HTTP=true")
    with saying(SCHEME + bucket):
        return S3Store(
            bucket,
            client_options={
                "allow_http": http,
                "connect_timeout": timedelta(seconds=CONNECT_S),
                "timeout": timedelta(seconds=REQUEST_S),
            },
            retry_config={
                "max_retries": RETRIES,
                "retry_timeout": timedelta(seconds=RETRY_S),
                "backoff": {"init_backoff": timedelta(seconds=FIRST_WAIT_S)},
            },
        )


@lru_cache(maxsize=8)
def _check(bucket: Bucket, environment: int) -> None:
    del environment
    with saying(SCHEME + bucket.url.removeprefix(SCHEME).partition("/")[0]):
        obstore.list_with_delimiter(bucket._store(), bucket._key("") or None)


@lru_cache(maxsize=8)
def _probe(bucket: Bucket, environment: int) -> None:
    del environment
    name, data = f"probe/{uuid4().hex}", bytes(range(256))
    store, key = bucket._store(), bucket._key(name)
    with _step(bucket, name, "put and read back a small object"):
        bucket.write(name, data)
    try:
        with _step(bucket, name, "list what was put"):
            if name not in [file.name for file in bucket.files("probe/")]:
                raise StorageError("the listing lacks it")
        with _step(bucket, name, "read part of an object, as tables are read (a request with Range)"):
            if bytes(obstore.get_range(store, key, start=10, end=20)) != data[10:20]:
                raise StorageError("it gives other bytes than were asked for")
    finally:
        with _step(bucket, name, "delete an object"):
            obstore.delete(store, key)


@contextmanager
def _step(bucket: Bucket, name: str, does: str) -> Iterator[None]:
    """What the probe does inside; a failure says that the storage can't do this."""
    try:
        with saying(bucket.url):
            yield
    except StorageError as error:
        why = str(error).removeprefix(bucket.address(name)).removeprefix(bucket.url).removeprefix(": ")
        raise type(error)(f"{bucket.url}: nothing was played, for the object storage does not {does}: {why}") from None
