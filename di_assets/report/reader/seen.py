"""What one seat had seen by the end of an episode, or when an event happened."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from di_assets.game.board import may_write
from di_assets.game.types import Rules, Setup
from di_assets.report.reader.answers import Answers
from di_assets.report.reader.transcript import Event, Transcript
from di_assets.tables.words import PULL

NOT_SURE = (
    "the rules of this episode are no longer configured, so it is not known who learned of which pulls: "
    "only pulls by and on this seat are shown"
)


@dataclass(frozen=True, slots=True)
class Seen:
    """What a seat knew.

    Attributes:
        seat: the seat.
        events: the events it knew of, in order: its own messages as it wrote them, messages to it as they arrived, and
            pulls it learned of. They hold nothing that only a reader knows (labels, kinds, calls).
        at: the event at whose time the view is taken; None for the whole episode.
        shows_it: the event itself is the seat's own, or reaches it later; then it is the last of `events`.
        later: events that reached it only later.
        never: events that never reached it.
        points: points by seat, as the seat was told them; None if points are not told, or none were told yet.
        may_write: it is asked for messages.
        word: what is not known about its view; None if everything is known.
    """

    seat: int
    events: tuple[Event, ...]
    at: int | None
    shows_it: bool
    later: int
    never: int
    points: tuple[float, ...] | None
    may_write: bool
    word: str | None


def seen_by(
    found: Transcript, seat: int, *, at: int | None, rules: Rules | None, written: Mapping[int, str] | None = None
) -> Seen:
    """What a seat knew when everybody was asked for the turn of an event, or at the end.

    Nobody learns anything of a phase before it is over: a message is known from the turn after its exchange, a pull
    from the next round.

    Args:
        found: the episode.
        seat: the seat.
        at: the event; None for the whole episode.
        rules: the rules of the episode; None if they are not known.
        written: what senders wrote, for messages that arrived changed.
    """
    own = [event for event in found.events if _comes_to(event, seat, public=rules is not None and _public(rules))]
    moment = None if at is None else found.events[at].turn
    known = [event for event in own if moment is None or event.turn < moment]
    linked = [event for event in own if event.event_id == at]
    points = None
    if rules is not None and _public(rules):
        # Points are told when a round begins; at the end everybody knows the final points.
        last = max((event.round for event in known if event.kind == PULL), default=0)
        points = found.scores.get(last)
    return Seen(
        seat=seat,
        events=tuple(_as_known(event, seat, written or {}) for event in known + linked),
        at=at,
        shows_it=bool(linked),
        later=len(own) - len(known) - len(linked),
        never=len(found.events) - len(own),
        points=points,
        may_write=_may_write(found, seat),
        word=NOT_SURE if rules is None and found.events else None,
    )


def _public(rules: Rules) -> bool:
    return rules.visibility == "public"


def _comes_to(event: Event, seat: int, *, public: bool) -> bool:
    """Whether a seat ever learns of an event."""
    return seat in (event.seat, event.other) or (event.kind == PULL and public)


def _as_known(event: Event, seat: int, written: Mapping[int, str]) -> Event:
    text = written.get(event.event_id, event.text) if event.seat == seat else event.text
    return replace(event, text=text, labels=(), pull_kind=None, answers=Answers(), calls=())


def _may_write(found: Transcript, seat: int) -> bool:
    channel, focal = found.episode["channel"], found.episode["focal_seat"]
    return may_write(
        Setup(rules=Rules(channel=channel), edges=found.edges, labels=tuple(found.labels), seed=0, focal=focal), seat
    )
