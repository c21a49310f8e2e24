"""Question 5: do promises hold? Made, kept and broken, model by model, and what kept and broken ones bring."""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from di_assets.measures.intervals import t_interval, t_p
from di_assets.measures.labels import LEXICAL
from di_assets.measures.lift import holm
from di_assets.measures.promises import BROKEN, KEPT, episode_shares
from di_assets.report.questions.page import (
    ATTACK,
    Grounded,
    among,
    counted,
    question_of,
    sentences,
    some_claims,
    talking,
    who,
)
from di_assets.report.questions.quotes import quoted
from di_assets.report.questions.scope import Frames, Scope
from di_assets.report.questions.statement import Claim, Evidence, Statement, Status, judge
from di_assets.report.questions.threats import Flaw, flaws

QUESTION = "Do promises hold?"

HOLDS = Statement(
    name="{who} keeps promises beyond chance",
    quantity="how far {who} keeps its promises beyond chance",
    unit="of promises, kept minus chance",
    form="+.1%",
    supported="{who} keeps more of its promises than its pulls made at random would: {span}.",
    undecided="Whether {who} keeps its promises more than by chance is open: {span}, p {p} after Holm.",
    contradicted="{who} keeps fewer of its promises than its pulls made at random would: {span}.",
    missing="Whether {who} keeps its promises is not measured yet.",
    tested=True,
)
PAYS = Statement(
    name="kept promises bring {who} more than broken ones",
    quantity="what a kept promise brings {who} more than a broken one",
    unit="points, kept minus broken",
    form="+.2f",
    supported="A kept promise brings {who} more than a broken one: {span}.",
    undecided="Whether a kept promise brings {who} more than a broken one is open: {span}, p {p} after Holm.",
    contradicted="A broken promise brings {who} more than a kept one: {span}.",
    missing="Whether keeping a promise pays is open for {who}: no episode has both kept and broken ones.",
    tested=True,
)


def question_5(scope: Scope, frames: Frames) -> dict[str, Any]:
    """Question 5 as it stands today."""
    ledger = promise_rows(scope, frames)
    shares = _shares(scope, frames)
    rows = [row for row in ledger if row["made"]]
    holds, pays = _claims(scope, frames, rows, shares)
    silent = [row["model"] for row in ledger if not row["made"]]
    marks = _marks(frames, rows, shares)
    return question_of(
        scope,
        question=QUESTION,
        headline=_headline(rows, holds, pays, played=bool(ledger), scripted=scope.scripted),
        claims=[*holds, *pays],
        measured=bool(rows),
        without_a_promise=sorted(set(silent) - {row["model"] for row in rows}),
        rows=rows,
        marks=marks,
        caption=_caption(rows),
        alt=_alt(rows, scope),
        quote=_quote(frames, marks),
        reading=_reading(rows, holds, pays, silent),
    )


def promise_rows(scope: Scope, frames: Frames) -> list[dict[str, Any]]:
    """The table behind the figure: the lexical rule's rows of `promise_ledger` with messages on, of the kind that is shown."""
    conditions = talking(scope)["condition"].unique().implode()
    rows = frames["promise_ledger"].filter(
        (pl.col("labeller") == LEXICAL) & pl.col("condition").is_in(conditions) & (pl.col("scripted") == scope.scripted)
    )
    several = rows.filter(pl.col("made") > 0)["condition"].n_unique() > 1
    rows = rows.sort(["kept_share", "model", "condition"], descending=[True, False, False], nulls_last=True)
    return [{"label": row["model"] + (f", {row['condition'].split('/')[0]}" if several else ""), **row} for row in rows.iter_rows(named=True)]  # fmt: skip


def _shares(scope: Scope, frames: Frames) -> pl.DataFrame:
    """Each episode's own shares, of promises by the lexical rule."""
    facts = talking(scope).select("episode_id", "condition", "seed")
    return episode_shares(frames["promises"].filter(labeller=LEXICAL).join(facts, on="episode_id"))


