"""A world of choosers: each pulls a neighbour by weights that planted coefficients give, round by round."""

import numpy as np
import polars as pl

from di_assets.measures.dense import NOBODY, Dense
from di_assets.tables import TABLES


def choosers(n_episodes, *, rng, weights, spread=0.0, asking=0.3, adjacent=None, rounds=25):
    """(targets, asked) of episodes on one graph; `spread` is how much episodes differ in what pulls do to them.

    Seat i pulls j with probability in proportion to exp(weights . facts of j), facts in the order of `choices.FACTS`;
    seat 0 is focal. Neighbours ask with probability `asking`, each its own.
    """
    adjacent = ~np.eye(5, dtype=bool) if adjacent is None else adjacent
    n = len(adjacent)
    own = np.asarray(weights) + np.array([1.0, 0.0, 1.0, 0.0]) * rng.normal(0, spread, size=(n_episodes, 1, 1, 4))
    asked = (rng.random((n_episodes, rounds, n, n)) < asking) & adjacent
    targets = np.full((n_episodes, rounds, n), NOBODY)
    pulled_by = np.zeros((rounds, n_episodes, n, n), dtype=bool)
    for t in range(rounds):
        back = [pulled_by[t - lag] if t >= lag else np.zeros((n_episodes, n, n), dtype=bool) for lag in (1, 2, 3)]
        focal = np.broadcast_to(np.arange(n) == 0, (n_episodes, n, n))
        facts = np.stack([back[0], back[1] | back[2], asked[:, t], focal], axis=-1)
        # The greatest of weights and Gumbel noise is a draw in proportion to their exponentials.
        noisy = (facts * own).sum(axis=-1) + rng.gumbel(size=(n_episodes, n, n))
        targets[:, t] = np.where(adjacent, noisy, -np.inf).argmax(axis=2)
        pulled_by[t] = (targets[:, t][..., None] == np.arange(n)).swapaxes(1, 2)
    return targets, asked


def as_choices(targets, asked, *, adjacent=None, model="m"):
    """Episodes and their `choices`, by plain counting of every row; every seat of one model, seat 0 focal."""
    n_episodes, _, n = targets.shape
    adjacent = np.broadcast_to(~np.eye(n, dtype=bool) if adjacent is None else adjacent, (n_episodes, n, n))
    ids = tuple(f"e{k:06}" for k in range(n_episodes))
    group = Dense(ids=ids, targets=targets, events=targets, adjacent=adjacent)
    bits = patterns(group, asked, np.zeros(n_episodes, dtype=np.int64))
    stood = (targets != NOBODY)[..., None] & adjacent[:, None]
    e, t, i, j = np.nonzero(stood)
    rows = pl.DataFrame(
        {
            "e": e,
            "n_neighbours": adjacent.sum(axis=2)[e, i],
            "n_owed": (bits & 1).sum(axis=3)[e, t, i],
            **{
                name: (bits[e, t, i, j] >> k & 1).astype(bool)
                for k, name in enumerate(("owed", "owed_before", "asked", "focal"))
            },
            "pulled": (targets[e, t, i] == j).astype(np.int64),
        }
    )
    made = rows.group_by(pl.exclude("pulled")).agg(n=pl.len(), pulled=pl.sum("pulled"))
    made = made.with_columns(episode_id=pl.Series(ids, dtype=pl.String).gather(made["e"]), model=pl.lit(model)).drop(
        "e"
    )
    episodes = pl.DataFrame({"episode_id": ids, "condition": "c", "seed": np.arange(n_episodes)})
    return episodes, TABLES["choices"].conform(made)


def patterns(group, asked, focal):
    """(e, t, i, j): the facts about j for i in round t, as bits in the order of FACTS, from their definitions."""
    pulled_by = (group.targets[..., None] == np.arange(group.n_seats)).swapaxes(2, 3)
    owed, before = np.zeros_like(pulled_by), np.zeros_like(pulled_by)
    owed[:, 1:] = pulled_by[:, :-1]
    for lag in (2, 3):
        before[:, lag:] |= pulled_by[:, : max(0, group.n_rounds - lag)]
    is_focal = np.arange(group.n_seats) == focal[:, None, None, None]
    return np.asarray(sum(fact.astype(np.int64) << bit for bit, fact in enumerate((owed, before, asked, is_focal))))
