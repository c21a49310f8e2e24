"""Chooses which events of an episode are shown, and finds the events before and after one of them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from di_assets.report.reader.transcript import Event, Transcript
from di_assets.tables.words import MESSAGE, PULL

# Of longer episodes only a part is shown, around the linked event.
MOST_SHOWN = 1_500


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which events are wanted; None and empty text mean all.

    Attributes:
        kind: message or pull.
        seat: events by this seat or to it.
        round: events of this round.
        words: messages that contain this text, in upper or lower case.
    """

    kind: str | None = None
    seat: int | None = None
    round: int | None = None
    words: str = ""


@dataclass(frozen=True, slots=True)
class Around:
    """The shown events before and after the linked one; None where there is none."""

    before: int | None = None
    after: int | None = None


@dataclass(frozen=True, slots=True)
class Cell:
    """What one seat did in one round.

    Attributes:
        event_id: the event of its pull.
        target: the seat it pulled; itself for a kept pull; None for a forfeit.
        messages: number of messages it wrote.
    """

    event_id: int
    target: int | None
    messages: int


def chosen(events: Iterable[Event], wanted: Wanted) -> tuple[Event, ...]:
    """The wanted events, in order."""
    words = wanted.words.casefold()
    return tuple(
        event
        for event in events
        if wanted.kind in {None, event.kind}
        and wanted.seat in {None, event.seat, event.other}
        and wanted.round in {None, event.round}
        and words in (event.text or "").casefold()
    )


def part_of(events: Sequence[Event], linked: int | None, *, most: int = MOST_SHOWN) -> Sequence[Event]:
    """At most `most` of the events: those around the linked one, or the first ones."""
    at = next((number for number, event in enumerate(events) if event.event_id == linked), 0)
    first = max(0, min(at - most // 2, len(events) - most))
    return events[first : first + most]


def around(events: Sequence[Event], linked: int | None) -> Around:
    """The events before and after the linked one; without a linked event, the first event comes after."""
    if linked is None:
        return Around(after=events[0].event_id if events else None)
    before = [event.event_id for event in events if event.event_id < linked]
    after = [event.event_id for event in events if event.event_id > linked]
    return Around(before[-1] if before else None, after[0] if after else None)


def lanes(found: Transcript) -> tuple[tuple[Cell | None, ...], ...]:
    """By seat and round, what the seat did; None if no pull is stored."""
    written: dict[tuple[int, int], int] = {}
    for event in found.events:
        if event.kind == MESSAGE:
            written[event.seat, event.round] = written.get((event.seat, event.round), 0) + 1
    pulls = {(e.seat, e.round): e for e in found.events if e.kind == PULL}
    return tuple(
        tuple(
            Cell(pull.event_id, pull.other, written.get((seat, number), 0))
            if (pull := pulls.get((seat, number)))
            else None
            for number in found.rounds
        )
        for seat in range(len(found.seats))
    )


def first_events(found: Transcript) -> dict[int, int]:
    """Round -> its first event."""
    return {event.round: event.event_id for event in reversed(found.events)}
