"""Claims about promises: they are kept more often than by chance, and keeping them pays."""

from collections.abc import Sequence

import polars as pl

from di_assets.measures.intervals import t_interval, t_p
from di_assets.measures.lift import holm
from di_assets.report.named import named
from di_assets.report.questions.asked.promises.types import PromiseRow
from di_assets.report.questions.scope import Scope
from di_assets.report.questions.statement import Claim, Evidence, Rows, Statement, judge
from di_assets.report.questions.threats import Flaw
from di_assets.tables.words import LEXICAL

HOLDS = Statement(
    name="{who} keeps promises beyond chance",
    quantity="how far {who} keeps its promises beyond chance",
    unit="of promises, share kept minus share kept by chance",
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


def holds_and_pays(scope: Scope, rows: Sequence[PromiseRow], shares: pl.DataFrame) -> tuple[list[Claim], list[Claim]]:
    """Two families of claims, over blocks: promises kept against chance, and points of kept against broken promises.

    P values are adjusted over the rows of each family (Holm).
    """
    values: dict[str, list[list[float]]] = {"holds": [], "pays": []}
    of_row = shares.partition_by("condition", "model", as_dict=True)
    for row in rows:
        mine = of_row.get((row["condition"], row["model"]), shares.clear())
        blocks = mine.group_by("seed").agg(
            holds=pl.mean("kept_share") - pl.mean("chance_share"), pays=pl.mean("points_a_kept") - pl.mean("points_a_broken")
        ).sort("seed")  # fmt: skip
        for name, found in values.items():
            found.append(blocks[name].drop_nulls().to_list())
    found_flaws = [scope.cast_flaws.get((row["condition"], row["model"]), ()) for row in rows]
    holds = _judged(scope, HOLDS, rows, values["holds"], found_flaws)
    return holds, _judged(scope, PAYS, rows, values["pays"], found_flaws)


def _judged(
    scope: Scope,
    statement: Statement,
    rows: Sequence[PromiseRow],
    values: Sequence[Sequence[float]],
    found: Sequence[tuple[Flaw, ...]],
) -> list[Claim]:
    tested = {k: p for k, numbers in enumerate(values) if (p := t_p(numbers)) is not None}
    adjusted = dict(zip(tested, holm(list(tested.values())), strict=True))
    claims = []
    for k, (row, numbers) in enumerate(zip(rows, values, strict=True)):
        estimate = sum(numbers) / len(numbers) if numbers else None
        where = {"labeller": LEXICAL, "condition": row["condition"], "model": row["model"]}
        evidence = Evidence(
            named(row["label"], scripted=scope.scripted),
            estimate,
            t_interval(numbers),
            p=adjusted.get(k),
            flaws=found[k],
            model=row["model"],
            rows=(Rows("promise_ledger", where),),
            parts=("kept share",),
        )
        claims.append(judge(statement, evidence))
    return claims
