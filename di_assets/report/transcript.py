"""An episode as a reader sees it: rounds of events, who sat where, the score after each round, the calls behind it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from di_assets.measures.labels import LEXICAL
from di_assets.tables import Warehouse

WORDS = (("asks", "asks_for_pull"), ("promises", "promises_pull"))


@dataclass(frozen=True, slots=True)
class Event:
    """One message or pull.

    Attributes:
        event_id: its number.
        round: from 1.
        kind: message or pull.
        seat: who sent or pulled.
        other: recipient or target; None for a forfeit.
        text: of a message; None for a pull.
        status: of a pull (valid, forfeit, kept); `cut` for a cut message; else empty.
        labels: what is said of a message: `asks`, `promises` by the labeller asked for; of each other one that labelled
            it, `NAME: asks, promises` or `NAME: neither`.
        pull_kind: payback, solicited or unprompted, of a valid pull.
        calls: every call made for it, as in the table `calls`.
    """

    event_id: int
    round: int
    kind: str
    seat: int
    other: int | None
    text: str | None
    status: str
    labels: tuple[str, ...]
    pull_kind: str | None
    calls: tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Transcript:
    """One episode.

    Attributes:
        episode: its row in `episodes`.
        seats: rows of `seats`, by seat.
        events: in event order.
        scores: round -> points by seat after it.
    """

    episode: dict[str, Any]
    seats: tuple[dict[str, Any], ...]
    events: tuple[Event, ...]
    scores: dict[int, tuple[int, ...]]

    @property
    def rounds(self) -> list[int]:
        """Rounds that hold an event."""
        return sorted({event.round for event in self.events})


def read_transcript(warehouse: Warehouse, episode_id: str, *, labeller: str = LEXICAL) -> Transcript | None:
    """The episode of this id; None where there is none.

    Args:
        warehouse: where the tables are.
        episode_id: the episode.
        labeller: whose labels stand without a name.
    """
    rows = _of(warehouse, "episodes", episode_id)
    if not rows:
        return None
    episode, batch = rows[0], rows[0]["batch"]
    seats = tuple(_of(warehouse, "seats", episode_id, batch))
    calls: dict[tuple[int, str, int, int], list[dict[str, Any]]] = {}
    for call in _of(warehouse, "calls", episode_id, batch):
        calls.setdefault((call["round"], call["phase"], call["exchange"], call["seat"]), []).append(call)
    labels = _labels(_of(warehouse, "message_labels", episode_id, batch), labeller)
    kinds = {row["event_id"]: row["kind"] for row in _of(warehouse, "pull_kinds", episode_id, batch)}
    events = [
        Event(
            event_id=m["event_id"],
            round=m["round"],
            kind="message",
            seat=m["sender"],
            other=m["recipient"],
            text=m["text"],
            status="cut" if m["truncated"] else "",
            labels=labels.get(m["event_id"], ()),
            pull_kind=None,
            calls=tuple(calls.get((m["round"], "message", m["exchange"], m["sender"]), ())),
        )
        for m in _of(warehouse, "messages", episode_id, batch)
    ] + [
        Event(
            event_id=p["event_id"],
            round=p["round"],
            kind="pull",
            seat=p["puller"],
            other=p["target"],
            text=None,
            status=p["status"],
            labels=(),
            pull_kind=kinds.get(p["event_id"]),
            calls=tuple(calls.get((p["round"], "pull", 0, p["puller"]), ())),
        )
        for p in _of(warehouse, "pulls", episode_id, batch)
    ]
    events.sort(key=lambda event: event.event_id)
    return Transcript(episode=episode, seats=seats, events=tuple(events), scores=_scores(events, len(seats)))


def visible_to(events: Sequence[Event], seat: int) -> list[Event]:
    """What a seat may have seen: its own messages both ways, and every pull (under public visibility)."""
    return [event for event in events if event.kind == "pull" or seat in (event.seat, event.other)]


def _of(warehouse: Warehouse, table: str, episode_id: str, batch: str | None = None) -> list[dict[str, Any]]:
    return warehouse.scan(table, batch).filter(pl.col("episode_id") == episode_id).collect().to_dicts()


def _labels(rows: Sequence[dict[str, Any]], labeller: str) -> dict[int, tuple[str, ...]]:
    """By event: the words of this labeller, then those of each other one under its name."""
    found: dict[int, tuple[str, ...]] = {}
    for row in sorted(rows, key=lambda row: (row["labeller"] != labeller, row["labeller"])):
        words = tuple(word for word, column in WORDS if row[column])
        if row["labeller"] != labeller:
            words = (f"{row['labeller']}: {', '.join(words) or 'neither'}",)
        found[row["event_id"]] = found.get(row["event_id"], ()) + words
    return found


def _scores(events: Sequence[Event], n_seats: int) -> dict[int, tuple[int, ...]]:
    points, scores = [0] * n_seats, {}
    for event in events:
        if event.kind == "pull":
            if event.status == "valid" and event.other is not None:
                points[event.other] += 1
            scores[event.round] = tuple(points)
    return scores
