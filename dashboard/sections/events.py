"""An episode's events, round by round, and the lanes above them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import ClassVar

from dashboard.sections.view import View
from di_assets.report.named import named
from di_assets.report.reader.choosing import Cell, first_events, lanes
from di_assets.report.reader.seen import Seen
from di_assets.report.reader.transcript import Event, Transcript
from di_assets.tables.words import FORFEIT, KEPT, SCRIPTED, VALID

LANES = 6


@dataclass(frozen=True, slots=True)
class Pull:
    """What a seat did with its pull in a round.

    Attributes:
        event_id: the event of the pull.
        target: letter of the seat that is pulled; None for a forfeit.
        lane: lane of that seat.
        messages: number of messages that the seat wrote in the round.
    """

    event_id: int
    target: str | None
    lane: int | None
    messages: int


@dataclass(frozen=True, slots=True)
class Lane:
    """A seat: whom it pulled in each round, and its points at the end.

    Attributes:
        number: number of its colour.
        model: the model, with a label if it is scripted; None in blind mode.
        pulls: one per round; None if no pull is stored.
        points: None if points may not be shown yet.
    """

    number: int
    label: str
    model: str | None
    pulls: Sequence[Pull | None]
    points: float | None


@dataclass(frozen=True, slots=True)
class Lanes:
    """One lane per seat, in the order of their letters.

    Attributes:
        first: round -> its first event, in the order of rounds.
        now: the round of the linked event.
    """

    template: ClassVar[str] = "lanes"
    view: View
    first: Mapping[int, int]
    now: int | None
    lanes: Sequence[Lane]


@dataclass(frozen=True, slots=True)
class Note:
    """A remark about an event, with the events that it mentions."""

    words: str
    events: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class EventRow:
    """One event.

    Attributes:
        lane: colour of its seat.
        label: letter of its seat.
        other: letter of the recipient or target; a dash if there is none.
        model: the seat's model, with a label if it is scripted; None if it may not be shown.
        text: the message as delivered; None for a pull.
        does: what a pull does, in words.
        wrote: what the sender wrote, if something else arrived.
        news: why it is listed in a seat's view, although nobody knew of it yet.
        tokens: tokens that the model wrote for it; None if no server reported any.
        on: it is the linked event.
    """

    event_id: int
    round: int
    kind: str
    lane: int
    label: str
    other: str
    model: str | None
    text: str | None
    does: str
    wrote: str | None = None
    notes: Sequence[Note] = ()
    news: str = ""
    tokens: int | None = None
    on: bool = False


@dataclass(frozen=True, slots=True)
class Round:
    """The events of a round that are shown, and the points after it that may be shown."""

    number: int
    opened: bool
    events: Sequence[EventRow]
    points: Sequence[tuple[str, float]] = ()


@dataclass(frozen=True, slots=True)
class Events:
    """Every event that is shown, by round."""

    template: ClassVar[str] = "events"
    view: View
    rounds: Sequence[Round]


@dataclass(frozen=True, slots=True)
class Beyond:
    """What an event's row needs besides the episode.

    Attributes:
        seen: what the seat knew, in a seat's view.
        written: event -> what was written, if something else arrived.
        cited: event -> what in the report rests on it.
        brought: list at each message the pulls that it brought.
    """

    seen: Seen | None = None
    written: Mapping[int, str] = field(default_factory=dict)
    cited: Mapping[int, Sequence[str]] = field(default_factory=dict)
    brought: bool = True


def lane_section(found: Transcript, view: View) -> Lanes:
    """The lanes of an episode."""
    table, points = lanes(found), found.scores.get(found.rounds[-1], ())
    rows = [
        Lane(
            number=seat % LANES,
            label=label,
            model=model_of(found, seat, view),
            pulls=[_pull(found, cell) for cell in table[seat]],
            points=points[seat] if points else None,
        )
        for seat, label in sorted(enumerate(found.labels), key=lambda one: one[1])
    ]
    starts = first_events(found)
    return Lanes(view, {number: starts[number] for number in found.rounds}, _now(found, view), rows)


def _pull(found: Transcript, cell: Cell | None) -> Pull | None:
    if cell is None:
        return None
    if cell.target is None:
        return Pull(cell.event_id, None, None, cell.messages)
    return Pull(cell.event_id, found.labels[cell.target], cell.target % LANES, cell.messages)


def _now(found: Transcript, view: View) -> int | None:
    return found.events[view.marked].round if view.marked is not None else None


def model_of(found: Transcript, seat: int, view: View) -> str | None:
    """The model in a seat, with a label if it is scripted; None in blind mode."""
    if view.blind:
        return None
    one = found.seats[seat]
    return named(one["model"], scripted=one["kind"] == SCRIPTED)


def event_section(found: Transcript, shown: Sequence[Event], view: View, beyond: Beyond) -> Events:
    """The events that are shown, by round. If an event is linked, it is possible to open only its round."""
    now = _now(found, view)
    rounds = [
        Round(
            number=number,
            opened=not view.fold or number == now,
            events=[_row(found, event, view, beyond) for event in events],
            points=_points(found, number, beyond.seen, now),
        )
        for number, events in groupby(shown, key=lambda event: event.round)
    ]
    return Events(view, rounds)


def _points(found: Transcript, number: int, seen: Seen | None, now: int | None) -> list[tuple[str, float]]:
    """Points after a round; in a seat's view only those that the seat was told."""
    hides = seen is not None and (seen.points is None or (now is not None and number >= now))
    return [] if number not in found.scores or hides else points_of(found, found.scores[number])


