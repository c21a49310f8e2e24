"""The trace from a model's number on a question page back to the calls behind it, as in `di trace`."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from dashboard.parts import Cell, Code, Link, Table
from dashboard.render import Section
from di_assets.report.lineage.steps import line_of, short
from di_assets.report.lineage.trace import Step
from di_assets.report.published import text_of

SHOWN = 50
EPISODES = {"episode": False, "event": False, "calls of the event": True, "request of its last": False,
            "US dollars": True, "journal": False}  # fmt: skip


@dataclass(frozen=True, slots=True)
class WalkTop:
    """The report and tables that a trace was made from.

    Attributes:
        stale: why the report is older than the tables.
        listed: says which episodes are listed.
    """

    template: ClassVar[str] = "walk_top"
    scripted: bool
    stale: str
    provenance: str
    listed: str


@dataclass(frozen=True, slots=True)
class Claimed:
    """A claim with the rows that it rests on."""

    template: ClassVar[str] = "claimed"
    name: str
    status: str
    sentence: str
    rows: Sequence[str]


@dataclass(frozen=True, slots=True)
class EpisodeSet:
    """One set of episodes: its versions, and a row for each of the first episodes.

    Attributes:
        more: number of episodes that are not listed.
    """

    template: ClassVar[str] = "episode_set"
    name: str
    scripted: bool
    versions: str
    of: Table
    more: int


def walk_of(walked: Step) -> list[Section]:
    """The sections of a trace: what it was made from, each claim with its rows, each set of episodes."""
    return [_top(walked), *(_claim(step) if step.kind == "claim" else _set(step) for step in walked.steps)]


def _top(walked: Step) -> WalkTop:
    facts = walked.facts
    line = f"commit {facts['commit']} · generated {facts['generated']} · rules {facts['rules_version']}"
    line += f" · episode set {short(facts['episode_set'])}"
    return WalkTop(bool(facts["scripted"]), facts["stale"] or "", line, facts["listed"] or "")


def _claim(claim: Step) -> Claimed:
    rows = [line_of(row) for row in claim.steps]
    return Claimed(claim.name, claim.facts["status"], claim.facts["sentence"], rows)


def _set(side: Step) -> EpisodeSet:
    table = Table(f"episodes, {side.name}", EPISODES, [_episode(step) for step in side.steps[:SHOWN]])
    return EpisodeSet(side.name, bool(side.facts["scripted"]), line_of(side), table, max(0, len(side.steps) - SHOWN))


def _episode(step: Step) -> tuple[Cell, ...]:
    event = step.steps[0] if step.steps else None
    calls: tuple[Step, ...] = event.steps if event else ()
    return (
        Link(step.name, step.name),
        "—" if event is None else _event(step.name, event),
        f"{len(calls):,}",
        Code(short(calls[-1].facts["request_hash"])) if calls else "—",
        text_of(step.facts["cost_usd"]),
        Code(short(step.facts["journal_sha256"])),
    )


def _event(episode_id: str, event: Step) -> Link:
    facts = event.facts
    return Link(f"#{facts['event_id']}, round {facts['round']}, {facts['kind']}", episode_id, facts["event_id"])