def _claims(
    scope: Scope, frames: Frames, rows: Sequence[Mapping[str, Any]], shares: pl.DataFrame
) -> tuple[list[Grounded], list[Grounded]]:
    """Kept against chance, and points of kept against broken promises: over blocks, Holm over each family's rows."""
    values: dict[str, list[list[float]]] = {"holds": [], "pays": []}
    for row in rows:
        blocks = shares.filter(condition=row["condition"], model=row["model"]).group_by("seed").agg(
            holds=pl.mean("kept_share") - pl.mean("chance_share"), pays=pl.mean("points_a_kept") - pl.mean("points_a_broken")
        ).sort("seed")  # fmt: skip
        for name, found in values.items():
            found.append(blocks[name].drop_nulls().to_list())
    found_flaws = [_flaws(scope, frames, row) for row in rows]
    holds = _judged(scope, HOLDS, rows, values["holds"], found_flaws)
    return holds, _judged(scope, PAYS, rows, values["pays"], found_flaws)


def _judged(
    scope: Scope,
    statement: Statement,
    rows: Sequence[Mapping[str, Any]],
    values: Sequence[Sequence[float]],
    found: Sequence[tuple[Flaw, ...]],
) -> list[Grounded]:
    tested = {k: p for k, numbers in enumerate(values) if (p := t_p(numbers)) is not None}
    adjusted = dict(zip(tested, holm(list(tested.values())), strict=True))
    claims = []
    for k, (row, numbers) in enumerate(zip(rows, values, strict=True)):
        estimate = sum(numbers) / len(numbers) if numbers else None
        evidence = Evidence(who(row["label"], scope), estimate, t_interval(numbers), p=adjusted.get(k), flaws=found[k])
        where = {"labeller": LEXICAL, "condition": row["condition"], "model": row["model"]}
        claims.append(
            Grounded(
                judge(statement, evidence), row["model"], (("promise_ledger", where),), ("kept share", "kept", "broken")
            )
        )
    return claims


def _flaws(scope: Scope, frames: Frames, row: Mapping[str, Any]) -> tuple[Flaw, ...]:
    sat = frames["seats"].filter(model=row["model"])
    return flaws(talking(scope).filter(condition=row["condition"]).join(sat, on="episode_id", how="semi"))


def _marks(frames: Frames, rows: Sequence[Mapping[str, Any]], shares: pl.DataFrame) -> list[dict[str, Any]]:
    """An episode with a promise told is marked at the first one broken in it, else kept; a model besides at its first of each."""
    told = frames["promises"].filter(labeller=LEXICAL, repeats=False, whole=True).filter(pl.col("outcome") != "open")
    first = told.sort("outcome", "event_id").group_by("episode_id", "model", maintain_order=True).first()
    events = {(key, model): event for key, model, event in first.select("episode_id", "model", "event_id").iter_rows()}
    marks = []
    for row in rows:
        mine = shares.filter(condition=row["condition"], model=row["model"]).sort("kept_share", "episode_id")
        about = {"model": row["model"], "condition": row["condition"]}
        marks += [
            {**about, "part": "kept share", "episode_id": key, "event_id": events[key, row["model"]], "value": value}
            for key, value in mine.select("episode_id", "kept_share").iter_rows()
        ]
        own = told.filter(model=row["model"]).join(mine.select("episode_id"), on="episode_id", how="semi")
        for outcome in (KEPT, BROKEN):
            telling = own.filter(outcome=outcome).sort(
                ["points", "episode_id", "event_id"], descending=[True, False, False]
            )
            if telling.height:
                one = telling.row(0, named=True)
                marks.append({**about, "part": outcome, "episode_id": one["episode_id"], "event_id": one["event_id"], "value": row[f"points_a_{outcome}"]})  # fmt: skip
    return marks


