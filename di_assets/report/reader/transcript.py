"""An episode as a reader sees it: rounds of events, who sat where, the score after each round, the calls behind it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from di_assets.measures.labels import LEXICAL
from di_assets.report.reader.answers import Answers, answers
from di_assets.tables import Warehouse

WORDS = (("asks", "asks_for_pull"), ("promises", "promises_pull"))


@dataclass(frozen=True, slots=True)
class Event:
    """One message or pull.

    Attributes:
        event_id: its number.
        round: from 1.
        exchange: from 1; 0 for a pull.
        kind: message or pull.
        seat: who sent or pulled.
        other: recipient or target; None for a forfeit.
        text: of a message, as delivered; None for a pull.
        status: of a pull (valid, forfeit, kept); `cut` for a cut message; else empty.
        labels: what is said of a message: `asks`, `promises` by the labeller asked for; of each other one that labelled
            it, `NAME: asks, promises` or `NAME: neither`.
        pull_kind: payback, solicited or unprompted, of a valid pull.
        answers: what a pull answers, and what a message that asks for a pull brought.
        calls: every call made for it, as in the table `calls`.
    """

    event_id: int
    round: int
    exchange: int
    kind: str
    seat: int
    other: int | None
    text: str | None
    status: str
    labels: tuple[str, ...]
    pull_kind: str | None
    answers: Answers
    calls: tuple[dict[str, Any], ...]

    @property
    def turn(self) -> tuple[int, bool, int]:
        """Orders the moments at which seats are asked: round, messages before pulls, exchange."""
        return (self.round, self.kind == "pull", self.exchange)

    @property
    def output_tokens(self) -> int | None:
        """Tokens that the model wrote for it, re-asks included; None where no server told any."""
        told = [call["output_tokens"] for call in self.calls if call["output_tokens"] is not None]
        return sum(told) if told else None


@dataclass(frozen=True, slots=True)
class Transcript:
    """One episode.

    Attributes:
        episode: its row in `episodes`.
        seats: rows of `seats`, by seat.
        edges: (lower seat, higher seat) of each edge, sorted.
        calls: rows of `calls`, in call order.
        events: in event order.
        scores: round -> points by seat after it, kept pulls at what they are worth.
    """

    episode: dict[str, Any]
    seats: tuple[dict[str, Any], ...]
    edges: tuple[tuple[int, int], ...]
    calls: tuple[dict[str, Any], ...]
    events: tuple[Event, ...]
    scores: dict[int, tuple[float, ...]]

    @property
    def rounds(self) -> list[int]:
        """Rounds that hold an event."""
        return sorted({event.round for event in self.events})

    @property
    def labels(self) -> list[str]:
        """The letter of each seat, by seat."""
        return [seat["label"] for seat in self.seats]


def read_transcript(
    warehouse: Warehouse, episode_id: str, *, batch: str | None = None, labeller: str = LEXICAL
) -> Transcript | None:
    """The episode of this id; None where there is none.

    Args:
        warehouse: where the tables are.
        episode_id: the episode.
        batch: its partition, where that is known already: then one file of each table is opened, and no other.
        labeller: whose labels stand without a name.
    """
    rows = _of(warehouse, "episodes", episode_id, batch)
    if not rows:
        return None
    episode, batch = rows[0], rows[0]["batch"]
    seats = tuple(_of(warehouse, "seats", episode_id, batch))
    made = _of(warehouse, "calls", episode_id, batch)
    calls: dict[tuple[int, str, int, int], list[dict[str, Any]]] = {}
    for call in made:
        calls.setdefault((call["round"], call["phase"], call["exchange"], call["seat"]), []).append(call)
    said, pulled = _of(warehouse, "messages", episode_id, batch), _of(warehouse, "pulls", episode_id, batch)
    told = _of(warehouse, "message_labels", episode_id, batch)
    labels, kinds = (
        _labels(told, labeller),
        {row["event_id"]: row["kind"] for row in _of(warehouse, "pull_kinds", episode_id, batch)},
    )
    # The kinds of pulls are told by this labeller's words, whoever's are shown first.
    asks = {row["event_id"] for row in told if row["labeller"] == LEXICAL and row["asks_for_pull"]}
    answered = answers([m for m in said if m["event_id"] in asks], pulled)
    events = [
        Event(
            event_id=m["event_id"],
            round=m["round"],
            exchange=m["exchange"],
            kind="message",
            seat=m["sender"],
            other=m["recipient"],
            text=m["text"],
            status="cut" if m["truncated"] else "",
            labels=labels.get(m["event_id"], ()),
            pull_kind=None,
            answers=answered.get(m["event_id"], Answers()),
            calls=tuple(calls.get((m["round"], "message", m["exchange"], m["sender"]), ())),
        )
        for m in said
    ] + [
        Event(
            event_id=p["event_id"],
            round=p["round"],
            exchange=0,
            kind="pull",
            seat=p["puller"],
            other=p["target"],
            text=None,
            status=p["status"],
            labels=(),
            pull_kind=kinds.get(p["event_id"]),
            answers=answered.get(p["event_id"], Answers()),
            calls=tuple(calls.get((p["round"], "pull", 0, p["puller"]), ())),
        )
        for p in pulled
    ]
    events.sort(key=lambda event: event.event_id)
    edges = _of(warehouse, "edges", episode_id, batch)
    return Transcript(
        episode=episode,
        seats=seats,
        edges=tuple((edge["seat_a"], edge["seat_b"]) for edge in edges),
        calls=tuple(made),
        events=tuple(events),
        scores=_scores(events, len(seats), kept=_worth_of_keeping(episode["payoff"])),
    )


def _of(warehouse: Warehouse, table: str, episode_id: str, batch: str | None = None) -> list[dict[str, Any]]:
    """Its rows, in key order: within a file, row groups that cannot hold it are passed over by their statistics."""
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


def _worth_of_keeping(payoff: str) -> float:
    """Points for a kept pull: v of `outside(v)`; 0 in the pure game, where none is kept."""
    return float(payoff[len("outside(") : -1]) if payoff.startswith("outside(") else 0.0


def _scores(events: Iterable[Event], n_seats: int, *, kept: float) -> dict[int, tuple[float, ...]]:
    points: list[float] = [0] * n_seats
    scores: dict[int, tuple[float, ...]] = {}
    for event in events:
        if event.kind == "pull":
            if event.other is not None:
                points[event.other] += 1 if event.status == "valid" else kept
            scores[event.round] = tuple(points)
    return scores
