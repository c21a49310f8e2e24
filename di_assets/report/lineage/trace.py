"""Traces a published number to the calls behind it: claim, table rows, episodes, linked event, calls; and back."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import polars as pl

from di_assets.report.figures.marks import MOST_MARKS
from di_assets.report.lineage.citations import (
    Ground,
    citations,
    grounds_of,
    models_of,
    names_its_rows,
    sides_of,
)
from di_assets.report.published import read_summary
from di_assets.report.questions.registry import QUESTIONS
from di_assets.report.questions.statement import EVERYBODY
from di_assets.tables import TABLES, Warehouse, episode_set
from di_assets.tables.words import MESSAGE, PULL

LISTED = f"of each side the {MOST_MARKS} episodes at most that the figure marks, evenly by rank"
STALE = "the tables have changed since the report: run `di report`"
ORIGIN = ("commit", "generated", "rules_version", "scripted", "episode_set")
VERSIONS = ("rules_version", "reader_version", "prompt_hash", "config_hash")
EPISODE = ("arm", "condition", "seed", "replicate", "scripted", *VERSIONS, "journal_sha256", "n_calls", "cost_usd")
CALL = ("model", "provider", "attempt", "status", "request_hash", "input_tokens", "output_tokens", "cost_usd")


class TraceError(ValueError):
    """There is nothing to trace from. The message is one line that says what could be traced.

    Attributes:
        name: what was not found; empty if nothing can be found.
        known: known names of the same kind.
    """

    exit_code = 2

    def __init__(self, message: str, name: str = "", known: Iterable[str] = ()) -> None:
        super().__init__(message)
        self.name, self.known = name, tuple(known)


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a trace, and what it rests on.

    Attributes:
        kind: question, claim, row, episodes, episode, event, call; or citation on the way back.
        name: which one.
        facts: what is known about it, as JSON values; hashes are full sha256.
        steps: what it rests on. A claim's rows name their sets of episodes in `from`; the sets are listed once, beside
            the claims.
    """

    kind: str
    name: str
    facts: dict[str, Any]
    steps: tuple["Step", ...] = field(default=())


def trace_model(warehouse: Warehouse, question: str, model: str) -> Step:
    """Traces a model's claims under a question to the calls behind them; of `EVERYBODY`, those about no single model.

    Claims and marks are the published ones (summary.json). Rows, episodes, events and calls are what is stored now. If
    the two no longer agree, the first step says so under `stale`.

    Raises:
        TraceError: there is no report, the report has no such question or model, or its claims do not name their rows.
    """
    summary = read_summary(warehouse)
    if summary is None:
        raise TraceError(f"no report in {warehouse}: run `di report`, or `di demo` if nothing has been played")
    if question not in summary["questions"]:
        raise TraceError(f"no question {question!r}", question, summary["questions"])
    asked = summary["questions"][question]
    if not names_its_rows(asked):
        raise TraceError("the report is of an older version, whose claims do not name their rows: run `di report`")
    if model not in models_of(asked):
        raise TraceError(f"no claims about {model!r} under {question}", model, models_of(asked))
    sides = sides_of(warehouse, question, asked, model)
    grounds = grounds_of(asked, model)
    claims = [_claim(warehouse, ground, sides) for ground in grounds]
    marks = {m["episode_id"]: m["event_id"] for m in asked["marks"] if model in {m["model"], EVERYBODY}}
    groups = [_episodes(warehouse, side, ids, marks) for side, ids in sides.items()]
    number, changed = _number(warehouse, question, asked, model)
    changed |= any(_changed(warehouse, ground) for ground in grounds)
    stale = changed or any(group.facts["missing"] for group in groups)
    origin = summary["provenance"]
    facts = {
        **{name: origin.get(name) for name in ORIGIN},
        **number,
        "stale": STALE if stale else None,
        "listed": LISTED if any(len(ids) >= MOST_MARKS for ids in sides.values()) else None,
    }
    return Step("question", f"{question}:{model}", facts, (*claims, *groups))


def _number(
    warehouse: Warehouse, name: str, asked: Mapping[str, Any], model: str
) -> tuple[dict[str, float | None], bool]:
    """The question's published number for a model, and whether the table now has a different one."""
    traced = QUESTIONS[name].traced if name in QUESTIONS else None
    if traced is None:
        return {}, False
    published = traced.published(asked, model)
    stored = warehouse.read(traced.table).filter(model=model)[traced.column].to_list()
    return {traced.name: published}, stored != [published]


def _changed(warehouse: Warehouse, ground: Ground) -> bool:
    """Whether a row that the claim is read from has other values than when the report was made."""
    return any(
        digest is not None and rows.digest(warehouse.read(rows.table)) != digest
        for rows, digest in zip(ground.rows, ground.digests, strict=True)
    )


def trace_episode(warehouse: Warehouse, episode_id: str) -> Step | None:
    """The way back: an episode, and in its `steps` what in the report rests on it; None if it is unknown."""
    rows = warehouse.scan("episodes").filter(pl.col("episode_id") == episode_id).collect().to_dicts()
    if not rows:
        return None
    found = citations(warehouse, read_summary(warehouse), rows[0])
    steps = tuple(Step("cited by", one.what, {"event_id": one.event_id}) for one in found)
    return Step("episode", episode_id, {"status": rows[0]["status"], **_known(rows[0], EPISODE)}, steps)


