"""Turns played episodes into the event tables. It works column by column: row by row would take longer than play."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, compress, repeat
from operator import add
from typing import Any

import numpy as np
import polars as pl

from di_assets.arms import Arm, PlannedEpisode
from di_assets.calls.call import FAULTS, Columns, Header, as_columns, replies_sha256
from di_assets.game.state import Events, Fields
from di_assets.game.types import RULES_VERSION
from di_assets.tables import TABLES
from di_assets.tables.words import BATCH, FORFEIT, LIVE, SCRIPTED

MICROSECONDS = 1_000_000


@dataclass(frozen=True, slots=True)
class Repeated(Sequence[Any]):
    """A sequence that has the same value n times, and stores it once."""

    value: Any
    n: int

    def __len__(self) -> int:
        """The length, n."""
        return self.n

    def __getitem__(self, at: Any) -> Any:
        """The value for an index; a list of it for a slice."""
        return [self.value] * len(range(self.n)[at]) if isinstance(at, slice) else self.value

    def __iter__(self) -> Iterator[Any]:
        """Yields the value n times."""
        return repeat(self.value, self.n)


@dataclass(frozen=True, slots=True)
class Played:
    """One episode as it was played, complete or not.

    Attributes:
        planned: the planned episode.
        header: the rules, prompts and configuration it was played with.
        kinds: scripted or llm, one per seat.
        providers: name of the provider, one per seat.
        events: messages and pulls; None unless the status is complete.
        calls: all calls in call order, as columns by field of `Call`.
        status: complete, failed or stopped.
        failure: why it is not complete; None if it is.
    """

    planned: PlannedEpisode
    header: Header
    kinds: tuple[str, ...]
    providers: tuple[str, ...]
    events: Events | None
    calls: Columns
    status: str
    failure: str | None = None


def event_frames(arm: Arm, played: Sequence[Played]) -> dict[str, pl.DataFrame]:
    """The six event tables of these episodes, by name, rows sorted by key.

    An unfinished episode has no rows in `messages` and `pulls`.
    """
    played = sorted(played, key=lambda one: one.planned.episode_id)
    finished = [(one, one.events) for one in played if one.events]
    return {
        "episodes": _frame("episodes", [_episode(arm, one) for one in played]),
        "seats": _frame("seats", [_seats(one) for one in played]),
        "edges": _frame("edges", [_edges(one) for one in played]),
        "messages": _frame("messages", [_events(one, events.messages) for one, events in finished]),
        "pulls": _frame("pulls", [_events(one, events.pulls) for one, events in finished]),
        "calls": _frame("calls", [_calls(one) for one in played]),
    }


def _frame(table: str, parts: Sequence[Columns]) -> pl.DataFrame:
    """Joins the parts, given as columns, to one frame; times in the parts are seconds since the epoch, UTC."""
    return pl.DataFrame(
        [_series(name, dtype, [part[name] for part in parts]) for name, dtype in TABLES[table].schema.items()]
    )


def _series(name: str, dtype: pl.DataType, parts: Sequence[Sequence[Any]]) -> pl.Series:
    """Joins the parts to one column. For speed, repeated values and repeated parts are converted only once."""
    if parts and all(isinstance(part, Repeated) for part in parts):
        firsts, counts = pl.Series(name, [part[0] for part in parts], dtype=dtype), [len(part) for part in parts]
        return firsts[pl.Series(np.repeat(np.arange(len(parts), dtype=np.uint32), counts))]
    if len(parts) > 1 and all(part is parts[0] for part in parts):
        return pl.concat([_series(name, dtype, parts[:1])] * len(parts), rechunk=True)
    values = list(chain.from_iterable(parts))
    if isinstance(dtype, pl.Datetime):
        seconds = pl.Series(name, values, dtype=pl.Float64)
        return (seconds * MICROSECONDS).round().cast(pl.Int64).cast(dtype)
    return pl.Series(name, values, dtype=dtype)


def _episode(arm: Arm, played: Played) -> Columns:
    planned, setup, calls = played.planned, played.planned.setup, played.calls
    ends = map(add, calls["started_at"], calls["latency_s"])
    row = {
        "episode_id": planned.episode_id,
        "arm": planned.arm,
        "batch": planned.batch,
        "launch": planned.launch,
        "condition": arm.condition,
        "topology": arm.topology.name,
        "payoff": arm.payoff_name,
        "channel": arm.channel,
        "focal_model": planned.focal_model,
        "focal_seat": planned.focal_seat,
        "replicate": planned.replicate,
        "seed": setup.seed,
        "n_seats": len(setup.labels),
        "n_rounds": setup.rules.n_rounds,
        "scripted": all(kind == SCRIPTED for kind in played.kinds),
        "status": played.status,
        "failure": played.failure,
        "started_at": min(calls["started_at"], default=0.0),
        "finished_at": max(ends, default=None) if played.events else None,
        "rules_version": RULES_VERSION,
        "reader_version": played.header.reader_version,
        "engine": _engine(calls["engine"]),
        "prompt_hash": played.header.prompt_hash,
        "config_hash": played.header.config_hash,
        "journal_sha256": replies_sha256(*_replied(calls)),
        "n_calls": len(calls["status"]),
        "n_forfeits": played.events.pulls["status"].count(FORFEIT) if played.events else 0,
        "input_tokens": sum(filter(None, calls["input_tokens"])),
        "output_tokens": sum(filter(None, calls["output_tokens"])),
        "cost_usd": sum(calls["cost_usd"]),
    }
    return {name: (value,) for name, value in row.items()}


def _engine(engines: Sequence[str | None]) -> str | None:
    """The engine of an episode whose calls went by these; None if no model was asked, or an old journal holds it."""
    return BATCH if BATCH in engines else LIVE if LIVE in engines else None


def _replied(calls: Columns) -> tuple[Sequence[str], Sequence[str]]:
    """Request hashes and texts of the calls that brought a reply, as two sequences in call order."""
    hashes, texts, statuses = calls["request_hash"], calls["text"], calls["status"]
    if FAULTS.isdisjoint(statuses):
        return hashes, texts
    replied = [status not in FAULTS for status in statuses]
    return list(compress(hashes, replied)), list(compress(texts, replied))


def _seats(played: Played) -> Columns:
    planned, labels = played.planned, played.planned.setup.labels
    return {
        "episode_id": Repeated(planned.episode_id, len(labels)),
        "seat": range(len(labels)),
        "label": labels,
        "model": planned.models,
        "role": planned.roles,
        "kind": played.kinds,
    }


def _edges(played: Played) -> Columns:
    edges = played.planned.setup.edges
    return {
        "episode_id": Repeated(played.planned.episode_id, len(edges)),
        "seat_a": [a for a, _ in edges],
        "seat_b": [b for _, b in edges],
    }


def _events(played: Played, fields: Fields) -> Columns:
    return {"episode_id": Repeated(played.planned.episode_id, len(fields["event_id"])), **fields}


def _calls(played: Played) -> Columns:
    calls, seats = played.calls, played.calls["seat"]
    return {
        **as_columns(calls),
        "episode_id": Repeated(played.planned.episode_id, len(seats)),
        "call_id": range(len(seats)),
        "provider": _by_seat(played.providers, seats),
        "model": _by_seat(played.planned.models, seats),
    }


def _by_seat(values: Sequence[Any], seats: Sequence[int]) -> Sequence[Any]:
    return Repeated(values[0], len(seats)) if len(set(values)) == 1 else [values[seat] for seat in seats]
