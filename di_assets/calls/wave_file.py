"""The record of a wave: which requests went to a provider in one batch, and what became of them. It has no prompts.

A record is written before its batch is handed over, and lies beside the journals as long as they do. So a batch is
found again and fetched after this process ended at any moment, and a reply that a journal lost is not paid for twice.

A file has up to three JSON lines: the requests; the provider's id of the batch; the requests that it did not answer.
"""

import hashlib
import json
import logging
import os
import time
import uuid
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from di_assets.calls.call import FAULTS, Call
from di_assets.calls.disk_space import room_in
from di_assets.tables.storage import replacing

log = logging.getLogger(__name__)

SUFFIX = ".wave"
# Providers take ids of at most 64 letters, digits, - and _.
_LONGEST_ID = 64


class Asked(NamedTuple):
    """A request of a wave: its episode, its hash, and the most it can cost, US dollars."""

    episode_id: str
    request_hash: str
    most_usd: float


class Unanswered(NamedTuple):
    """How a request failed in a batch that has ended: the kind of fault, and what it may have cost, US dollars."""

    kind: str
    cost_usd: float


@dataclass(eq=False, slots=True)
class Wave:
    """A wave as its file has it.

    Attributes:
        path: the file.
        name: our name of the wave, a UUID in hex.
        model: the model's name.
        at: when it was written, seconds since the epoch; the batch was handed over after that.
        requests: its requests, by the id that the provider returns with each result.
        batch: the provider's id of the batch; None if its answer was never noted.
        ended: the provider works on it no more, and `failed` is complete.
        failed: requests without a reply, by id.
        forgotten: the file was deleted.
    """

    path: Path
    name: str
    model: str
    at: float
    requests: Mapping[str, Asked]
    batch: str | None = None
    ended: bool = False
    failed: dict[str, Unanswered] = field(default_factory=dict)
    forgotten: bool = False

    @classmethod
    def write(cls, folder: Path, model: str, requests: Sequence[Asked]) -> "Wave":
        """Writes the record of a new wave; when this returns, it survives a power cut.

        Raises:
            DiskFullError: there is no room for it.
        """
        name, at = uuid.uuid4().hex, round(time.time(), 6)
        path = folder / f"{name}{SUFFIX}"
        with room_in(folder), replacing(path) as temporary:
            temporary.write_bytes(_line({"wave": name, "model": model, "at": at, "requests": requests}))
        return cls(path, name, model, at, {_id(name, one): one for one in requests})

    @classmethod
    def read(cls, path: Path) -> "Wave | None":
        """Reads a record; a line that was cut short counts as not written. None if nothing can be read."""
        lines = [_object(line) for line in path.read_bytes().split(b"\n")]
        try:
            first, rest = lines[0] or {}, [line for line in lines[1:] if line]
            requests = [Asked(*one) for one in first["requests"]]
            known = {"name": first["wave"], "model": first["model"], "at": first["at"]}
            wave = cls(path=path, requests={_id(first["wave"], one): one for one in requests}, **known)
            for line in rest:
                wave.batch = line.get("batch", wave.batch)
                wave.ended = wave.ended or "failed" in line
                wave.failed |= {name: Unanswered(*one) for name, one in line.get("failed", {}).items()}
        except (KeyError, TypeError):
            log.warning("%s: cannot be read; what its requests cost is not known", path)
            return None
        return wave

    def handed_over(self, batch: str) -> None:
        """Notes the provider's id of the batch."""
        self._add({"batch": batch})
        self.batch = batch

    def has_ended(self, failed: Mapping[str, Unanswered]) -> None:
        """Notes that the batch has ended, and which of its requests have no reply."""
        self._add({"failed": failed})
        self.ended, self.failed = True, dict(failed)

    def forget(self) -> None:
        """Deletes the record: the wave was not handed over, or the tables have all its replies."""
        self.path.unlink(missing_ok=True)
        self.forgotten = True

    def _add(self, record: Mapping[str, Any]) -> None:
        with room_in(self.path.parent), self.path.open("ab") as file:
            file.write(b"\n" + _line(record))  # the line before may have been cut short
            file.flush()
            os.fsync(file.fileno())


class Owed(NamedTuple):
    """A request of a wave whose reply is in no journal.

    Attributes:
        wave: its wave.
        custom_id: its id in the wave.
        asked: the request.
        cost_usd: what counts as spent on it, US dollars: the most it can cost, or if it failed what that may have cost.
        open: it did not fail: its reply is there, or may come.
    """

    wave: Wave
    custom_id: str
    asked: Asked
    cost_usd: float
    open: bool


def waves_in(folder: Path) -> list[Wave]:
    """The waves in a folder of journals, oldest first."""
    read = (Wave.read(path) for path in folder.glob(f"*{SUFFIX}"))
    return sorted((wave for wave in read if wave is not None), key=lambda wave: (wave.at, wave.name))


def owed_in(
    waves: Iterable[Wave], calls: Mapping[str, Collection[Call]], *, complete: Collection[str] = ()
) -> Iterator[Owed]:
    """Yields what these waves owe: requests that no stored call accounts for.

    Args:
        waves: the waves.
        calls: the calls in each episode's journal.
        complete: episodes whose calls are all in the tables; nothing of them is owed.
    """
    stored: dict[tuple[str, str], list[Call]] = {}
    for episode, held in calls.items():
        for call in held:
            stored.setdefault((episode, call.request_hash), []).append(call)
    for wave in waves:
        for name, asked in wave.requests.items():
            failed = wave.failed.get(name)
            answers = stored.get(asked[:2], ())
            if asked.episode_id not in complete and not any(_accounts_for(call, wave, failed) for call in answers):
                cost_usd = asked.most_usd if failed is None else failed.cost_usd
                yield Owed(wave, name, asked, cost_usd, open=failed is None)


def forget_waves(folder: Path, complete: Collection[str]) -> None:
    """Deletes the records of waves whose episodes are all among these."""
    for wave in waves_in(folder):
        if all(one.episode_id in complete for one in wave.requests.values()):
            wave.forget()


def _accounts_for(call: Call, wave: Wave, failed: Unanswered | None) -> bool:
    """Whether a call with the same question includes this request: its reply, or a fault that came after it failed."""
    if call.status not in FAULTS:
        return True
    return failed is not None and call.started_at + call.latency_s >= wave.at


def _id(wave: str, asked: Asked) -> str:
    digest = hashlib.sha256(f"{asked.episode_id}/{asked.request_hash}".encode()).hexdigest()
    return f"{wave}-{digest}"[:_LONGEST_ID]


def _line(record: Mapping[str, Any]) -> bytes:
    return json.dumps(record, separators=(",", ":")).encode() + b"\n"


def _object(line: bytes) -> dict[str, Any] | None:
    try:
        record = json.loads(line)
    except ValueError:
        return None
    return record if isinstance(record, dict) else None
