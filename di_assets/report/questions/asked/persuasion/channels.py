"""The lift split by channel: what is published of it, and the episodes behind each contrast."""

from collections.abc import Sequence

import polars as pl

from di_assets.measures.comparable import one_rules_version
from di_assets.measures.intervals import Interval
from di_assets.report.questions.asked.persuasion.types import Channel
from di_assets.report.questions.question import Part
from di_assets.report.questions.scope import Frames, Scope
from di_assets.report.questions.statement import EVERYBODY, Rows
from di_assets.report.questions.statistics import bounds
from di_assets.tables import Warehouse
from di_assets.tables.words import COMPLETE, FOCAL_MUTED, OPEN, PLACEBO

TABLE = "channel_lift"
# Contrast -> the channel that is compared with messages on.
SILENT = {"focal_talk": FOCAL_MUTED, "content": PLACEBO}
# Columns that are equal in episodes of one block, and further columns that are equal in matched episodes.
RULES = ("rules_version", "scripted")
SAME = ("topology", "payoff", "replicate", "seed")
FACTS = ("episode_id", "arm", "channel", *RULES, *SAME)
# The sets of episodes that the claim about the network compares.
BOTH_GRAPHS = ("ring", "complete graph")


def channels(scope: Scope, frames: Frames) -> list[Channel]:
    """Every contrast of the models on the page. Each uses the seeds that were played in its own channels."""
    rows = frames[TABLE].filter(pl.col("model").is_in([row.model for row in scope.rows]))
    return [
        {
            "arm": row["arm"],
            "model": row["model"],
            "contrast": row["contrast"],
            "formula": row["formula"],
            "n_pairs": row["n_pairs"],
            "difference": row["difference"],
            "ci": bounds(Interval(row["ci_low"], row["ci_high"], row["ci_method"])),
            "ci_method": row["ci_method"],
            "p_holm": row["p_holm"],
            "needs": row["needs"],
        }
        for row in rows.iter_rows(named=True)
    ]


def rows_behind(arm: str, model: str, contrast: str) -> tuple[Rows]:
    """The table row behind one contrast of a model in an open arm."""
    return (Rows(TABLE, {"arm": arm, "model": model, "contrast": contrast}),)


def parts_behind(arm: str, contrast: str) -> tuple[str, str]:
    """Names of the two sets of episodes that a contrast compares: the open arm's and those of the other channel."""
    return f"{OPEN} of {arm}", f"{SILENT[contrast]} of {arm}"


def episodes_behind(warehouse: Warehouse, part: Part, model: str) -> dict[str, Sequence[str]]:
    """By part, ids of the episodes behind a model's contrasts, sorted; empty without a control.

    The parts have the names that the model's claims use. `open of ARM` are the arm's complete episodes of this model,
    by the same rules as those that the figure marks. `placebo of ARM` are the episodes in that channel that share
    graph, payoff, replicate and seed with one of them. Of `EVERYBODY`: the episodes with messages on, on the ring and on
    the complete graph, whose seeds were played on both.
    """
    if model == EVERYBODY:
        return _on_both_graphs(warehouse, scripted=part["scripted"])
    marked = [mark["episode_id"] for mark in part["marks"] if mark["model"] == model]
    stored = warehouse.scan("episodes").filter(pl.col("focal_model") == model, status=COMPLETE).select(FACTS).collect()
    same_rules = stored.join(stored.filter(pl.col("episode_id").is_in(marked)), on=RULES, how="semi")
    found: dict[str, Sequence[str]] = {}
    for claim in part["claims"]:
        for where in (rows["where"] for rows in claim["rows"] if claim["model"] == model and rows["table"] == TABLE):
            talking = same_rules.filter(arm=where["arm"], channel=OPEN)
            silent = same_rules.filter(channel=SILENT[where["contrast"]]).join(talking, on=SAME, how="semi")
            if silent.height:
                names = parts_behind(where["arm"], where["contrast"])
                sets = (talking, silent)
                found |= {name: sorted(one["episode_id"]) for name, one in zip(names, sets, strict=True)}
    return found


def _on_both_graphs(warehouse: Warehouse, *, scripted: bool) -> dict[str, Sequence[str]]:
    wanted = {"status": COMPLETE, "channel": OPEN, "scripted": scripted}
    facts = ("episode_id", "topology", "rules_version", "payoff", "seed", "n_seats", "n_rounds")
    stored = one_rules_version(warehouse.scan("episodes").filter(**wanted).select(*facts, "scripted").collect())
    ring, whole = stored.filter(topology="ring"), stored.filter(topology="complete")
    sets = (ring.join(whole, on=facts[3:], how="semi"), whole.join(ring, on=facts[3:], how="semi"))
    return {name: sorted(one["episode_id"]) for name, one in zip(BOTH_GRAPHS, sets, strict=True)}
