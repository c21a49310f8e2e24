"""Played episodes as rows of the event tables."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import polars as pl

from di_assets.arms import Arm, PlannedEpisode
from di_assets.game.types import RULES_VERSION, State
from di_assets.play.journal import FAULTS, OK, Call, Header, in_call_order, replies_sha256
from di_assets.tables import EVENT_TABLES, TABLES

COMPLETE, FAILED, STOPPED = "complete", "failed", "stopped"


@dataclass(frozen=True, slots=True)
class Played:
    """One episode as far as it came.

    Attributes:
        planned: what was to be played.
        header: what it was played with.
        kinds: scripted or llm, by seat.
        providers: by seat.
        state: the finished game; None unless status is complete.
        calls: all that were made.
        status: complete, failed or stopped.
        failure: why it is not complete.
    """

    planned: PlannedEpisode
    header: Header
    kinds: tuple[str, ...]
    providers: tuple[str, ...]
    state: State | None
    calls: Sequence[Call]
    status: str
    failure: str | None = None


def event_frames(arm: Arm, played: Sequence[Played]) -> dict[str, pl.DataFrame]:
    """The six event tables of these episodes; an unfinished one has calls and no events."""
    rows: dict[str, list[tuple[Any, ...]]] = {table.name: [] for table in EVENT_TABLES}
    for one in played:
        for table, added in episode_rows(arm, one).items():
            rows[table].extend(added)
    return {name: TABLES[name].frame(added) for name, added in rows.items()}


def episode_rows(arm: Arm, played: Played) -> Mapping[str, list[tuple[Any, ...]]]:
    """Rows of one episode by table, in the contract's column order."""
    planned, setup = played.planned, played.planned.setup
    calls = in_call_order(played.calls)
    key = planned.episode_id
    messages = played.state.messages if played.state else ()
    pulls = played.state.pulls if played.state else ()
    return {
        "episodes": [_episode(arm, played, calls)],
        "seats": [
            (key, seat, setup.labels[seat], planned.models[seat], planned.roles[seat], played.kinds[seat])
            for seat in range(len(setup.labels))
        ],
        "edges": [(key, a, b) for a, b in setup.edges],
        "messages": [
            (key, m.event_id, m.round, m.exchange, m.sender, m.recipient, m.text, m.truncated) for m in messages
        ],
        "pulls": [(key, p.event_id, p.round, p.puller, p.target, p.status) for p in pulls],
        "calls": [_call(played, number, call) for number, call in enumerate(calls)],
    }


def _episode(arm: Arm, played: Played, calls: Sequence[Call]) -> tuple[Any, ...]:
    planned, setup = played.planned, played.planned.setup
    pulls = played.state.pulls if played.state else ()
    return (
        planned.episode_id,
        planned.arm,
        planned.batch,
        planned.launch,
        arm.condition,
        arm.topology.name,
        arm.payoff_name,
        arm.channel,
        planned.focal_model,
        planned.focal_seat,
        planned.replicate,
        setup.seed,
        len(setup.labels),
        setup.rules.n_rounds,
        all(kind == "scripted" for kind in played.kinds),
        played.status,
        played.failure,
        _time(min((c.started_at for c in calls), default=0.0)),
        _time(max(c.started_at + c.latency_s for c in calls)) if played.state and calls else None,
        RULES_VERSION,
        played.header.prompt_hash,
        played.header.config_hash,
        replies_sha256((c.request_hash, c.text) for c in calls if c.status not in FAULTS),
        len(calls),
        sum(p.status == "forfeit" for p in pulls),
        sum(c.input_tokens or 0 for c in calls),
        sum(c.output_tokens or 0 for c in calls),
        sum(c.cost_usd for c in calls),
    )


def _call(played: Played, number: int, call: Call) -> tuple[Any, ...]:
    return (
        played.planned.episode_id,
        number,
        call.round,
        call.phase,
        call.exchange,
        call.seat,
        call.attempt,
        played.providers[call.seat],
        played.planned.models[call.seat],
        call.request_hash,
        call.text,
        call.reasoning,
        call.status,
        call.error if call.status != OK else None,
        call.input_tokens,
        call.cached_tokens,
        call.output_tokens,
        call.cost_usd,
        call.latency_s,
        _time(call.started_at),
        call.retried,
    )


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, tz=UTC)