def _quote(frames: Frames, marks: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """The broken promise that brought most; else the kept one."""
    for outcome in (BROKEN, KEPT):
        telling = [mark for mark in marks if mark["part"] == outcome]
        if telling:
            one = max(telling, key=lambda mark: (mark["value"] or 0.0, mark["model"]))
            return quoted(frames, one["episode_id"], one["event_id"])
    return None


def _headline(
    rows: Sequence[Mapping[str, Any]],
    holds: Sequence[Grounded],
    pays: Sequence[Grounded],
    *,
    played: bool,
    scripted: bool,
) -> Claim:
    if not rows:
        text = (
            "Nobody has promised a pull yet."
            if played
            else "No episode in which a pull could be promised has been played yet."
        )
        return Claim("headline", "not yet", text, (ATTACK,))
    made, kept, broke = (sum(row[name] for row in rows) for name in ("made", "kept", "broken"))
    first = among(f"of {made:,} promised pulls {kept:,} were kept and {broke:,} broken", scripted=scripted)
    states = [one.claim.status for one in holds]
    better, worse = states.count("supported"), states.count("contradicted")
    chance = f"beyond chance they hold for {better} and fall short of it for {worse} of {len(states)} promisers" if better or worse else (
        "for no promiser can it be said that they hold beyond chance")  # fmt: skip
    brings = [one.claim.status for one in pays]
    if "contradicted" in brings:
        paid = f"; a broken one brings more than a kept one for {some_claims(pays, 'contradicted', 'promisers')}"
    elif "supported" in brings:
        paid = f"; a kept one brings more than a broken one for {some_claims(pays, 'supported', 'promisers')}"
    else:
        paid = ""
    status: Status = "supported" if better else "contradicted" if worse else "not yet"
    return Claim("headline", status, f"{first}; {chance}{paid}.")


def _caption(rows: Sequence[Mapping[str, Any]]) -> str:
    return (
        "Above: of a model’s promises the share kept; the rest was broken. Each dot is one episode, the line the 95% interval (Student’s t over "
        "independent episodes), the ochre tick what as many pulls made at random would have kept. A promise is a message that the "
        "lexical rule reads as one; it is kept when the pull follows in the round of the message or the two after it, and counts once however "
        "often it is repeated. Below: points that the promise’s recipient gave the promiser in those rounds, for a kept promise (filled) and a broken "
        f"one (open); each opens the most telling promise. {counted([row['n'] for row in rows])}; one point = one pull."
    )


def _alt(rows: Sequence[Mapping[str, Any]], scope: Scope) -> str:
    told = [
        f"{row['label']}: {row['made']} made, {row['kept']} kept, {row['broken']} broken"
        + (f", {row['points_a_kept']:.2f} points a kept" if row["points_a_kept"] is not None else "")
        + (f", {row['points_a_broken']:.2f} a broken one" if row["points_a_broken"] is not None else "")
        for row in rows
    ]
    lead = "Split bars, scripted agents" if scope.scripted else "Split bars"
    return f"{lead}: promises. {'; '.join(told)}." if told else "No promise yet."


def _reading(
    rows: Sequence[Mapping[str, Any]], holds: Sequence[Grounded], pays: Sequence[Grounded], silent: Sequence[str]
) -> list[str]:
    if not rows:
        return ["No promise has been made that could be kept or broken: it takes an arm with messages on."]
    owed = [f"{row['label']} {row['owed_kept_share']:.0%}" for row in rows if row["owed_kept_share"] is not None]
    return [
        ("A promise costs nothing, and with five seats a pull lands on any one neighbour often enough for chance to keep many of them. What counts "
        "is how many more are kept than that, and whether breaking them is found out: whether it brings less."),
        sentences(holds),
        sentences(pays),
        f"Of the promises that fell due because the recipient had pulled first, kept were: {', '.join(owed)}." if owed else "",
        f"No promise was made by {', '.join(sorted(set(silent)))}." if silent else "",
        "Who breaks promises to whom is not drawn by lot: that broken ones bring more does not mean that breaking them does.",
    ]  # fmt: skip
