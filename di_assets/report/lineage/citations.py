"""What the report rests on, and the way back: a model's claims with their rows and episodes, an episode's citations.

All of it is read from what is published: a claim names its model, its rows and its sets of episodes itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from di_assets.measures.comparable import one_rules_version
from di_assets.report.questions.question import Cited
from di_assets.report.questions.registry import QUESTIONS
from di_assets.report.questions.statement import Rows
from di_assets.tables import Warehouse
from di_assets.tables.words import COMPLETE, OPEN


@dataclass(frozen=True, slots=True)
class Ground:
    """A published claim of one model and what it rests on.

    Attributes:
        name: the claim.
        status: supported, not yet, contradicted or refused.
        sentence: as printed.
        because: what blocks or rewrites it.
        rows: the rows of tables that it is read from.
        sides: the sets of episodes behind those rows, as named in `sides_of`.
    """

    name: str
    status: str
    sentence: str
    because: tuple[str, ...]
    rows: tuple[Rows, ...]
    sides: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Citation:
    """One place that rests on an episode: the event it links (None where it rests on the whole), and what it is."""

    event_id: int | None
    what: str


def names_its_rows(question: Mapping[str, Any]) -> bool:
    """Whether a question's claims name what they rest on; reports of versions before 0.2 have one whose claims do not."""
    return all("rows" in claim for claim in question["claims"])


def models_of(question: Mapping[str, Any]) -> list[str]:
    """Models that claims of a question are about, sorted."""
    return sorted({claim["model"] for claim in _claims(question)} - {None})


def grounds_of(question: Mapping[str, Any], model: str) -> list[Ground]:
    """A model's published claims, in the report's order."""
    return [_ground(claim) for claim in _claims(question) if claim["model"] == model]


def sides_of(warehouse: Warehouse, name: str, question: Mapping[str, Any], model: str) -> dict[str, list[str]]:
    """Ids of the episodes behind a model's numbers, by side, sorted; a side without episodes is left out.

    They are the parts of the figure that the model is marked in, and then those behind claims that no figure marks
    (`Question.unmarked`).

    Args:
        warehouse: where the episodes are that no figure marks.
        name: of the question.
        question: its part of summary.json.
        model: whose numbers.
    """
    marks = [mark for mark in question["marks"] if mark["model"] == model]
    sides: dict[str, list[str]] = {}
    for mark in marks:
        sides.setdefault(side_of(_part(mark)), []).append(mark["episode_id"])
    if name in QUESTIONS and names_its_rows(question):
        sides |= {part: list(ids) for part, ids in QUESTIONS[name].unmarked(warehouse, question, model).items()}
    return {side: sorted(set(ids)) for side, ids in sides.items() if ids}


def citations(warehouse: Warehouse, summary: Mapping[str, Any] | None, episode: Mapping[str, Any]) -> list[Citation]:
    """Everything in the report that rests on an episode: marks, quote, claims and statistics; none before a report.

    Args:
        warehouse: where the tables are.
        summary: summary.json.
        episode: its row in `episodes`.
    """
    found: list[Citation] = []
    for name, question in (summary or {"questions": {}})["questions"].items():
        found += _marked(name, question, episode["episode_id"])
        found += _claimed(warehouse, name, question, episode)
        if name in QUESTIONS:
            counted = [one for one in QUESTIONS[name].cited if one.of in {"all", "open"}]
            if counted and _spoken_of(warehouse, question, episode):
                kinds = {"all", "open"} if episode["channel"] == OPEN else {"all"}
                found += [_statistic(name, one) for one in counted if one.of in kinds]
    return found


def _marked(name: str, question: Mapping[str, Any], episode_id: str) -> list[Citation]:
    """Its marks in the figure, and the quote."""
    found = [
        Citation(mark["event_id"], f"figure {name}: {mark['model']}, {side_of(_part(mark))}")
        for mark in question["marks"]
        if mark["episode_id"] == episode_id
    ]
    quote = question["quote"]
    if quote and quote["episode_id"] == episode_id:
        found.append(Citation(quote["event_id"], f"quote in {name}"))
    return found


def _claimed(
    warehouse: Warehouse, name: str, question: Mapping[str, Any], episode: Mapping[str, Any]
) -> list[Citation]:
    """Claims and statistics of its focal model that it is behind."""
    model = episode["focal_model"]
    if model is None:
        return []
    sides = sides_of(warehouse, name, question, model)
    mine = {side for side, ids in sides.items() if episode["episode_id"] in ids}
    grounds = [one for one in grounds_of(question, model) if mine & set(one.sides)]
    cited = QUESTIONS[name].cited if name in QUESTIONS else ()
    return [
        *(Citation(None, f"claim in {name}, {one.status}: {one.name}") for one in grounds),
        *(_statistic(name, one, f" of {model}") for one in cited if side_of(one.of) in mine),
    ]


def _statistic(name: str, one: Cited, whose: str = "") -> Citation:
    return Citation(None, f"statistic {name}: {one.key}{whose}")


def _claims(question: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return question["claims"] if names_its_rows(question) else []


def _ground(claim: Mapping[str, Any]) -> Ground:
    return Ground(
        claim["name"],
        claim["status"],
        claim["sentence"],
        tuple(claim["because"]),
        rows=tuple(Rows(row["table"], row["where"]) for row in claim["rows"]),
        sides=tuple(map(side_of, claim["parts"])),
    )


def _part(mark: Mapping[str, Any]) -> str:
    """The part of the figure that a mark stands in; `half` in reports of versions before 0.2."""
    part: str = mark["part"] if "part" in mark else mark["half"]
    return part


def side_of(part: str) -> str:
    """A set of episodes by the name that walks print: `messages on` for `on`."""
    return f"messages {part}" if part in {"on", "off"} else part


def _spoken_of(warehouse: Warehouse, question: Mapping[str, Any], episode: Mapping[str, Any]) -> bool:
    """Whether the page speaks of an episode: complete, of the kind shown, by the newest rules played."""
    if episode["status"] != COMPLETE or episode["scripted"] != question["scripted"]:
        return False
    facts = ("episode_id", "scripted", "rules_version")
    alike = warehouse.scan("episodes").filter(status=COMPLETE, scripted=episode["scripted"]).select(facts).unique(
        "rules_version"
    )  # fmt: skip
    return bool(one_rules_version(alike.collect())["rules_version"][0] == episode["rules_version"])