def points_of(found: Transcript, scores: Sequence[float]) -> list[tuple[str, float]]:
    """Points of every seat, in the order of their letters."""
    return sorted(zip(found.labels, scores, strict=True))


def _row(found: Transcript, event: Event, view: View, beyond: Beyond) -> EventRow:
    """One event; in a seat's view without anything that no seat knows."""
    on = event.event_id == view.marked
    other = "—" if event.other is None else found.labels[event.other]
    row = EventRow(
        event_id=event.event_id,
        round=event.round,
        kind=event.kind,
        lane=event.seat % LANES,
        label=found.labels[event.seat],
        other=other,
        model=model_of(found, event.seat, view) if beyond.seen is None else None,
        text=event.text,
        does="" if event.text is not None else pull_words(event, other),
        on=on,
    )
    if beyond.seen is not None:
        return replace(row, news=_news(event, beyond.seen) if on else "")
    cited = beyond.cited.get(event.event_id, ())
    return replace(
        row,
        wrote=beyond.written.get(event.event_id),
        notes=[*notes_of(event, brought=beyond.brought), *_citing(cited, view)],
        tokens=event.output_tokens or None,
    )


def _news(event: Event, seen: Seen) -> str:
    own = event.seat == seen.seat
    return "its own answer to the events above" if own else "not known to it at that moment: it happened afterwards"


def notes_of(event: Event, *, brought: bool = True) -> list[Note]:
    """The remarks about an event."""
    notes = [Note(label) for label in event.labels]
    notes += [Note(event.pull_kind)] if event.pull_kind else []
    notes += [Note("cut to the maximum length of a message")] if event.status == "cut" else []
    answers = event.answers
    of = [
        ("asked for in", answers.asked_in),
        ("repays", answers.repays),
        ("brought", answers.brought if brought else ()),
    ]
    return notes + [Note(words, events) for words, events in of if events]


def _citing(cited: Sequence[str], view: View) -> list[Note]:
    """What cites an event. In blind mode only that something cites it, because citations name models."""
    if view.blind and cited:
        return [Note("cited")]
    return [Note(f"cited by {what}") for what in cited]


def pull_words(event: Event, other: str) -> str:
    """What a pull does, in words."""
    return {VALID: f"pulls for {other} (+1)", KEPT: "keeps the pull", FORFEIT: "forfeits the pull"}[event.status]
