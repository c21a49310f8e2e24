"""A bucket of an object storage that speaks S3, as a place for the warehouse's files.

What it takes comes from the environment alone, under the names that all clients of object storage know:
AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY (AWS_SESSION_TOKEN), AWS_REGION, and for a server that is not Amazon's
AWS_ENDPOINT_URL, with AWS_ALLOW_HTTP=true where that is http://. Tables are read by Polars, which asks for all files at
once and for what is needed of them; all else goes through pyarrow, which is imported with the first request.
"""

import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from di_assets.tables.storage import File, StorageError, WarehouseError, Written, written

if TYPE_CHECKING:
    from pyarrow.fs import S3FileSystem

SCHEME = "s3://"
CONNECT_S, REQUEST_S, ATTEMPTS, RETRY_S = 5.0, 10.0, 3, 20.0  # the longest that nothing comes, not that all has come
STAMP_S = 1.1  # object storage tells the time of a change in whole seconds
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
        from pyarrow.fs import FileSelector, FileType  # noqa: PLC0415 -- slow, and of no use to a folder

        with _told(self.url):
            if len(names) == 1 and not names[0].endswith("/"):
                infos = [self._connected().get_file_info(self._key(names[0]))]
            else:
                shared = os.path.commonpath([name.rpartition("/")[0] for name in names])
                selector = FileSelector(self._key(shared), recursive=True, allow_not_found=True)
                infos = self._connected().get_file_info(selector)
        above = len(self._key("")) + 1
        files = [File(i.path[above:], i.size, i.mtime_ns) for i in infos if i.type is FileType.File]
        folders = tuple(name for name in names if name.endswith("/"))
        return sorted(file for file in files if file.name in names or file.name.startswith(folders))

    def read(self, name: str) -> bytes | None:
        """What an object holds; None where there is none."""
        with _told(self.url):
            try:
                with self._connected().open_input_stream(self._key(name)) as stream:
                    return bytes(stream.read())
            except FileNotFoundError:
                return None

    def write(self, name: str, data: bytes) -> Written:
        """Puts the object whole, small ones in one request."""
        key, size = self._key(name), len(data)
        _let_time_pass(key, size)
        with _told(self.url), self._connected().open_output_stream(key) as stream:
            stream.write(data)
        _LAST_PUT[key] = (time.monotonic(), size)
        return written(data)

    def check(self) -> None:
        """Asks for the bucket, once a process.

        Raises:
            StorageError: it cannot be reached or is not there.
        """
        self._connected()

    def _key(self, name: str) -> str:
        return f"{self.url.removeprefix(SCHEME)}/{name}".rstrip("/")

    def _connected(self) -> "S3FileSystem":
        return _connected(self.url.removeprefix(SCHEME).partition("/")[0], hash(_environment()))


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
    return {"max_retries": ATTEMPTS - 1, "retry_timeout_ms": int(1000 * RETRY_S)}


# Readers tell versions by time and size; the same size twice in one second would look unchanged.
_LAST_PUT: dict[str, tuple[float, int]] = {}


def _let_time_pass(key: str, size: int) -> None:
    at, before = _LAST_PUT.get(key, (-STAMP_S, -1))
    if size == before:
        time.sleep(max(0.0, at + STAMP_S - time.monotonic()))


def _environment() -> tuple[tuple[str, str], ...]:
    return tuple(sorted((name, value) for name, value in os.environ.items() if name.startswith("AWS_")))


@lru_cache(maxsize=8)
def _connected(bucket: str, environment: int) -> "S3FileSystem":
    """The file system that holds a bucket, once for each environment; the bucket was there when this returns."""
    del environment
    from pyarrow.fs import AwsStandardS3RetryStrategy, FileType, S3FileSystem  # noqa: PLC0415

    missing = [name for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY") if not os.environ.get(name)]
    if missing:
        raise WarehouseError(f"{SCHEME}{bucket}: no credentials: set {' and '.join(missing)} in the environment")
    endpoint = os.environ.get("AWS_ENDPOINT_URL") or None
    if endpoint and endpoint.startswith("http://") and os.environ.get("AWS_ALLOW_HTTP", "").lower() != "true":
        raise WarehouseError(f"{SCHEME}{bucket}: AWS_ENDPOINT_URL is http://, which takes AWS_ALLOW_HTTP=true")
    with _told(SCHEME + bucket):
        files = S3FileSystem(
            endpoint_override=endpoint,
            region=os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1",
            connect_timeout=CONNECT_S,
            request_timeout=REQUEST_S,
            retry_strategy=AwsStandardS3RetryStrategy(max_attempts=ATTEMPTS),
            allow_delayed_open=True,
        )
        if files.get_file_info(bucket).type is FileType.NotFound:
            raise WarehouseError(f"{SCHEME}{bucket}: no such bucket; make it first")
    return files


@contextmanager
def _told(url: str) -> Iterator[None]:
    """What goes wrong inside, in one line of our own: the server's words can name keys."""
    try:
        yield
    except FileNotFoundError:
        raise
    except OSError as error:
        raise told(url, str(error)) from None


def told(url: str, words: str) -> StorageError:
    """What an error of a client of object storage comes to."""
    for pattern, kind, meaning in _MEANINGS:
        if re.search(pattern, words, re.IGNORECASE):
            return kind(f"{url}: {meaning}")
    code = re.search(r"AWS Error ([A-Z_]+)|status code: (\d+)|HTTP status (\d+)", words)
    return StorageError(
        f"{url}: the object storage failed ({next(filter(None, code.groups())) if code else 'no code'})"
    )


_MEANINGS: tuple[tuple[str, type[StorageError], str], ...] = (
    ("NO_?SUCH_?BUCKET", WarehouseError, "no such bucket; make it first"),
    (
        "INVALID_?ACCESS_?KEY|SIGNATURE|EXPIRED_?TOKEN|INVALID_?TOKEN|UNRECOGNIZED_?CLIENT",
        WarehouseError,
        "the credentials in the environment are not accepted",
    ),
    (r"ACCESS_?DENIED|status(?: code:)? 403", WarehouseError, "the credentials in the environment may not do this"),
    (r"status(?: code:)? 301", WarehouseError, "the bucket is in another region; set AWS_REGION"),
    (
        "NETWORK_CONNECTION|REQUEST_TIMEOUT|curlCode|error sending request|timed out|tcp connect",
        StorageError,
        "no connection to the object storage (AWS_ENDPOINT_URL, or the network)",
    ),
    (
        r"SLOW_?DOWN|THROTTL|status(?: code:)? 503|SERVICE_UNAVAILABLE",
        StorageError,
        "the object storage is too busy; try again later",
    ),
)
