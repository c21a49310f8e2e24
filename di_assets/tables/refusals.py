"""What went wrong with object storage, in one line of our own: what servers and clients say can name keys."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from obstore.exceptions import BaseError

from di_assets.tables.storage import StorageError, WarehouseError


@contextmanager
def saying(url: str) -> Iterator[None]:
    """What goes wrong inside, in one line of our own: the server's words can name keys."""
    try:
        yield
    except (BaseError, OSError) as error:
        raise told(url, str(error)) from None


def must_be_the_object(error: FileNotFoundError) -> None:
    """Raises the error again where the whole bucket is missing: that is not a warehouse without this file."""
    if re.search(_MEANINGS[0][0], str(error), re.IGNORECASE):
        raise error


def from_polars(error: Exception, url: str) -> StorageError | None:
    """What an error that Polars raised says of object storage; None where it is about something else."""
    return told(url, str(error)) if "object-store error" in str(error) else None


def told(url: str, words: str) -> StorageError:
    """What an error of a client of object storage comes to."""
    for pattern, kind, meaning in _MEANINGS:
        if re.search(pattern, words, re.IGNORECASE):
            return kind(f"{url}: {meaning}")
    code = re.search(r"status code: (\d{3})", words)
    what = f"the object storage failed ({code[1]})" if code else "the object storage gave an answer that is not S3's"
    return StorageError(f"{url}: {what}")


_MEANINGS: tuple[tuple[str, type[StorageError], str], ...] = (
    ("<Code>NoSuchBucket<", WarehouseError, "no such bucket; make it first"),
    (
        "<Code>(InvalidAccessKeyId|SignatureDoesNotMatch|ExpiredToken|InvalidToken|UnrecognizedClient)",
        WarehouseError,
        "the credentials in the environment are not accepted",
    ),
    (r"<Code>AccessDenied<|status code: 40[13]", WarehouseError, "the credentials in the environment may not do this"),
    (r"status code: 30[1278]", WarehouseError, "the bucket is in another region; set AWS_REGION"),
    (r"status code: 507|QuotaExceeded", StorageError, "the object storage is full"),
    (
        r"<Code>(SlowDown|ServiceUnavailable)<|status code: (429|503)",
        StorageError,
        "the object storage is too busy; try again later",
    ),
    ("non-partial response", StorageError, "the object storage gives the whole object where a part was asked for"),
    (
        "error sending request|timed out|tcp connect|connection|error decoding response body|end of file",
        StorageError,
        "no connection to the object storage, or one that breaks (AWS_ENDPOINT_URL, or the network)",
    ),
)
