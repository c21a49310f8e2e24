"""Replays stored replies through today's rules, and compares the result with the stored events, points and hashes."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any, Literal

import polars as pl

from di_assets.agents.prompts import Prompts
from di_assets.agents.replies import READERS
from di_assets.arms import Configs, PlannedEpisode, plan
from di_assets.calls.ask_once import GoesOut, Sent
from di_assets.calls.call import FAULTS, Call, from_row, replies_sha256
from di_assets.calls.place import Place
from di_assets.calls.sending import Lines
from di_assets.game.state import State
from di_assets.game.types import RULES_VERSION, Message, Pull
from di_assets.play.episode import Seating, play_episode
from di_assets.play.seating import header, players
from di_assets.providers.asking import Ask, Respondent
from di_assets.tables import TABLES, Warehouse
from di_assets.tables.words import COMPLETE, FIRST_READER, FORFEIT, MESSAGE, VALID

# Why a reply ended, by its status in `calls`. For other statuses the table does not say it; `end` is assumed.
STOPS = {"truncated": "length", "refusal": "refusal"}
EVENTS = ("messages", "pulls")
REPLAYED = ("episodes", "seats", "edges", "messages", "pulls", "calls")


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of verifying one episode.

    Attributes:
        episode_id: the episode's id.
        status: `ok`; `stale` (played with other rules, prompts or configuration: it cannot be replayed, or only in
            part); `broken` (what is stored does not follow from the stored replies).
        problem: what is wrong, and at which event; None if ok.
    """

    episode_id: str
    status: Literal["ok", "stale", "broken"]
    problem: str | None = None


class _MissingReplyError(Exception):
    """The stored replies do not reach to the end of the episode."""


@dataclass(slots=True)
class _Stored:
    """A journal that gives stored replies and accepts no new ones.

    It notes which replies were used, the first one that answers another question than today's, and the first missing
    one.
    """

    calls: dict[Place, Call]
    same_prompts: bool
    asked: set[Place] = field(default_factory=set)
    other_question: Place | None = None
    unanswered: Place | None = None

    def find(self, place: Place, request_hash: str) -> Call | None:
        call = self.calls.get(place)
        if call is None:
            self.unanswered = self.unanswered or place
            return None
        self.asked.add(place)
        if self.same_prompts and call.request_hash != request_hash and self.other_question is None:
            self.other_question = place
        return call

    def goes_out(self, place: Place, request_hash: str, *, most_usd: float, at: float) -> Callable[[], None]:
        del place, request_hash, most_usd, at
        raise _MissingReplyError

    def append(self, _call: Call) -> None:
        raise _MissingReplyError

    def make_room(self) -> None:
        return

    async def settled(self) -> None:
        return


def verify(
    configs: Configs, warehouse: Warehouse, *, episodes: list[str] | None = None, batch: str | None = None
) -> Iterator[Verdict]:
    """Yields a verdict on each complete episode of the warehouse, batch by batch.

    Args:
        configs: all configuration.
        warehouse: where the tables are.
        episodes: only the episodes with these ids; None for all.
        batch: only this batch is read; None for all.

    Raises:
        KeyError: a named episode is not stored.
    """
    prompts = Prompts.load(configs.prompts)
    stored = warehouse.read("episodes", batch)
    if episodes is not None:
        for missing in sorted(set(episodes) - set(stored["episode_id"])):
            raise KeyError(missing)
        stored = stored.filter(pl.col("episode_id").is_in(episodes))
    plans = cache(partial(_plan, configs))
    for (held,), rows in stored.filter(pl.col("status") == COMPLETE).group_by("batch", maintain_order=True):
        ids = rows["episode_id"]
        tables = {name: _by_episode(warehouse, name, str(held), ids) for name in (*REPLAYED, "seat_measures")}
        for episode in rows.iter_rows(named=True):
            where = (episode["arm"], episode["launch"])
            # If the batch size was changed since, the episode is in another batch of today's plan.
            planned = plans(*where, held).get(episode["episode_id"]) or plans(*where, None).get(episode["episode_id"])
            its = {name: parts.get(episode["episode_id"], []) for name, parts in tables.items()}
            yield _verdict(configs, prompts, planned, episode, its)


def _by_episode(warehouse: Warehouse, table: str, batch: str, ids: pl.Series) -> dict[str, list[dict[str, Any]]]:
    wanted = warehouse.scan(table, batch).filter(pl.col("episode_id").is_in(ids.implode())).collect()
    parts = wanted.sort(TABLES[table].keys).partition_by("episode_id", as_dict=True)
    return {str(key[0]): part.to_dicts() for key, part in parts.items()}


def _plan(configs: Configs, arm: str, launch: str | None, batch: str | None) -> dict[str, PlannedEpisode]:
    """Today's plan of an arm (or of a batch of it) by id; empty if the arm is no longer configured."""
    if arm not in configs.arms:
        return {}
    return {p.episode_id: p for p in plan(configs.arms[arm], launches=[launch] if launch else [], batch=batch)}


def _verdict(
    configs: Configs,
    prompts: Prompts,
    planned: PlannedEpisode | None,
    episode: dict[str, Any],
    tables: dict[str, list[dict[str, Any]]],
) -> Verdict:
    key = episode["episode_id"]
    replied = [c for c in tables["calls"] if c["status"] not in FAULTS]
    sha256 = replies_sha256([c["request_hash"] for c in replied], [c["reply_text"] for c in replied])
    sha_differs = sha256 != episode["journal_sha256"]
    stale = _stale(configs, prompts, episode, planned)
    if planned is None or stale in {"rules_version", "reader_version", "config_hash"}:
        if sha_differs:
            return Verdict(key, "broken", "the stored replies are not those it was played with (journal_sha256)")
        return Verdict(key, "stale", f"played with another {stale}")
    problem = asyncio.run(_replay(configs, prompts, planned, episode, tables, same_prompts=stale is None))
    if problem is None and sha_differs:
        problem = "a stored reply was changed where no event shows it (journal_sha256 differs)"
    if problem is not None:
        return Verdict(key, "broken", problem)
    return Verdict(key, "ok") if stale is None else Verdict(key, "stale", f"played with another {stale}; events agree")


