"""Reaction functions: how a model's pull for a neighbour is associated with that neighbour's pulls and requests.

For puller i, each of its neighbours j, and each round in which i made a valid pull:

    logit P(i pulls j) = logit(1 / |nb(i)|) + intercept + a owed + b rival_owed + c owed_before + d asked + e focal

with the facts of `choices`, all 0 or 1, and `rival_owed`: a neighbour other than j pulled i the round before. The
offset is chance; the intercept is the departure from it if no fact holds. Seats with one neighbour have no choice and
are left out. A pull has one target, so what makes one neighbour likelier makes the others less likely. `rival_owed`
accounts for that; without it, tit-for-tat would seem to respond to requests in rounds in which it owes few. Requests of
other neighbours are not in the model.

These are associations. If j always pulls i, `owed` says as much about j as about i. Rows of one choice depend on each
other, and so do rounds of one episode. Errors are therefore clustered by seed: episodes of one seed under one condition
are one cluster, whatever their focal model.
"""

from collections.abc import Iterator

import numpy as np
import polars as pl
from scipy.special import logit

from di_assets.measures.dense import Floats
from di_assets.measures.logit import Counts, Estimate, fit
from di_assets.measures.measure import Measure
from di_assets.tables.by_batch import CHOICES
from di_assets.tables.over_all import REACTIONS

TERMS = ("intercept", "owed", "rival_owed", "owed_before", "asked", "focal")
KEYS = ("n_neighbours", *TERMS[1:])


def reactions(episodes: pl.DataFrame, choices: pl.DataFrame) -> pl.DataFrame:
    """One row per condition, puller's model and term; null, with the reason, if the data do not determine a value.

    `coefficient` is in log odds. `effect` is in probability: the average over the rows of the change if the term turns
    from 0 to 1. Intervals are Student's t over seeds. A model that always does something has no finite coefficient, but
    an effect. `share_with` and `share_without` are the plain shares of neighbours that were pulled if the term was 1,
    and if it was 0. No rows for a model that never had a choice.
    """
    rows: list[tuple[object, ...]] = []
    for condition, model, part in by_condition_and_model(episodes, choices.filter(pl.col("n_neighbours") > 1)):
        counts, n_choices = counts_of(part), int(part["pulled"].sum())
        n = int((counts.n.sum(axis=1) > 0).sum())
        for k, made in enumerate(fit(counts)):
            rows.append((condition, model, TERMS[k], n, n_choices, *_cells(made), *_shares(counts, k), made.reason))
    return REACTIONS.frame(rows)


def by_condition_and_model(episodes: pl.DataFrame, choices: pl.DataFrame) -> Iterator[tuple[str, str, pl.DataFrame]]:
    """The choices of each condition and puller's model, with their seeds, sorted by condition and model."""
    known = choices.join(episodes.select("episode_id", "condition", "seed"), on="episode_id").drop("episode_id")
    parts = known.partition_by("condition", "model", as_dict=True, include_key=False)
    for condition, model in sorted(parts):
        yield condition, model, parts[condition, model]


def counts_of(part: pl.DataFrame) -> Counts:
    """One model's choices under one condition as the rows of its regression."""
    rivals = part.with_columns(rival_owed=pl.col("n_owed") > pl.col("owed").cast(pl.Int64))
    seen = rivals.select(KEYS).unique().sort(KEYS)
    seeds = part.select("seed").unique().sort("seed")
    placed = (
        rivals.group_by("seed", *KEYS)
        .agg(pl.sum("n"), pl.sum("pulled"))
        .join(seen.with_row_index("p"), on=KEYS)
        .join(seeds.with_row_index("g"), on="seed")
    )
    at = (placed["g"].to_numpy(), placed["p"].to_numpy())
    n, y = (np.zeros((seeds.height, seen.height)) for _ in range(2))
    n[at], y[at] = placed["n"].to_numpy(), placed["pulled"].to_numpy()
    facts = seen.select(TERMS[1:]).to_numpy().astype(float)
    x = np.hstack([np.ones((seen.height, 1)), facts])
    return Counts(terms=TERMS, x=x, offset=logit(1 / seen["n_neighbours"].to_numpy()), n=n, y=y)


def _cells(made: Estimate) -> tuple[float | None, ...]:
    inner, outer = made.interval, made.effect_interval
    coefficient = (made.coefficient, made.standard_error, inner.low, inner.high, made.p_value)
    return (*coefficient, made.effect, outer.low, outer.high)


def _shares(counts: Counts, k: int) -> tuple[float | None, float | None]:
    """Shares of neighbours pulled if term k is 1, and if it is 0; None for the intercept, or without rows."""
    so = counts.x[:, k] > 0
    return (
        (None, None)
        if k == 0
        else (_share(counts.n[:, so], counts.y[:, so]), _share(counts.n[:, ~so], counts.y[:, ~so]))
    )


def _share(n: Floats, y: Floats) -> float | None:
    return float(y.sum() / n.sum()) if n.sum() > 0 else None


MEASURE = Measure(
    reactions,
    REACTIONS,
    reads={"episodes": ("episode_id", "condition", "seed"), "choices": tuple(CHOICES.schema)},
)
