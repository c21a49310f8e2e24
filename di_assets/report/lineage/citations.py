"""What the report rests on, and the way back: a model's claims with their rows and episodes, an episode's citations."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from di_assets.measures.comparable import one_rules_version
from di_assets.report.questions.claims import CAPTURES, CONTENT, OWN_TALK, PERSUADES
from di_assets.tables import Warehouse

ON, OFF = "messages on", "messages off"
# Statement -> its contrast in `channel_lift`, and the channel that is held against messages on.
CONTRASTS = {OWN_TALK.name: ("focal_talk", "focal_muted"), CONTENT.name: ("content", "placebo")}
# What episodes share that are counted together, and what they share besides that are matched.
RULES = ("rules_version", "scripted")
SAME = ("topology", "payoff", "replicate", "seed")
FACTS = ("episode_id", "arm", "channel", *RULES, *SAME)
# Statistics of the page that are no model's own: those over all episodes, and those over episodes with messages on.
OVER_ALL, OVER_OPEN = ("net_capture", "against_chance"), ("payback_rate", "solicited_not_payback_rate")


@dataclass(frozen=True, slots=True)
class Ground:
    """A published claim of one model and what it rests on.

    Attributes:
        name: the claim.
        status: supported, not yet, contradicted or refused.
        sentence: as printed.
        because: what blocks or rewrites it.
        rows: (table, values that its rows have).
        sides: the sets of episodes behind those rows, as named in `sides_of`.
    """

    name: str
    status: str
    sentence: str
    because: tuple[str, ...]
    rows: tuple[tuple[str, dict[str, str]], ...]
    sides: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Citation:
    """One place that rests on an episode: the event it links (None where it rests on the whole), and what it is."""

    event_id: int | None
    what: str


def models_of(question: Mapping[str, Any]) -> list[str]:
    """Models that claims of a question are about, sorted; of Question 1 its focal models."""
    if not _is_first(question):
        return sorted({claim["model"] for claim in question["claims"]} - {None})
    return sorted({mark["model"] for mark in question["marks"]} | {row["model"] for row in question["lift"]["models"]})


def grounds_of(question: Mapping[str, Any], model: str) -> list[Ground]:
    """A model's published claims, in the report's order."""
    if not _is_first(question):
        return [_ground(claim) for claim in question["claims"] if claim["model"] == model]
    who = f"{model} (scripted)" if question["scripted"] else model
    statements = {one.name.format(who=who): one.name for one in (PERSUADES, CAPTURES, OWN_TALK, CONTENT)}
    # A contrast is claimed once an open arm, in the arms' order.
    arms = {name: iter(_arms(question, model, contrast)) for name, (contrast, _) in CONTRASTS.items()}
    found = []
    for claim in question["claims"]:
        name = statements.get(claim["name"])
        if name is None:
            continue
        rows: tuple[tuple[str, dict[str, str]], ...]
        sides: tuple[str, ...]
        if name in CONTRASTS:
            (contrast, channel), arm = CONTRASTS[name], next(arms[name])
            rows = (("channel_lift", {"arm": arm, "model": model, "contrast": contrast}),)
            sides = (_side("open", arm), _side(channel, arm))
        elif name == PERSUADES.name:
            rows, sides = (("lift", {"model": model}), ("looks", {"model": model})), (ON, OFF)
        else:
            rows, sides = (("model_points", {"model": model}),), (ON,)
        told = (claim["name"], claim["status"], claim["sentence"], tuple(claim["because"]))
        found.append(Ground(*told, rows=rows, sides=sides))
    return found


def sides_of(warehouse: Warehouse, question: Mapping[str, Any], model: str) -> dict[str, list[str]]:
    """Ids of the episodes behind a model's numbers, by side, sorted; a side without episodes is left out.

    Of Questions 2 to 5 they are the parts of the figure that the model is marked in. Of Question 1:
    `messages on` and `messages off` are those the figure marks. Those of a contrast are not marked: `open of ARM` are the
    arm's complete episodes of this model by the same rules, `placebo of ARM` those in that channel that share graph, payoff,
    replicate and seed with one of them.
    """
    marks = [mark for mark in question["marks"] if mark["model"] == model]
    if not _is_first(question):
        parts = dict.fromkeys(mark["part"] for mark in marks)
        return {_side_of(p): sorted({m["episode_id"] for m in marks if m["part"] == p}) for p in parts}
    sides = {side: [m["episode_id"] for m in marks if m["half"] == half] for side, half in ((ON, "on"), (OFF, "off"))}
    stored = (
        warehouse.scan("episodes").filter(pl.col("focal_model") == model, status="complete").select(FACTS).collect()
    )
    alike = stored.join(
        stored.filter(pl.col("episode_id").is_in([m["episode_id"] for m in marks])), on=RULES, how="semi"
    )
    for contrast, channel in CONTRASTS.values():
        for arm in _arms(question, model, contrast):
            talking = alike.filter(arm=arm, channel="open")
            silent = alike.filter(channel=channel).join(talking, on=SAME, how="semi")
            if silent.height:
                sides |= {_side("open", arm): talking["episode_id"].to_list()}
                sides |= {_side(channel, arm): silent["episode_id"].to_list()}
    return {side: sorted(ids) for side, ids in sides.items() if ids}


def citations(warehouse: Warehouse, summary: Mapping[str, Any] | None, episode: Mapping[str, Any]) -> list[Citation]:
    """Everything in the report that rests on an episode: marks, quote, claims and statistics; none before a report.

    Args:
        warehouse: where the tables are.
        summary: summary.json.
        episode: its row in `episodes`.
    """
    found: list[Citation] = []
    name, model = episode["episode_id"], episode["focal_model"]
    for key, question in (summary or {"questions": {}})["questions"].items():
        marks = [m for m in question["marks"] if m["episode_id"] == name]
        found += [
            Citation(m["event_id"], f"figure {key}: {m['model']}, {_side_of(m['half'] if 'half' in m else m['part'])}")
            for m in marks
        ]
        quote = question["quote"]
        if quote and quote["episode_id"] == name:
            found.append(Citation(quote["event_id"], f"quote in {key}"))
        if model is not None:
            mine = {side for side, ids in sides_of(warehouse, question, model).items() if name in ids}
            grounds = [one for one in grounds_of(question, model) if mine & set(one.sides)]
            found += [Citation(None, f"claim in {key}, {one.status}: {one.name}") for one in grounds]
            mine = mine if _is_first(question) else set()
            halves = {ON: "messages_on", OFF: "messages_off"}
            found += [Citation(None, f"statistic {key}: lift.{halves[s]} of {model}") for s in halves if s in mine]
        if _is_first(question) and _spoken_of(warehouse, question, episode):
            columns = OVER_ALL + (OVER_OPEN if episode["channel"] == "open" else ())
            found += [Citation(None, f"statistic {key}: {column}") for column in columns]
    return found


def _arms(question: Mapping[str, Any], model: str, contrast: str) -> list[str]:
    """Open arms in which a contrast is published for a model, sorted."""
    return sorted(row["arm"] for row in question["channels"] if (row["model"], row["contrast"]) == (model, contrast))


def _is_first(question: Mapping[str, Any]) -> bool:
    """Whether it is Question 1, whose claims name their rows by themselves; those of the others bring theirs along."""
    return "lift" in question


def _ground(claim: Mapping[str, Any]) -> Ground:
    rows = tuple((row["table"], row["where"]) for row in claim["rows"])
    told = (claim["name"], claim["status"], claim["sentence"], tuple(claim["because"]))
    return Ground(*told, rows=rows, sides=tuple(map(_side_of, claim["parts"])))


def _side_of(part: str) -> str:
    return f"messages {part}" if part in {"on", "off"} else part


def _side(channel: str, arm: str) -> str:
    return f"{channel} of {arm}"


def _spoken_of(warehouse: Warehouse, question: Mapping[str, Any], episode: Mapping[str, Any]) -> bool:
    """Whether the page speaks of an episode: complete, of the kind shown, by the newest rules played."""
    if episode["status"] != "complete" or episode["scripted"] != question["scripted"]:
        return False
    facts = ("episode_id", "scripted", "rules_version")
    alike = warehouse.scan("episodes").filter(status="complete", scripted=episode["scripted"]).select(facts).unique(
        "rules_version"
    )  # fmt: skip
    return bool(one_rules_version(alike.collect())["rules_version"][0] == episode["rules_version"])
