"""An episode for reading: events by round, who sat where, the score after each round, and the calls behind events."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from di_assets.report.reader.answers import Answers, answers
from di_assets.tables import Warehouse
from di_assets.tables.words import LEXICAL, MESSAGE, PULL, VALID

WORDS = (("asks", "asks_for_pull"), ("promises", "promises_pull"))


@dataclass(frozen=True, slots=True)
class Event:
    """One message or pull.

    Attributes:
        event_id: its number.
        round: from 1.
        exchange: from 1; 0 for a pull.
        kind: message or pull.
        seat: the sender or puller.
        other: the recipient or target; None for a forfeit.
        text: the message as delivered; None for a pull.
        status: for a pull: valid, forfeit, kept; `cut` for a message that was cut; otherwise empty.
        labels: labels of a message: `asks` and `promises` by the chosen labeller; for each other labeller
            `NAME: asks, promises` or `NAME: neither`.
        pull_kind: for a valid pull: payback, solicited or unprompted.
        answers: the events that a pull answers, or the pulls that a message brought.
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
        """Sorts events by the time at which seats were asked: round, messages before pulls, exchange."""
        return (self.round, self.kind == PULL, self.exchange)

    @property
    def output_tokens(self) -> int | None:
        """Tokens that the model wrote for it, re-asks included; None if no server reported any."""
        reported = [call["output_tokens"] for call in self.calls if call["output_tokens"] is not None]
        return sum(reported) if reported else None


@dataclass(frozen=True, slots=True)
class Transcript:
    """One episode.

    Attributes:
        episode: its row in `episodes`.
        seats: rows of `seats`, by seat.
        edges: (lower seat, higher seat) of each edge, sorted.
        calls: rows of `calls`, in call order.
        events: in event order.
        scores: round -> points by seat after it, including the points for kept pulls.
    """

    episode: dict[str, Any]
    seats: tuple[dict[str, Any], ...]
    edges: tuple[tuple[int, int], ...]
    calls: tuple[dict[str, Any], ...]
    events: tuple[Event, ...]
    scores: dict[int, tuple[float, ...]]

    @property
    def rounds(self) -> list[int]:
        """The rounds that have an event."""
        return sorted({event.round for event in self.events})

    @property
    def labels(self) -> list[str]:
        """The letter of each seat, by seat."""
        return [seat["label"] for seat in self.seats]


def read_transcript(
    warehouse: Warehouse, episode_id: str, *, batch: str | None = None, labeller: str = LEXICAL
) -> Transcript | None:
    """The episode with this id; None if there is none.

    Args:
        warehouse: the warehouse with the tables.
        episode_id: the episode.
        batch: its partition, if known: then only one file of each table is opened.
        labeller: the labeller whose labels are shown without its name.
    """
    rows = rows_of(warehouse, "episodes", episode_id, batch)
    if not rows:
        return None
    episode, batch = rows[0], rows[0]["batch"]
    seats = tuple(rows_of(warehouse, "seats", episode_id, batch))
    made = rows_of(warehouse, "calls", episode_id, batch)
    calls: dict[tuple[int, str, int, int], list[dict[str, Any]]] = {}
    for call in made:
        calls.setdefault((call["round"], call["phase"], call["exchange"], call["seat"]), []).append(call)
    messages, pulled = rows_of(warehouse, "messages", episode_id, batch), rows_of(warehouse, "pulls", episode_id, batch)
    label_rows = rows_of(warehouse, "message_labels", episode_id, batch)
    labels, kinds = (
        _labels(label_rows, labeller),
        {row["event_id"]: row["kind"] for row in rows_of(warehouse, "pull_kinds", episode_id, batch)},
    )
    # The kinds of pulls are always computed with this labeller's labels, whichever labels are shown first.
    asks = {row["event_id"] for row in label_rows if row["labeller"] == LEXICAL and row["asks_for_pull"]}
    answered = answers([m for m in messages if m["event_id"] in asks], pulled)
    events = [
        Event(
            event_id=m["event_id"],
            round=m["round"],
            exchange=m["exchange"],
            kind=MESSAGE,
            seat=m["sender"],
            other=m["recipient"],
            text=m["text"],
            status="cut" if m["truncated"] else "",
            labels=labels.get(m["event_id"], ()),
            pull_kind=None,
            answers=answered.get(m["event_id"], Answers()),
            calls=tuple(calls.get((m["round"], MESSAGE, m["exchange"], m["sender"]), ())),
        )
        for m in messages
    ] + [
        Event(
            event_id=p["event_id"],
            round=p["round"],
            exchange=0,
            kind=PULL,
            seat=p["puller"],
            other=p["target"],
            text=None,
            status=p["status"],
            labels=(),
            pull_kind=kinds.get(p["event_id"]),
            answers=answered.get(p["event_id"], Answers()),
            calls=tuple(calls.get((p["round"], PULL, 0, p["puller"]), ())),
        )
        for p in pulled
    ]
    events.sort(key=lambda event: event.event_id)
    edges = rows_of(warehouse, "edges", episode_id, batch)
    return Transcript(
        episode=episode,
        seats=seats,
        edges=tuple((edge["seat_a"], edge["seat_b"]) for edge in edges),
        calls=tuple(made),
        events=tuple(events),
        scores=_scores(events, len(seats), worth_of_kept=_worth_of_keeping(episode["payoff"])),
    )


def rows_of(warehouse: Warehouse, table: str, episode_id: str, batch: str | None = None) -> list[dict[str, Any]]:
    """The episode's rows of a table, in key order; none if the table does not have the batch.

    Within a file, statistics tell which row groups can be skipped.
    """
    return warehouse.scan(table, batch).filter(pl.col("episode_id") == episode_id).collect().to_dicts()


def _labels(rows: Sequence[dict[str, Any]], labeller: str) -> dict[int, tuple[str, ...]]:
    """By event, the labels by this labeller, then those by each other labeller with its name."""
    found: dict[int, tuple[str, ...]] = {}
    for row in sorted(rows, key=lambda row: (row["labeller"] != labeller, row["labeller"])):
        words = tuple(word for word, column in WORDS if row[column])
        if row["labeller"] != labeller:
            words = (f"{row['labeller']}: {', '.join(words) or 'neither'}",)
        found[row["event_id"]] = found.get(row["event_id"], ()) + words
    return found


def _worth_of_keeping(payoff: str) -> float:
    """Points for a kept pull: v for the payoff `outside(v)`, 0 in the pure game, which has no kept pulls."""
    return float(payoff[len("outside(") : -1]) if payoff.startswith("outside(") else 0.0


def _scores(events: Iterable[Event], n_seats: int, *, worth_of_kept: float) -> dict[int, tuple[float, ...]]:
    points: list[float] = [0] * n_seats
    scores: dict[int, tuple[float, ...]] = {}
    for event in events:
        if event.kind == PULL:
            if event.other is not None:
                points[event.other] += 1 if event.status == VALID else worth_of_kept
            scores[event.round] = tuple(points)
    return scores
