"""Played episodes as the event tables, column by column: a row at a time would cost as much as play itself."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, repeat
from operator import add
from typing import Any

import polars as pl

from di_assets.arms import Arm, PlannedEpisode
from di_assets.game.types import RULES_VERSION, State
from di_assets.play.journal import FAULTS, Call, Header, replies_sha256
from di_assets.tables import TABLES

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
        calls: all that were made, in call order.
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
    finished = [(one.planned.episode_id, one.state) for one in played if one.state is not None]
    messages = [(key, state.messages) for key, state in finished]
    pulls = [(key, state.pulls) for key, state in finished]
    seats = [(one.planned.episode_id, _seats(one)) for one in played]
    edges = [(one.planned.episode_id, one.planned.setup.edges) for one in played]
    return {
        "episodes": TABLES["episodes"].frame([_episode(arm, one) for one in played]),
        "seats": _frame("seats", seats),
        "edges": _frame("edges", edges),
        "messages": _frame("messages", messages),
        "pulls": _frame("pulls", pulls),
        "calls": _calls(played),
    }
