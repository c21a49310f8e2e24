"""Everything around an episode's events: its facts, links, citations, what a seat knew, and what is hidden."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from dashboard.sections.events import points_of
from dashboard.sections.view import View
from dashboard.untrusted import hidden, name_of
from di_assets.report.lineage.citations import Citation
from di_assets.report.reader.replay import Replay
from di_assets.report.reader.seen import Seen
from di_assets.report.reader.transcript import Event, Transcript
from di_assets.tables.words import COMPLETE, FOCAL_MUTED, MESSAGE, NO_MESSAGES, PLACEBO, RIVALS_MUTED, SCRIPTED

CHANNELS = {
    FOCAL_MUTED: "The focal seat may not write; the others may, and nobody is told.",
    RIVALS_MUTED: "Only the focal seat may write; nobody is told.",
    PLACEBO: "What the focal seat writes arrives as filler of the same length; nobody is told.",
    NO_MESSAGES: "Played without messages; players were not told that messages exist.",
}
MOST_NAMED = 50


@dataclass(frozen=True, slots=True)
class ReaderTop:
    """An episode's facts.

    Attributes:
        scripted: says who is scripted.
        status: status of an episode that is not complete.
        failure: why it is not complete; None if that is hidden because it may name a model.
        facts: condition, seed, rounds, calls, forfeits and cost, in one line.
        channel: who may write to whom, if not everybody may.
        doubtful: the stored events do not follow from the stored replies.
    """

    template: ClassVar[str] = "reader_top"
    title: str
    scripted: str
    status: str
    failure: str | None
    facts: str
    channel: str
    doubtful: bool


@dataclass(frozen=True, slots=True)
class Way:
    """A link to another event or episode; `to` is None at the end.

    Attributes:
        key: the key for it, if the page itself handles keys.
    """

    words: str
    to: str | None
    key: str = ""


@dataclass(frozen=True, slots=True)
class Ways:
    """Links to the neighbouring events and episodes, and the keys for them."""

    template: ClassVar[str] = "ways"
    label: str
    ways: Sequence[Way]


@dataclass(frozen=True, slots=True)
class Controls:
    """Search and filters of a transcript in the static site."""

    template: ClassVar[str] = "controls"


@dataclass(frozen=True, slots=True)
class CitedBy:
    """Everything in the report that rests on an episode."""

    template: ClassVar[str] = "cited_by"
    view: View
    cited: Sequence[Citation]


@dataclass(frozen=True, slots=True)
class Alert:
    """A notice that the page cannot show what the address asks for.

    Attributes:
        link: an address that can be shown; None if there is none.
        words: the text of the link.
    """

    template: ClassVar[str] = "alert"
    text: str
    link: str | None = None
    words: str = ""


@dataclass(frozen=True, slots=True)
class Knew:
    """What a seat knew: a few lines above the events that it knew.

    Attributes:
        unsure: what is uncertain about it.
        out: address that shows everything again.
    """

    template: ClassVar[str] = "knew"
    label: str
    when: str
    summary: str
    unsure: str
    out: str


@dataclass(frozen=True, slots=True)
class Legend:
    """The chips on the page: label, meaning, how often each occurs."""

    template: ClassVar[str] = "legend"
    n: int
    chips: Sequence[tuple[str, str, int]]


@dataclass(frozen=True, slots=True)
class NoEpisode:
    """Shown if no stored episode matches the address; `title` is the title of the page."""

    template: ClassVar[str] = "no_episode"
    title: str
    asked: str


@dataclass(frozen=True, slots=True)
class FilesNote:
    """A note on what the static site's transcripts do not show, and the tables do."""

    template: ClassVar[str] = "files_note"


def reader_top(found: Transcript, view: View, *, doubtful: bool = False) -> ReaderTop:
    """An episode's facts. In blind mode without its name and without anything that may name a model."""
    episode = found.episode
    facts = f"{episode['condition']} · seed {episode['seed']} · {episode['n_rounds']} rounds"
    facts += f" · {episode['n_calls']:,} calls · {episode['n_forfeits']} forfeits · ${episode['cost_usd']:.4f}"
    return ReaderTop(
        title="An episode, judged blind" if view.blind else episode["episode_id"],
        scripted=_scripted(found),
        status="" if episode["status"] == COMPLETE else episode["status"],
        failure=None if view.blind else episode["failure"] or "no reason is stored",
        facts=facts,
        channel=CHANNELS.get(episode["channel"], ""),
        doubtful=doubtful,
    )


def _scripted(found: Transcript) -> str:
    if found.episode["scripted"]:
        return "played by scripted agents"
    mixed = any(seat["kind"] == SCRIPTED for seat in found.seats)
    return "scripted agents play among the models" if mixed else ""


def doubtful(found: Transcript, again: Replay) -> bool:
    """Whether the stored events do not follow from the stored replies."""
    return again.problem is None and not again.changed and not again.agrees and bool(found.events)


def knew(found: Transcript, seen: Seen, view: View) -> Knew:
    """What a seat knew."""
    known = [event for event in seen.events if event.event_id != seen.at]
    messages = [event for event in known if event.kind == MESSAGE]
    wrote, pulls = sum(event.seat == seen.seat for event in messages), len(known) - len(messages)
    summary = "" if seen.may_write else "It may not write. "
    summary += f"It had written {wrote} messages, got {len(messages) - wrote} and learned of {pulls} pulls."
    if seen.points is not None:
        points = ", ".join(f"{label} {score:g}" for label, score in points_of(found, seen.points))
        summary += f" Points as it knew them: {points}."
    return Knew(
        label=found.labels[seen.seat],
        when="by the end" if seen.at is None else f"when #{seen.at} came about",
        summary=f"{summary} It learned of {seen.later:,} events later, and never of {seen.never:,}.",
        unsure=seen.word or "",
        out=view.link(seen.at, view=""),
    )


def hides(found: Transcript, view: View, seen: Seen | None) -> Alert:
    """The notice that the filters hide the linked event."""
    out = view.link(view.marked, kind="", seat="", round="", view="", q="")
    if seen is not None and not seen.shows_it:
        return Alert(f"{found.labels[seen.seat]} never learns of the linked event #{view.marked};", out, "show it")
    return Alert(f"A filter hides the linked event #{view.marked};", out, "show it")


def legend(events: Iterable[Event]) -> Legend:
    """The meaning of the chips in these events."""
    counts: Counter[str] = Counter()
    for event in events:
        counts += hidden(event.text or "")
    return Legend(len(counts), [(label, name_of(label), n) for label, n in sorted(counts.items())[:MOST_NAMED]])


def citing(cited: Sequence[Citation]) -> Mapping[int, Sequence[str]]:
    """Event -> the places that cite it."""
    found: dict[int, list[str]] = {}
    for one in cited:
        if one.event_id is not None:
            found.setdefault(one.event_id, []).append(one.what)
    return found


def ways(*of: tuple[str, str | None]) -> Sequence[Way]:
    """Links in their order; each is given as (words, address)."""
    return [Way(words, to) for words, to in of]
