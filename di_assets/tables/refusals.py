"""Errors of object storage, in our own words: the messages of servers and clients may contain keys."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from obstore.exceptions import BaseError

from di_assets.tables.storage import StorageError, WarehouseError


@contextmanager
def in_our_words(url: str) -> Iterator[None]:
    """Turns errors of the client inside the block into a `StorageError` with one line in our own words.

    Raises:
        StorageError: the storage failed.
        WarehouseError: the bucket, the credentials or the region is wrong.
    """
    try:
        yield
    except (BaseError, OSError) as error:
        raise storage_error(url, str(error)) from None


def must_be_the_object(error: FileNotFoundError) -> None:
    """Raises the error again if the whole bucket is missing, and not only the object in it."""
    if re.search(_MEANINGS[0][0], str(error), re.IGNORECASE):
        raise error


def from_polars(error: Exception, url: str) -> StorageError | None:
    """Translates an error of Polars that is about object storage; None if it is about something else."""
    return storage_error(url, str(error)) if "object-store error" in str(error) else None


def storage_error(url: str, words: str) -> StorageError:
    """Translates the message of an object storage client to an error of ours, which does not quote it."""
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
