"""Reaction functions: how strongly a model's pull for a neighbour moves with that neighbour's pulls and asks.

For puller i, each of its neighbours j, and each round in which i made a valid pull:

    logit P(i pulls j) = logit(1 / |nb(i)|) + intercept + a owed + b owed_before + c asked + d focal

with the facts of `choices`, all 0 or 1. The offset is chance: the intercept is the departure from it where nothing is
so. Seats with one neighbour have no choice and are left out. A pull has one target, so that the rows of a choice hang
together, as do the rounds of an episode: errors are clustered by seed, and episodes of one seed under one condition are
one cluster, whatever their focal model.
"""

from collections.abc import Iterator

import numpy as np
import polars as pl
from scipy.special import logit

from di_assets.measures.choices import FACTS
from di_assets.measures.dense import Floats
from di_assets.measures.logit import Counts, Estimate, fit
from di_assets.tables import TABLES

TERMS = ("intercept", *FACTS)


def reactions(episodes: pl.DataFrame, choices: pl.DataFrame) -> pl.DataFrame:
    """One row a condition, puller's model and term; null, with the reason, where the data don't tell.

    `coefficient` is in log odds, `effect` in probability (average over the rows of what turning the term from 0 to 1
    changes), intervals are Student's t over seeds. `share_with` and `share_without` are the plain shares of neighbours
    that were pulled where the term was so, and where not: they stand also where no coefficient is finite. No rows for a
    model that never had a choice.
    """
    rows: list[tuple[object, ...]] = []
    for condition, model, part in by_condition_and_model(episodes, choices.filter(pl.col("n_neighbours") > 1)):
        counts, n_choices = counts_of(part), int(part["pulled"].sum())
        n = int((counts.n.sum(axis=1) > 0).sum())
        for k, made in enumerate(fit(counts)):
            rows.append((condition, model, TERMS[k], n, n_choices, *_cells(made), *_shares(counts, k), made.reason))
    return TABLES["reactions"].frame(rows)


def by_condition_and_model(episodes: pl.DataFrame, choices: pl.DataFrame) -> Iterator[tuple[str, str, pl.DataFrame]]:
    """Choices of each condition and puller's model, added up by seed, in order of every pattern and seed."""
    keys = ["condition", "model", "n_neighbours", "n_owed", *FACTS, "seed"]
    known = choices.join(episodes.select("episode_id", "condition", "seed"), on="episode_id")
    whole = known.group_by(keys).agg(pl.sum("n"), pl.sum("pulled")).sort(keys)
    for (condition, model), part in whole.group_by("condition", "model", maintain_order=True):
        yield str(condition), str(model), part


def counts_of(part: pl.DataFrame) -> Counts:
    """One model's choices under one condition as the rows of its regression."""
    keys = ["n_neighbours", *FACTS]
    seen = part.select(keys).unique().sort(keys)
    seeds = part.select("seed").unique().sort("seed")
    placed = (
        part.group_by("seed", *keys)
        .agg(pl.sum("n"), pl.sum("pulled"))
        .join(seen.with_row_index("p"), on=keys)
        .join(seeds.with_row_index("g"), on="seed")
    )
    at = (placed["g"].to_numpy(), placed["p"].to_numpy())
    n, y = (np.zeros((seeds.height, seen.height)) for _ in range(2))
    n[at], y[at] = placed["n"].to_numpy(), placed["pulled"].to_numpy()
    facts = seen.select(FACTS).to_numpy().astype(float)
    x = np.hstack([np.ones((seen.height, 1)), facts])
    return Counts(terms=TERMS, x=x, offset=logit(1 / seen["n_neighbours"].to_numpy()), n=n, y=y)


def _cells(made: Estimate) -> tuple[float | None, ...]:
    inner, outer = made.interval, made.effect_interval
    coefficient = (made.coefficient, made.standard_error, inner.low, inner.high, made.p_value)
    return (*coefficient, made.effect, outer.low, outer.high)


def _shares(counts: Counts, k: int) -> tuple[float | None, float | None]:
    """Shares of neighbours pulled where term k is 1, and where it is 0; None for the intercept, or without a row."""
    so = counts.x[:, k] > 0
    return (
        (None, None)
        if k == 0
        else (_share(counts.n[:, so], counts.y[:, so]), _share(counts.n[:, ~so], counts.y[:, ~so]))
    )


def _share(n: Floats, y: Floats) -> float | None:
    return float(y.sum() / n.sum()) if n.sum() > 0 else None