def _claim(warehouse: Warehouse, ground: Ground, sides: Mapping[str, Sequence[str]]) -> Step:
    behind = [side for side in ground.sides if side in sides]
    rows: list[Step] = []
    for one in ground.rows:
        table, frame = one.table, one.of(warehouse.read(one.table))
        if table == "looks":  # the latest one stands for the earlier ones
            frame = frame.group_by("arm", maintain_order=True).last().select(frame.columns)
        if table == "model_points":
            frame = frame.join(
                _conditions(warehouse, [e for side in behind for e in sides[side]]), on="condition", how="semi"
            )
        file = warehouse.sha256(table) if frame.height else None
        rows += [_row(table, file, row, behind) for row in frame.iter_rows(named=True)]
    facts = {"status": ground.status, "sentence": ground.sentence, "because": list(ground.because)}
    return Step("claim", ground.name, facts, tuple(rows))


def _conditions(warehouse: Warehouse, ids: Sequence[str]) -> pl.DataFrame:
    """The conditions of these episodes."""
    chosen = pl.col("episode_id").is_in(list(ids))
    return warehouse.scan("episodes").filter(chosen).select("condition").unique().collect()


def _row(table: str, file: str | None, row: Mapping[str, Any], behind: Sequence[str]) -> Step:
    key = " ".join(str(row[column]) for column in TABLES[table].keys)
    values = {name: value.isoformat() if isinstance(value, datetime) else value for name, value in row.items()}
    return Step("row", f"{table} {key}", {"table": table, "file_sha256": file, "from": list(behind), "row": values})


def _episodes(warehouse: Warehouse, side: str, ids: Sequence[str], marks: Mapping[str, int]) -> Step:
    """One side: its episodes as a set, and each with the event that its mark links to."""
    chosen = pl.col("episode_id").is_in(list(ids))
    episodes = warehouse.scan("episodes").filter(chosen).collect().sort("episode_id")
    batches = episodes["batch"].unique().sort().to_list()
    links, said, pulled, calls = (
        pl.concat([TABLES[t].empty().lazy().select(c), *(warehouse.scan(t, b).filter(chosen).select(c) for b in batches)])
        .collect()
        for t, c in (
            ("linked_events", ("episode_id", "focal_message", "focal_pull")),
            ("messages", ("episode_id", "event_id", "round", "exchange", "sender")),
            ("pulls", ("episode_id", "event_id", "round", "puller")),
            ("calls", ("episode_id", "call_id", "round", "phase", "exchange", "seat", *CALL)),
        )
    )  # fmt: skip
    first = links.select("episode_id", pl.coalesce("focal_message", "focal_pull")).drop_nulls()
    linked = {**dict(first.iter_rows()), **marks}
    wanted = pl.DataFrame(list(linked.items()), schema={"episode_id": pl.String, "event_id": pl.Int64}, orient="row")
    messages = said.join(wanted, on=["episode_id", "event_id"]).select(
        "episode_id", "event_id", "round", "exchange", phase=pl.lit(MESSAGE), seat="sender"
    )
    pulls = pulled.join(wanted, on=["episode_id", "event_id"]).select(
        "episode_id", "event_id", "round", exchange=pl.lit(0, pl.Int64), phase=pl.lit(PULL), seat="puller"
    )
    events = {event["episode_id"]: event for event in pl.concat([messages, pulls]).iter_rows(named=True)}
    asked = calls.join(pl.concat([messages, pulls]), on=["episode_id", "round", "exchange", "phase", "seat"])
    behind = {str(key): part for (key,), part in asked.sort("episode_id", "call_id").group_by("episode_id")}
    steps = [
        Step("episode", row["episode_id"], _known(row, EPISODE), _event(events.get(row["episode_id"]), behind))
        for row in episodes.iter_rows(named=True)
    ]
    facts = {
        "episodes": len(ids),
        "episode_set": episode_set(ids),
        "missing": len(ids) - episodes.height,
        "scripted": bool(episodes["scripted"].all()) if episodes.height else None,
        **{name: episodes[name].unique().sort().to_list() for name in ("arm", *VERSIONS)},
        "calls": calls.height,
        "cost_usd": calls["cost_usd"].sum(),
    }
    return Step("episodes", side, facts, tuple(steps))


def _event(event: Mapping[str, Any] | None, behind: Mapping[str, pl.DataFrame]) -> tuple[Step, ...]:
    if event is None:
        return ()
    calls = behind.get(event["episode_id"])
    rows = [] if calls is None else calls.to_dicts()
    steps = tuple(Step("call", f"#{row['call_id']}", _known(row, CALL)) for row in rows)
    facts = {"event_id": event["event_id"], "kind": event["phase"], **_known(event, ("round", "exchange", "seat"))}
    return (Step("event", f"#{event['event_id']}", facts, steps),)


def _known(row: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    return {name: row[name] for name in names}
