"""The promises of single episodes, added up for each model: what the ledger and the report are made from."""

import polars as pl

from di_assets.measures.measure import Measure
from di_assets.measures.promises import BROKEN, KEPT, KEY, OPEN
from di_assets.tables.by_batch import PROMISE_SHARES

ROLE = ("episode_id", "labeller", "model")


def promise_shares(promises: pl.DataFrame) -> pl.DataFrame:
    """One row per episode, labeller and model with a promising message.

    Shares and means use decided promises: those that were kept or broken and whose window lies within the game. They
    are null if no promise defines them. Repeats do not count.
    """
    rows = promises.sort(KEY).group_by(ROLE, maintain_order=True).agg(messages=pl.len(), **_counts(), **_shares())
    return PROMISE_SHARES.conform(rows)


def _counts() -> dict[str, pl.Expr]:
    made, outcome, owed = ~pl.col("repeats"), pl.col("outcome"), pl.col("owed")
    return {
        "made": made.sum(),
        **{name: (made & (outcome == name)).sum() for name in (KEPT, BROKEN, OPEN)},
        "owed": (made & owed).sum(),
        "owed_kept": (made & owed & (outcome == KEPT)).sum(),
        "points_kept": pl.col("points").filter(made & (outcome == KEPT)).sum(),
        "points_broken": pl.col("points").filter(made & (outcome == BROKEN)).sum(),
    }


def _shares() -> dict[str, pl.Expr]:
    decided = ~pl.col("repeats") & pl.col("whole") & (pl.col("outcome") != OPEN)
    kept, broken = (decided & (pl.col("outcome") == name) for name in (KEPT, BROKEN))
    points, event = pl.col("points"), pl.col("event_id")
    best = {name: (points.filter(flags), event.filter(flags)) for name, flags in (("kept", kept), ("broken", broken))}
    return {
        "n": decided.sum(),
        "kept_share": kept.filter(decided).mean(),
        "chance_share": pl.col("chance").filter(decided).mean(),
        "owed_kept_share": kept.filter(decided & pl.col("owed")).mean(),
        "points_a_kept": points.filter(kept).mean(),
        "points_a_broken": points.filter(broken).mean(),
        "first_event": pl.coalesce(event.filter(broken).first(), event.filter(kept).first()),
        **{f"best_{name}": most.max() for name, (most, _) in best.items()},
        **{f"best_{name}_event": events.get(most.arg_max(), null_on_oob=True) for name, (most, events) in best.items()},
    }


MEASURE = Measure(
    promise_shares,
    PROMISE_SHARES,
    reads={"promises": (*KEY, "model", "repeats", "outcome", "whole", "owed", "points", "chance")},
)
