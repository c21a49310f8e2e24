"""Makes the event tables of a batch again, at no cost.

An episode with stored replies is replayed from them. An episode of scripted agents is played again. Any other episode
is lost: it is stored as failed with its former cost, and the next run plays it again.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import polars as pl

from di_assets.agents.player import Player
from di_assets.agents.prompts import Prompts
from di_assets.agents.replies import READER_VERSION
from di_assets.arms import Arm, Configs, PlannedEpisode, plan
from di_assets.calls.ask_once import GoesOut, Sent
from di_assets.calls.call import FAULTS, NO_REPLY, Call, by_field, call_of, from_row, replies_sha256, unanswered
from di_assets.calls.journal import Journal
from di_assets.calls.place import Place
from di_assets.calls.sending import Lines
from di_assets.game.state import State
from di_assets.play.episode import Seating, play_episode
from di_assets.play.launches import launches
from di_assets.play.record import Played, event_frames
from di_assets.play.scripted import played_free
from di_assets.play.seating import header, players
from di_assets.play.verify import STOPS
from di_assets.providers.asking import Ask, Respondent
from di_assets.tables import Warehouse
from di_assets.tables.words import COMPLETE, FAILED, FIRST_READER, INTERRUPTED, PULL

LOST = "its stored replies were lost; it is played again"


@dataclass(frozen=True, slots=True)
class Remade:
    """The event tables of a batch, made again.

    Attributes:
        frames: the tables by name.
        lost: the former cost of each lost episode by id, US dollars; None if it is not known.
    """

    frames: dict[str, pl.DataFrame]
    lost: dict[str, float | None]


class _NoReplyError(Exception):
    """The replies do not reach to the end of the episode."""


@dataclass(slots=True)
class _Replies:
    """A journal that gives stored replies and accepts no new ones."""

    calls: Mapping[Place, Call]
    asked: set[Place] = field(default_factory=set)

    def find(self, place: Place, request_hash: str) -> Call | None:
        del request_hash  # today's prompts may differ; the stored reply counts
        self.asked.add(place)
        return self.calls.get(place)

    def goes_out(self, place: Place, request_hash: str, *, most_usd: float, at: float) -> Callable[[], None]:
        del place, request_hash, most_usd, at
        raise _NoReplyError

    def append(self, _call: Call) -> None:
        raise _NoReplyError

    def make_room(self) -> None:
        return

    async def settled(self) -> None:
        return


def whole_replies(calls: pl.DataFrame, episodes: pl.DataFrame) -> list[str]:
    """Ids of the episodes of which all calls are here, checked by the hash, counts and sums in `episodes`."""
    whole = []
    rows = {key[0]: part for key, part in calls.partition_by("episode_id", as_dict=True).items()}
    for episode in episodes.iter_rows(named=True):
        part = rows.get(episode["episode_id"], calls.clear())
        replied = part.filter(~pl.col("status").is_in(FAULTS)).sort("call_id")
        same = replies_sha256(replied["request_hash"].to_list(), replied["reply_text"].to_list())
        sums = {name: part[name].sum() for name in ("input_tokens", "output_tokens")}
        if same == episode["journal_sha256"] and part.height == episode["n_calls"]:
            whole += [episode["episode_id"]] if all(sums[name] == episode[name] for name in sums) else []
    return whole


def remade(
    configs: Configs, arm: Arm, batch: str, warehouse: Warehouse, *, calls: pl.DataFrame, episodes: pl.DataFrame | None,
    ids: Sequence[str],
) -> Remade:  # fmt: skip
    """Makes the event tables of these episodes of a batch.

    Args:
        configs: all configuration.
        arm: the batch's arm.
        batch: partition key of the batch.
        warehouse: where the launch times are.
        calls: the calls that are left; of each episode in it, all calls are there.
        episodes: the table `episodes` as it was; None if it is lost too.
        ids: ids of the episodes that were in the batch.

    Raises:
        KeyError: an episode is no longer in the arm's plan, or one of its models is no longer configured.
    """
    planned = _planned(arm, batch, warehouse, ids)
    prompts = Prompts.load(configs.prompts)
    known = {row["episode_id"]: row for row in episodes.iter_rows(named=True)} if episodes is not None else {}
    parts = {str(key[0]): part for key, part in calls.partition_by("episode_id", as_dict=True).items()}
    played: list[Played] = []
    lost: dict[str, float | None] = {}
    for key in ids:
        row, one = known.get(key), planned[key]
        if key in parts:
            played.append(_replayed(configs, arm, one, prompts, parts[key], row))
        elif configs.is_free(one.models):
            played.append(played_free(one, configs.config_hash(arm)))
        else:
            lost[key] = None if row is None else row["cost_usd"]
            played.append(_lost(configs, arm, one, prompts, lost[key] or 0.0))
    frames = event_frames(arm, played)
    if episodes is not None:  # rows that exist stay as they are, whatever is configured today
        kept = episodes.filter(~pl.col("episode_id").is_in(list(lost)))
        new = frames["episodes"].filter(pl.col("episode_id").is_in(list(lost)))
        frames["episodes"] = pl.concat([kept, new]).sort("episode_id")
    return Remade(frames, lost)


def keep_cost(configs: Configs, arm: Arm, batch: str, warehouse: Warehouse, lost: Mapping[str, float | None]) -> None:
    """Writes a journal for each lost episode with one call that holds its former cost, US dollars.

    So the money counts as spent when the episode is played again. Nothing is written for an episode that has a journal
    already, or whose cost is 0 or unknown.
    """
    planned, prompts = _planned(arm, batch, warehouse, list(lost)), Prompts.load(configs.prompts)
    for key, cost in lost.items():
        path = warehouse.journal / batch / f"{key}.jsonl"
        if path.exists() or not cost:
            continue
        journal = Journal(path, header(planned[key], arm, configs, prompts))
        journal.append(_spent(cost))
        journal.close()


def _planned(arm: Arm, batch: str, warehouse: Warehouse, ids: Sequence[str]) -> dict[str, PlannedEpisode]:
    """The planned episodes with these ids, by id, all put into this batch: the batch size may have changed since."""
    here = {one.episode_id: one for one in plan(arm, launches=launches(warehouse, arm), batch=batch)}
    if not set(ids) <= set(here):
        here = {one.episode_id: one for one in plan(arm, launches=launches(warehouse, arm))}
    return {key: replace(here[key], batch=batch) for key in ids}


def _replayed(
    configs: Configs,
    arm: Arm,
    planned: PlannedEpisode,
    prompts: Prompts,
    rows: pl.DataFrame,
    row: dict[str, Any] | None,
) -> Played:
    """Replays an episode from its stored replies. If it was not complete, it keeps its status and has no events."""
    calls = [_as_call(one) for one in rows.sort("call_id").iter_rows(named=True)]

    def fresh_cast() -> list[Player]:
        return players(planned, arm, configs, prompts, Lines({}, {}, ()))

    cast = fresh_cast()
    status, failure = (COMPLETE, None) if row is None else (row["status"], row["failure"])
    # An unknown reader version is found by trying: with the right one, the episode uses all replies and needs no more.
    readers = [READER_VERSION, FIRST_READER] if row is None else [row["reader_version"] or FIRST_READER]
    state = None
    for reader in readers if status == COMPLETE else ():
        replies = _Replies({call.place: call for call in calls if call.status not in FAULTS})
        # Nobody is asked: the replies of scripted agents are stored as well.
        state = _to_the_end(planned, Seating(players=fresh_cast(), journal=replies, send=_refuse, reader=reader))
        if state is not None and replies.asked == set(replies.calls):
            break
    if status == COMPLETE and state is None:
        status, failure = FAILED, "its stored replies do not reach to its end; the next run resumes it"
    return Played(
        planned=planned,
        header=replace(header(planned, arm, configs, prompts), reader_version=reader if state else readers[0]),
        kinds=tuple(player.kind for player in cast),
        providers=tuple(player.provider for player in cast),
        events=state.events() if state else None,
        calls=by_field(calls),
        status=status,
        failure=failure,
    )


async def _refuse(_player: Respondent, _ask: Ask, _goes_out: GoesOut) -> Sent:
    raise _NoReplyError


def _to_the_end(planned: PlannedEpisode, seating: Seating) -> State | None:
    try:
        return asyncio.run(play_episode(planned.setup, seating))
    except _NoReplyError:
        return None


def _lost(configs: Configs, arm: Arm, planned: PlannedEpisode, prompts: Prompts, cost_usd: float) -> Played:
    cast = players(planned, arm, configs, prompts, Lines({}, {}, ()))
    return Played(
        planned=planned,
        header=header(planned, arm, configs, prompts),
        kinds=tuple(player.kind for player in cast),
        providers=tuple(player.provider for player in cast),
        events=None,
        calls=by_field([_spent(cost_usd)] if cost_usd else []),
        status=FAILED,
        failure=LOST,
    )


def _spent(cost_usd: float) -> Call:
    """One call without a reply that has the cost of a lost episode."""
    return call_of(
        Place(1, PULL, 0, 0, 0),
        "",
        unanswered(),
        status=INTERRUPTED,
        error="replies that were lost with a damaged file",
        cost_usd=cost_usd,
        latency_s=0.0,
        started_at=0.0,
    )


def _as_call(row: Mapping[str, Any]) -> Call:
    return from_row(row, stop=NO_REPLY if row["status"] in FAULTS else STOPS.get(row["status"], "end"))