def _stale(configs: Configs, prompts: Prompts, episode: dict[str, Any], planned: PlannedEpisode | None) -> str | None:
    """The name of the first version or hash that differs from today's; None if none does."""
    if episode["rules_version"] != RULES_VERSION:
        return "rules_version"
    if (episode["reader_version"] or FIRST_READER) not in READERS:
        return "reader_version"
    if planned is None:
        return "config_hash"
    today = header(planned, configs.arm(planned.arm), configs, prompts)
    return next((name for name in ("config_hash", "prompt_hash") if episode[name] != getattr(today, name)), None)


async def _replay(
    configs: Configs,
    prompts: Prompts,
    planned: PlannedEpisode,
    episode: dict[str, Any],
    tables: dict[str, list[dict[str, Any]]],
    *,
    same_prompts: bool,
) -> str | None:
    """The first difference, in words, between the stored tables and the replayed episode; None if there is none."""
    calls = [_as_call(row) for row in tables["calls"] if row["status"] not in FAULTS]
    stored = _Stored({call.place: call for call in calls}, same_prompts)
    cast = players(planned, configs.arm(planned.arm), configs, prompts, Lines({}, {}, ()))
    changed: list[str] = []

    async def refuse(_player: Respondent, _ask: Ask, _goes_out: GoesOut) -> Sent:
        raise _MissingReplyError

    seating = Seating(players=cast, journal=stored, send=refuse, reader=episode["reader_version"] or FIRST_READER)
    try:
        state = await play_episode(planned.setup, seating)
    except _MissingReplyError:
        return _unanswered(stored, tables)
    changed += _event_problems(state, tables)
    if not changed and len(stored.asked) != len(calls):
        changed.append("replies are stored that the episode never asked for")
    if not changed and stored.other_question is not None:
        place = stored.other_question
        changed.append(
            f"round {place.round}, {place.phase}, seat {place.seat}: the stored reply answers another question"
        )
    changed += _roster_problems(planned, episode, state, tables)
    return changed[0] if changed else None


def _unanswered(stored: _Stored, tables: dict[str, list[dict[str, Any]]]) -> str:
    """The problem of a replay that ended early: a stored reply is missing, or was changed to one that is invalid."""
    place = stored.unanswered or Place(1, MESSAGE, 1, 0, 0)
    turn = (place.round, place.seat, place.exchange)
    events = [
        row["event_id"]
        for table, who in (("messages", "sender"), ("pulls", "puller"))
        for row in tables[table]
        if (row["round"], row[who], row.get("exchange", 0)) == turn
    ]
    where = f"event {min(events)}" if events else "no event"
    reply = f"the stored reply of seat {place.seat} in round {place.round} ({place.phase})"
    return f"{where}: {reply} is missing or cannot be read"


def _as_call(row: dict[str, Any]) -> Call:
    return from_row(row, stop=STOPS.get(row["status"], "end"))


def _as_row(event: Message | Pull) -> dict[str, Any]:
    return {name: getattr(event, name) for name in event.__dataclass_fields__}


def _event_problems(state: State, tables: dict[str, list[dict[str, Any]]]) -> list[str]:
    """One line for the first event, in event order, that differs from the stored one; an empty list if none does."""
    events: tuple[Message | Pull, ...] = (*state.messages, *state.pulls)
    replayed = {event.event_id: _as_row(event) for event in events}
    stored = {row["event_id"]: row for name in EVENTS for row in tables[name]}
    for event in sorted({*replayed, *stored}):
        there = {k: v for k, v in stored.get(event, {}).items() if k != "episode_id"}
        if there != replayed.get(event, {}):
            return [f"event {event}: stored {_short(there)}, replayed {_short(replayed.get(event, {}))}"]
    return []


def _roster_problems(
    planned: PlannedEpisode, episode: dict[str, Any], state: State, tables: dict[str, list[dict[str, Any]]]
) -> list[str]:
    labels = [row["label"] for row in tables["seats"]]
    models = [row["model"] for row in tables["seats"]]
    edges = [(row["seat_a"], row["seat_b"]) for row in tables["edges"]]
    problems = {
        "seats: labels or models are not those the seed gives": (tuple(labels), tuple(models))
        != (planned.setup.labels, planned.models),
        "edges are not those of the arm's topology": tuple(edges) != planned.setup.edges,
        "seed is not the planned one": episode["seed"] != planned.setup.seed,
        "n_forfeits is not the number of forfeits": episode["n_forfeits"]
        != sum(p.status == FORFEIT for p in state.pulls),
        "n_calls is not the number of calls": episode["n_calls"] != len(tables["calls"]),
        "points in seat_measures are not the pulls received": bool(tables["seat_measures"])
        and tuple(row["points"] for row in tables["seat_measures"]) != _pulls_received(state),
    }
    return [text for text, wrong in problems.items() if wrong]


def _pulls_received(state: State) -> tuple[int, ...]:
    received = [0] * len(state.setup.labels)
    for pull in state.pulls:
        if pull.status == VALID and pull.target is not None:
            received[pull.target] += 1
    return tuple(received)


def _short(event: dict[str, Any]) -> str:
    text = ", ".join(f"{k} {v!r}" for k, v in event.items() if k != "event_id") or "nothing"
    return text if len(text) <= 200 else f"{text[:200]}…"
