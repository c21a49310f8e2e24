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

LANES = 6


@dataclass(frozen=True, slots=True)
class Pull:
    """What a seat did with its pull in a round.

    Attributes:
        event_id: of the pull.
        target: letter of the seat that is pulled; None of a forfeit.
        lane: of that seat.
        messages: that the seat had written in the round.
    """

    event_id: int
    target: str | None
    lane: int | None
    messages: int


@dataclass(frozen=True, slots=True)
class Lane:
    """A seat: whom it pulled in each round, and its points in the end.

    Attributes:
        number: of its colour.
        model: with what is scripted labelled so; None while it is judged blind.
        pulls: one a round; None where the seat had none.
        points: None before they are told.
    """

    number: int
    label: str
    model: str | None
    pulls: Sequence[Pull | None]
    points: float | None


@dataclass(frozen=True, slots=True)
class Lanes:
    """A lane a seat, in the order of their letters.

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
    """A word about an event, with the events that it speaks of."""

    words: str
    events: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class EventRow:
    """One event.

    Attributes:
        lane: colour of its seat.
        label: letter of its seat.
        other: letter of whom it goes to; a dash of nobody.
        model: of its seat, with what is scripted labelled so; None where it is not to be seen.
        text: of a message, as it arrived; None of a pull.
        does: what a pull does.
        wrote: what the sender wrote, where something else arrived.
        news: why it stands among what a seat knew, although nobody knew of it yet.
        tokens: that the model wrote for it; None where no server told any.
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
    """The events of a round that are shown, and the points after it as far as they are told."""

    number: int
    opened: bool
    events: Sequence[EventRow]
    points: Sequence[tuple[str, float]] = ()


@dataclass(frozen=True, slots=True)
class Events:
    """Every event that is shown, in its round."""

    template: ClassVar[str] = "events"
    view: View
    rounds: Sequence[Round]


@dataclass(frozen=True, slots=True)
class Beyond:
    """What an event's row needs besides the episode.

    Attributes:
        seen: what the seat knew whose view is asked for.
        written: event -> what was written, where something else arrived.
        cited: event -> what in the report rests on it.
        brought: a message says which pulls it brought.
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
    """The model behind a letter, with what is scripted labelled so; None while it is judged blind."""
    if view.blind:
        return None
    one = found.seats[seat]
    return named(one["model"], scripted=one["kind"] == "scripted")


def event_section(found: Transcript, shown: Sequence[Event], view: View, beyond: Beyond) -> Events:
    """The events that are shown, in rounds; of an episode with a linked event only its round may be open."""
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
    """Points after a round; in a seat's view only what it had been told."""
    hides = seen is not None and (seen.points is None or (now is not None and number >= now))
    return [] if number not in found.scores or hides else points_of(found, found.scores[number])


def points_of(found: Transcript, scores: Sequence[float]) -> list[tuple[str, float]]:
    """Points of every seat, in the order of their letters."""
    return sorted(zip(found.labels, scores, strict=True))


def _row(found: Transcript, event: Event, view: View, beyond: Beyond) -> EventRow:
    """One event; in a seat's view without what no seat knows."""
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
    return "its own, in answer to what stands above" if own else "not known to it at that moment: it came afterwards"


def notes_of(event: Event, *, brought: bool = True) -> list[Note]:
    """What is said of an event."""
    notes = [Note(label) for label in event.labels]
    notes += [Note(event.pull_kind)] if event.pull_kind else []
    notes += [Note("cut to the most a message may hold")] if event.status == "cut" else []
    answers = event.answers
    of = [
        ("asked for in", answers.asked_in),
        ("repays", answers.repays),
        ("brought", answers.brought if brought else ()),
    ]
    return notes + [Note(words, events) for words, events in of if events]


def _citing(cited: Sequence[str], view: View) -> list[Note]:
    """What cites an event; blind, only that something does, for it names models."""
    if view.blind and cited:
        return [Note("cited")]
    return [Note(f"cited by {what}") for what in cited]


def pull_words(event: Event, other: str) -> str:
    """What a pull does, in words."""
    return {"valid": f"pulls for {other} (+1)", "kept": "keeps the pull", "forfeit": "forfeits the pull"}[event.status]
