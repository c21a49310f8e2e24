"""What lay before a puller: counted by hand, against plain loops, and in whatever order rows come."""

from collections import Counter

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from di_assets.measures import dense
from di_assets.measures.choices import FACTS, choices
from di_assets.tables import TABLES
from tests.measures.choosing import as_choices, choosers
from tests.measures.test_invariants import random_vector
from tests.measures.test_vectors import EXAMPLE, tables_of, together

READS = ("episodes", "seats", "edges", "messages", "pulls", "labels")


def of(tables):
    return choices(*(tables[name] for name in READS))


def slowly(vector, *, focal_seat, models):
    """Counts of (model, neighbours, owed ones, facts) in plain loops over the definitions."""
    n, rounds = vector["n_seats"], vector["n_rounds"]
    near = {i: {b if a == i else a for a, b in vector["edges"] if i in (a, b)} for i in range(n)}
    y = {(p["round"], p["puller"]): p["target"] for p in vector["pulls"] if p["target"] != p["puller"]}
    asked = {(a["round"], a["sender"], a["recipient"]) for a in vector["asks"]}
    stood, pulled = Counter(), Counter()
    for t in range(1, rounds + 1):
        for i in range(n):
            if y.get((t, i)) is None:
                continue
            owed = {j for j in near[i] if y.get((t - 1, j)) == i}
            for j in near[i]:
                before = any(y.get((t - lag, j)) == i for lag in (2, 3))
                key = (models[i], len(near[i]), len(owed), j in owed, before, (t, j, i) in asked, j == focal_seat)
                stood[key] += 1
                pulled[key] += y[t, i] == j
    return {key: (count, pulled[key]) for key, count in stood.items()}


def test_the_worked_example_counts_as_it_does_by_hand():
    vector = {**EXAMPLE, "asks": [{"round": 3, "sender": 2, "recipient": 0}]}
    rows = of(tables_of(vector)).drop("episode_id", "model").rows()
    # In round 1 nothing is owed. In round 2 seat 0 owes 1 and 2, seat 1 owes 0, seat 2 nobody. In round 3 seat 0 owes 1
    # and not 2, who pulled it before and asks it; seat 1 owes 0 and 2, seat 2 nobody. Seat 0 is focal.
    assert rows == [
        # Neighbours, owed ones; of j: owed, owed before, asked, focal; stood so, pulled.
        (2, 0, False, False, False, False, 6, 2),
        (2, 0, False, False, False, True, 4, 3),
        (2, 1, False, False, False, False, 1, 0),
        (2, 1, False, True, True, False, 1, 1),
        (2, 1, True, False, False, True, 1, 1),
        (2, 1, True, True, False, False, 1, 0),
        (2, 2, True, False, False, False, 3, 1),
        (2, 2, True, True, False, True, 1, 1),
    ]


@settings(max_examples=25)
@given(st.integers(0, 10**6), st.sampled_from(["complete", "ring", "star"]))
def test_plain_loops_over_the_definitions_agree(seed, topology):
    vector, models = random_vector(seed, topology), ["m", "m", "k", "m", "k"]
    tables = tables_of(vector, focal_seat=seed % 5)
    tables["seats"] = tables["seats"].sort("seat").with_columns(model=pl.Series(models))
    made = {row[:-2]: row[-2:] for row in of(tables).drop("episode_id").rows()}
    assert made == slowly(vector, focal_seat=seed % 5, models=models)


def test_every_valid_pull_is_counted_once_and_owed_ones_are_as_many_as_it_says():
    tables = together(*(tables_of(random_vector(k), episode_id=f"e{k}") for k in range(3)))
    made = of(tables)
    assert made["pulled"].sum() == tables["pulls"].filter(pl.col("status") == "valid").height
    assert (made["pulled"] <= made["n"]).all()
    assert made.filter(pl.col("owed") & (pl.col("n_owed") == 0)).is_empty()
    # Each pull has n_neighbours rows, of which n_owed are owed.
    by_size = made.group_by("n_neighbours", "n_owed").agg(n=pl.sum("n"), owed=(pl.col("n") * pl.col("owed")).sum())
    assert (by_size["owed"] * by_size["n_neighbours"] == by_size["n"] * by_size["n_owed"]).all()


@pytest.mark.parametrize("cells", [1, 10**6])
def test_batches_row_order_and_company_change_nothing(monkeypatch, cells):
    monkeypatch.setattr(dense, "MOST_CELLS", cells)
    alone = [
        tables_of(random_vector(k, topology), episode_id=f"e{k}") for k, topology in enumerate(["complete", "ring"])
    ]
    alone.append(tables_of(random_vector(5, n=4), episode_id="e9"))
    whole = together(*alone)
    shuffled = {name: frame.sample(fraction=1, shuffle=True, seed=1) for name, frame in whole.items()}
    assert of(shuffled).equals(pl.concat([of(tables) for tables in alone]))


def test_forfeits_failed_episodes_and_nothing_at_all_have_no_rows():
    forfeits = {**EXAMPLE, "pulls": [{**p, "target": None} for p in EXAMPLE["pulls"]]}
    for tables in (tables_of(forfeits), tables_of(EXAMPLE, status="failed")):
        assert of(tables).equals(TABLES["choices"].empty())
    assert of({name: frame.clear() for name, frame in tables_of(EXAMPLE).items()}).height == 0


def test_only_the_named_labeller_is_heard_and_a_mixed_arm_has_no_focal_neighbour():
    tables = tables_of({**EXAMPLE, "asks": [{"round": 1, "sender": 1, "recipient": 0}]})
    assert of(tables).filter("asked")["n"].sum() == 1
    tables["labels"] = tables["labels"].with_columns(labeller=pl.lit("judge"))
    assert of(tables).filter("asked").is_empty()
    tables["episodes"] = tables["episodes"].with_columns(focal_model=None, focal_seat=None)
    assert of(tables).filter("focal").is_empty()


def test_the_tests_own_world_of_choosers_counts_alike():
    targets, asked = choosers(3, rng=np.random.default_rng(1), weights=(1.0, 0.5, 1.0, 0.5), rounds=6)
    _, counted = as_choices(targets, asked)
    pairs = [(a, b) for a in range(5) for b in range(a + 1, 5)]
    vectors = [
        {
            "n_seats": 5,
            "n_rounds": 6,
            "edges": pairs,
            "pulls": [{"round": t + 1, "puller": i, "target": int(y[t, i])} for t in range(6) for i in range(5)],
            "asks": [
                {"round": int(t) + 1, "sender": int(j), "recipient": int(i)}
                for t, i, j in zip(*np.nonzero(a), strict=True)
            ],
        }
        for y, a in zip(targets, asked, strict=True)
    ]
    made = of(together(*(tables_of(v, episode_id=f"e{k:06}") for k, v in enumerate(vectors))))
    assert made.equals(counted)
    assert set(FACTS) <= set(made.columns)
