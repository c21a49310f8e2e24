"""Sections of the Compare page: two arms or two models on the seeds that both have played, down to two transcripts."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from dashboard.parts import Drawing, Link, drawing
from dashboard.sections.events import LANES, pull_words
from di_assets.report.compare import Comparison, sentence
from di_assets.report.compare import drawing as drawn
from di_assets.report.published import measure_of
from di_assets.report.reader.choosing import MOST_SHOWN
from di_assets.report.reader.side_by_side import RoundOfTwo, about_two, facts_of
from di_assets.report.reader.transcript import Event, Transcript

NAMES = ("left", "right")


@dataclass(frozen=True, slots=True)
class ComparedTop:
    """The result of a comparison, with everything that differs besides what was chosen.

    Attributes:
        compared: the two sides have matched seeds.
    """

    template: ClassVar[str] = "compared_top"
    sentence: str
    compared: bool
    scripted: bool
    differences: Sequence[str]


@dataclass(frozen=True, slots=True)
class Pair:
    """One matched seed: both episodes with points and captures, left then right."""

    seed: int
    episodes: tuple[Link, Link]
    points: tuple[str, str]
    gap: str
    captures: tuple[str, str]


@dataclass(frozen=True, slots=True)
class Pairs:
    """Matched pairs. Each links to its two transcripts, and to the page with both side by side, if there is one."""

    template: ClassVar[str] = "pairs"
    label: str
    pairs: Sequence[Pair]


@dataclass(frozen=True, slots=True)
class OneSide:
    """One of two episodes side by side."""

    episode_id: str
    condition: str
    seed: int
    focal: str | None
    model: str
    points: float | None
    scripted: bool


@dataclass(frozen=True, slots=True)
class PairTop:
    """What two episodes have in common, and how they differ.

    Attributes:
        apart: number of rounds whose pulls differ.
        of: number of rounds.
        arms: the arms of the episodes.
    """

    template: ClassVar[str] = "pair_top"
    about: str
    apart: Sequence[int]
    of: int
    sides: tuple[OneSide, OneSide]
    arms: tuple[str, str]


@dataclass(frozen=True, slots=True)
class BriefEvent:
    """A short version of an event, for two columns."""

    episode_id: str
    event_id: int
    lane: int
    label: str
    other: str
    text: str | None
    does: str


@dataclass(frozen=True, slots=True)
class RoundBeside:
    """A round of both episodes; None for the events of an episode that did not play it."""

    number: int
    differ: Sequence[str]
    sides: Sequence[tuple[Sequence[BriefEvent], Sequence[tuple[str, float]]]]


@dataclass(frozen=True, slots=True)
class Beside:
    """Rounds side by side.

    Attributes:
        left_out: later rounds are left out, because the page would be too long.
    """

    template: ClassVar[str] = "beside"
    rounds: Sequence[RoundBeside]
    left_out: bool


def compared_top(found: Comparison) -> ComparedTop:
    """The part above the figure."""
    return ComparedTop(sentence(found), found.gap is not None, found.scripted, found.differences)


def comparison_drawing(found: Comparison) -> Drawing:
    """The figure of two sides."""
    figure = drawn(found)
    return drawing(figure.wide, figure.narrow, sentence(found))


def pairs_of(found: Comparison, first: int, n: int) -> Pairs:
    """`n` matched pairs, starting with pair `first`."""
    rows = [
        Pair(
            seed=row["seed"],
            episodes=(_episode(row, "left"), _episode(row, "right")),
            points=(measure_of(row["focal_points_left"]), measure_of(row["focal_points_right"])),
            gap=f"{row['gap']:+g}" if row["gap"] else "0",
            captures=(measure_of(row["focal_capture_left"]), measure_of(row["focal_capture_right"])),
        )
        for row in found.pairs.slice(first, n).iter_rows(named=True)
    ]
    return Pairs(f"matched pairs: {found.left.name}, {found.right.name}", rows)


def _episode(row: dict[str, str], side: str) -> Link:
    return Link(row[f"episode_id_{side}"], row[f"episode_id_{side}"], below=row[f"focal_model_{side}"])


def pair_top(left: Transcript, right: Transcript, rounds: Sequence[RoundOfTwo]) -> PairTop:
    """The part above two transcripts."""
    apart = [each.number for each in rounds if each.pulls_differ]
    arms = left.episode["arm"], right.episode["arm"]
    return PairTop(about_two(left, right), apart, len(rounds), (_side(left), _side(right)), arms)


def _side(found: Transcript) -> OneSide:
    episode, facts = found.episode, facts_of(found)
    return OneSide(
        episode_id=episode["episode_id"],
        condition=episode["condition"],
        seed=episode["seed"],
        focal=facts["focal"],
        model=facts["model"] or "",
        points=facts["points"],
        scripted=bool(facts["scripted"]),
    )


def beside(found: Sequence[Transcript], rounds: Sequence[RoundOfTwo]) -> Beside:
    """Rounds side by side, up to the number of events that one page can hold."""
    shown: list[RoundBeside] = []
    n = 0
    for one in rounds:
        n += sum(map(len, one.events))
        if shown and n > 2 * MOST_SHOWN:
            return Beside(shown, left_out=True)
        sides = [
            ([_brief(side, event) for event in events], list(score.items()) if isinstance(score, dict) else [])
            for side, events, score in zip(found, one.events, one.scores, strict=True)
        ]
        shown.append(RoundBeside(one.number, one.pulls_differ, sides))
    return Beside(shown, left_out=False)


def _brief(found: Transcript, event: Event) -> BriefEvent:
    other = "—" if event.other is None else found.labels[event.other]
    return BriefEvent(
        episode_id=found.episode["episode_id"],
        event_id=event.event_id,
        lane=event.seat % LANES,
        label=found.labels[event.seat],
        other=other,
        text=event.text,
        does="" if event.text is not None else pull_words(event, other),
    )
