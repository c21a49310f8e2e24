"""What the report rests on: the rows and episodes behind a model's claims, and where an episode is cited.

Everything is read from what is published. A claim itself names its model, its rows and its sets of episodes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from di_assets.measures.comparable import one_rules_version
from di_assets.report.questions.question import Cited
from di_assets.report.questions.registry import QUESTIONS
from di_assets.report.questions.statement import EVERYBODY, Rows
from di_assets.tables import Warehouse
from di_assets.tables.words import COMPLETE, OPEN


@dataclass(frozen=True, slots=True)
class Ground:
    """A published claim about one model, and what it rests on.

    Attributes:
        name: the claim.
        status: supported, not yet, contradicted or refused.
        sentence: the sentence as printed.
        because: what blocks or changes the sentence.
        rows: the table rows that the claim is read from.
        digests: of each of these rows when the report was made; None in a report of an older version.
        sides: the sets of episodes behind those rows, by the names in `sides_of`.
    """

    name: str
    status: str
    sentence: str
    because: tuple[str, ...]
    rows: tuple[Rows, ...]
    digests: tuple[str | None, ...]
    sides: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Citation:
    """One place in the report that rests on an episode: its event (None for the whole episode), and a text."""

    event_id: int | None
    what: str


def names_its_rows(question: Mapping[str, Any]) -> bool:
    """Whether the claims of a question name the rows they rest on.

    In reports before version 0.2, one question's do not.
    """
    return all("rows" in claim for claim in question["claims"])


def models_of(question: Mapping[str, Any]) -> list[str]:
    """Whom a question's claims are about, sorted: models, and `EVERYBODY` for claims that are not about a single one."""
    return sorted({who for claim in _claims(question) if (who := _subject(claim))})


def _subject(claim: Mapping[str, Any]) -> str | None:
    """Whom a claim is about; None for a sentence that rests on no rows and no episodes."""
    return claim["model"] or (EVERYBODY if claim["rows"] or claim["parts"] else None)


def grounds_of(question: Mapping[str, Any], model: str) -> list[Ground]:
    """The published claims about a model (or `EVERYBODY`), in the report's order."""
    return [_ground(claim) for claim in _claims(question) if _subject(claim) == model]


def sides_of(warehouse: Warehouse, name: str, question: Mapping[str, Any], model: str) -> dict[str, list[str]]:
    """By side, the ids of the episodes behind a model's numbers, sorted; sides without episodes are left out.

    First come the parts of the figure in which the model has marks, then the sets behind claims that the figure does
    not mark (`Question.unmarked`).

    Args:
        warehouse: the warehouse with the episodes that the figure does not mark.
        name: name of the question.
        question: the question's part of summary.json.
        model: the model, or `EVERYBODY`: then the sets that its claims name, whoever's marks they hold.
    """
    marks = [mark for mark in question["marks"] if mark["model"] == model]
    if model == EVERYBODY:
        named = {side for ground in grounds_of(question, model) for side in ground.sides}
        marks = [mark for mark in question["marks"] if side_of(_part(mark)) in named]
    sides: dict[str, list[str]] = {}
    for mark in marks:
        sides.setdefault(side_of(_part(mark)), []).append(mark["episode_id"])
    if name in QUESTIONS and names_its_rows(question):
        sides |= {part: list(ids) for part, ids in QUESTIONS[name].unmarked(warehouse, question, model).items()}
    return {side: sorted(set(ids)) for side, ids in sides.items() if ids}


def citations(warehouse: Warehouse, summary: Mapping[str, Any] | None, episode: Mapping[str, Any]) -> list[Citation]:
    """Everything in the report that rests on an episode: marks, quote, claims and statistics. Empty without a report.

    Args:
        warehouse: the warehouse with the tables.
        summary: summary.json.
        episode: the episode's row in `episodes`.
    """
    found: list[Citation] = []
    for name, question in (summary or {"questions": {}})["questions"].items():
        found += _marked(name, question, episode["episode_id"])
        found += _claimed(warehouse, name, question, episode)
        if name in QUESTIONS:
            counted = [one for one in QUESTIONS[name].cited if one.of in {"all", "open"}]
            if counted and _is_shown(warehouse, question, episode):
                kinds = {"all", "open"} if episode["channel"] == OPEN else {"all"}
                found += [_statistic(name, one) for one in counted if one.of in kinds]
    return found


def _marked(name: str, question: Mapping[str, Any], episode_id: str) -> list[Citation]:
    """The episode's marks in the figure, and the quote."""
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
    """Claims and statistics, about the episode's focal model or about everybody, that rest on the episode."""
    found: list[Citation] = []
    for model in filter(None, (episode["focal_model"], EVERYBODY)):
        sides = sides_of(warehouse, name, question, model)
        mine = {side for side, ids in sides.items() if episode["episode_id"] in ids}
        grounds = [one for one in grounds_of(question, model) if mine & set(one.sides)]
        cited = QUESTIONS[name].cited if name in QUESTIONS and model != EVERYBODY else ()
        found += [Citation(None, f"claim in {name}, {one.status}: {one.name}") for one in grounds]
        found += [_statistic(name, one, f" of {model}") for one in cited if side_of(one.of) in mine]
    return found


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
        digests=tuple(row.get("digest") for row in claim["rows"]),
        sides=tuple(map(side_of, claim["parts"])),
    )


def _part(mark: Mapping[str, Any]) -> str:
    """The part of the figure that a mark belongs to; reports before version 0.2 call it `half`."""
    part: str = mark["part"] if "part" in mark else mark["half"]
    return part


def side_of(part: str) -> str:
    """The printed name of a set of episodes: `messages on` for `on`."""
    return f"messages {part}" if part in {"on", "off"} else part


def _is_shown(warehouse: Warehouse, question: Mapping[str, Any], episode: Mapping[str, Any]) -> bool:
    """Whether the page includes an episode: complete, of the kind shown, played by the newest rules."""
    if episode["status"] != COMPLETE or episode["scripted"] != question["scripted"]:
        return False
    facts = ("episode_id", "scripted", "rules_version")
    comparable = warehouse.scan("episodes").filter(status=COMPLETE, scripted=episode["scripted"]).select(facts).unique(
        "rules_version"
    )  # fmt: skip
    return bool(one_rules_version(comparable.collect())["rules_version"][0] == episode["rules_version"])
