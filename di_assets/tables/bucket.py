"""Stores the warehouse's files in a bucket of an object storage with the S3 protocol.

All settings come from the environment, under the usual names: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY (also
AWS_SESSION_TOKEN) and AWS_REGION. For a server that is not Amazon's, AWS_ENDPOINT_URL is its address; if that begins
with http://, AWS_ALLOW_HTTP=true is needed too. Polars reads the tables: several files at once, and only the parts that
are needed. Everything else uses the package obstore, the same client that is built into Polars.

A write succeeds only after the object was read back and is equal to what was sent. Server errors, busy servers and
broken connections are retried for a limited time. If the server forbids a request or does not know the object, there is
an error at once.
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

from di_assets.tables.refusals import in_our_words, must_be_the_object
from di_assets.tables.storage import File, StorageError, WarehouseError, Written, written

if TYPE_CHECKING:
    from obstore import ObjectMeta  # only used as a type

SCHEME = "s3://"
CONNECT_S, REQUEST_S = 5.0, 60.0  # longest time to connect, and for one request with its answer
FIRST_WAIT_S, RETRIES, RETRY_S = 0.1, 5, 20.0  # waits double; no retry begins later than RETRY_S after the start
WRITES = 3  # how often an object is written if something else is read back
PART, PARTS_AT_ONCE = 8 * 2**20, 2  # bytes; larger objects are sent in parts
ADDRESS = re.compile(
    r"s3://(?P<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?P<prefix>(/[A-Za-z0-9_=-][A-Za-z0-9._=-]*)*)/?"
)


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket of an object storage, or the objects in it under a prefix.

    Attributes:
        url: `s3://BUCKET/PREFIX`, without a slash at its end.
    """

    url: str

    def address(self, name: str) -> str:
        """The URL of a file; of the whole warehouse if `name` is empty."""
        return f"{self.url}/{name}".rstrip("/")

    def files(self, *names: str) -> list[File]:
        """Lists files, see `Storage.files`.

        It takes one request for one file. Otherwise the folder that all names share is listed, with one request per
        1,000 objects.
        """
        if len(names) == 1 and not names[0].endswith("/"):
            found = self._head(names[0])
        else:
            found = self._list(os.path.commonpath([name.rpartition("/")[0] for name in names]))
        folders = tuple(name for name in names if name.endswith("/"))
        files = (self._file(one) for one in found)
        return sorted(file for file in files if file.name in names or file.name.startswith(folders))

    def read(self, name: str) -> bytes | None:
        """Returns the content of a file; None if it does not exist.

        Raises:
            StorageError: the storage failed.
        """
        with in_our_words(self.address(name)):
            try:
                return bytes(obstore.get(self._store(), self._key(name)).bytes())
            except FileNotFoundError as error:
                must_be_the_object(error)
                return None

    def write(self, name: str, data: bytes) -> Written:
        """Writes a file and reads it back. A large file is sent in parts, and exists only when all parts are there.

        Raises:
            StorageError: the storage failed, or what was read back is not what was sent.
        """
        sent = written(data)
        with in_our_words(self.address(name)):
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
        """Deletes a file; has no effect if it does not exist."""
        with in_our_words(self.address(name)), suppress(FileNotFoundError):
            obstore.delete(self._store(), self._key(name))

    def displace(self, name: str, to: str) -> bool:
        """Returns False: in a bucket, nothing but a file can have a file's name."""
        del name, to
        return False

    def check(self) -> None:
        """Checks that the bucket can be reached, once per process.

        Raises:
            StorageError: the bucket cannot be reached, does not exist or refuses the credentials.
        """
        _check(self, _environment())

    def probe(self) -> None:
        """Tries with a small object under the prefix everything that play needs, once per process.

        Raises:
            StorageError: the storage cannot do one of these things; the message says which.
        """
        _probe(self, _environment())

    def _put(self, name: str, data: bytes, sent: Written) -> None:
        # One call that an interrupt does not cut off: an object is written completely or not at all.
        try:
            obstore.put(self._store(), self._key(name), data, chunk_size=PART, max_concurrency=PARTS_AT_ONCE)
        except FileNotFoundError:
            # If the answer to the end of an upload was lost, the retry finds that the upload does not exist any more.
            if self._held(name) != sent:
                raise

    def _held(self, name: str) -> Written | None:
        """Size and sha256 of an object, read piece by piece; None if it does not exist."""
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
        with in_our_words(self.address(name)):
            try:
                return [obstore.head(self._store(), self._key(name))]
            except FileNotFoundError:
                return []

    def _list(self, folder: str) -> list["ObjectMeta"]:
        with in_our_words(self.url):
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
    """The bucket at an address; no request is made.

    Raises:
        WarehouseError: the address is not `s3://BUCKET` or `s3://BUCKET/PREFIX`.
    """
    match = ADDRESS.fullmatch(address)
    if match is None:
        # The message does not repeat the address: people put keys into addresses.
        raise WarehouseError("the warehouse's address is no folder and not s3://BUCKET or s3://BUCKET/PREFIX")
    return Bucket(f"{SCHEME}{match['bucket']}{match['prefix']}")


def polars_options() -> dict[str, Any]:
    """Options for Polars, with the same retries and time limits as here."""
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
    """The client of a bucket, made once per environment; no request is made yet.

    Raises:
        WarehouseError: credentials are missing in the environment, or AWS_ALLOW_HTTP is.
    """
    del environment
    missing = [name for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY") if not os.environ.get(name)]
    if missing:
        raise WarehouseError(f"{SCHEME}{bucket}: no credentials: set {' and '.join(missing)} in the environment")
    http = os.environ.get("AWS_ALLOW_HTTP", "").lower() == "true"
    if os.environ.get("AWS_ENDPOINT_URL", "").startswith("http://") and not http:
        raise WarehouseError(f"{SCHEME}{bucket}: AWS_ENDPOINT_URL is http://, which takes AWS_ALLOW_HTTP=true")
    with in_our_words(SCHEME + bucket):
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
    with in_our_words(SCHEME + bucket.url.removeprefix(SCHEME).partition("/")[0]):
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
    """One step of the probe. An error inside the block becomes one that says that the storage cannot do `does`."""
    try:
        with in_our_words(bucket.url):
            yield
    except StorageError as error:
        why = str(error).removeprefix(bucket.address(name)).removeprefix(bucket.url).removeprefix(": ")
        raise type(error)(f"{bucket.url}: nothing was played, for the object storage does not {does}: {why}") from None
