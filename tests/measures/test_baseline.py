"""The null models: what they keep, what they destroy, and that talkless reciprocators are not told from themselves."""

import numpy as np
import polars as pl
import pytest
from scipy.stats import chisquare

from di_assets.game import edges
from di_assets.measures.baseline import reciprocity_baseline, shuffle_rounds, simulate
from tests.measures.test_vectors import measured, tables_of, together

N, ROUNDS = 5, 25


def reciprocators(topology, n, *, seed):
    """Episodes that the simulated null itself plays."""
    graph = edges(topology, N, seed=0)
    adjacent = np.zeros((n, N, N), dtype=bool)
    for a, b in graph:
        adjacent[:, a, b] = adjacent[:, b, a] = True
    return adjacent, simulate(adjacent, ROUNDS, rng=np.random.default_rng(seed)), graph


def as_tables(targets, graph):
    vectors = [
        {
            "n_seats": N,
            "n_rounds": ROUNDS,
            "edges": graph,
            "asks": [],
            "pulls": [{"round": t + 1, "puller": i, "target": int(y[t, i])} for t in range(ROUNDS) for i in range(N)],
        }
        for y in targets
    ]
    return together(*(tables_of(v, episode_id=f"e{k:02}") for k, v in enumerate(vectors)))


def baseline_rows(tables):
    whole = measured(tables)["whole"]
    frame = reciprocity_baseline(tables["episodes"], tables["edges"], tables["pulls"], whole)
    return {row["measure"]: row for row in frame.iter_rows(named=True)}


@pytest.mark.parametrize("topology", ["complete", "ring"])
def test_simulated_reciprocators_pull_back_whoever_pulled_them(topology):
    adjacent, targets, _ = reciprocators(topology, 200, seed=1)
    for e in range(50):
        for t in range(ROUNDS):
            for i in range(N):
                near = set(np.flatnonzero(adjacent[e, i]))
                pulled_me = {k for k in near if t and targets[e, t - 1, k] == i}
                assert targets[e, t, i] in (pulled_me or near)
    first = [np.bincount(targets[:, 0, i], minlength=N) for i in range(N)]
    assert all((counts > 0).tolist() == adjacent[0, i].tolist() for i, counts in enumerate(first))


def test_reciprocators_are_not_told_from_the_null_they_are():
    _, targets, graph = reciprocators("complete", 30, seed=2)
    rows = baseline_rows(as_tables(targets, graph))
    simulated = [row for name, row in rows.items() if name.endswith("/simulated")]
    assert len(simulated) == 7
    assert all(row["p_value"] > 0.005 for row in simulated)
    assert all(row["null_low"] <= row["null_mean"] <= row["null_high"] for row in rows.values())
    assert rows["focal_points/simulated"]["null_mean"] == pytest.approx(ROUNDS, abs=0.5)


def test_loyal_pairs_are_told_from_reciprocators_by_who_they_like_not_by_when():
    graph = edges("complete", N, seed=0)
    loyal = np.tile([1, 0, 3, 2, 0], (10, ROUNDS, 1))
    rows = baseline_rows(as_tables(loyal, graph))
    assert rows["focal_points/simulated"]["p_value"] < 0.001
    # Nobody ever changes its pull, so that a shuffle over rounds changes nothing.
    for name in ("payback_rate", "cascades", "focal_capture", "focal_floor_points"):
        row = rows[f"{name}/shuffled"]
        assert (row["null_low"], row["null_high"]) == pytest.approx((row["observed_mean"],) * 2)
        assert row["p_value"] == 1


def test_a_shuffle_keeps_every_pull_with_its_puller():
    rng = np.random.default_rng(5)
    targets = rng.integers(-1, N, size=(3, ROUNDS, N))
    shuffled = shuffle_rounds(targets, times=4, rng=rng).reshape(4, 3, ROUNDS, N)
    for once in shuffled:
        assert (np.sort(once, axis=1) == np.sort(targets, axis=1)).all()
        assert (once != targets).any()
    # Pullers are shuffled apart: what they did in one round is not kept together.
    rows = {tuple(row) for row in targets.reshape(-1, N)}
    assert any(tuple(row) not in rows for row in shuffled.reshape(-1, N))


def test_a_shuffle_destroys_timing():
    graph = edges("complete", N, seed=0)
    # Everyone pulls the same seat in the same round, another each round: convergence is all timing.
    together_now = np.array([[[t % N if t % N != i else (i + 1) % N for i in range(N)] for t in range(ROUNDS)]] * 10)
    row = baseline_rows(as_tables(together_now, graph))["cascades/shuffled"]
    assert row["observed_mean"] > row["null_high"]
    assert row["p_value"] < 0.05


def test_the_order_of_rows_changes_no_bit_of_the_baseline():
    _, targets, graph = reciprocators("ring", 4, seed=3)
    tables = as_tables(targets, graph)
    shuffled = {name: frame.sample(fraction=1, shuffle=True, seed=1) for name, frame in tables.items()}
    assert baseline_rows(tables) == baseline_rows(shuffled)


def test_a_mixed_arm_has_no_focal_rows():
    _, targets, graph = reciprocators("ring", 4, seed=3)
    tables = as_tables(targets, graph)
    tables["episodes"] = tables["episodes"].with_columns(focal_model=None, focal_seat=None)
    tables["seats"] = tables["seats"].with_columns(role=pl.lit("mixed"))
    assert {name.split("/")[0] for name in baseline_rows(tables)} == {
        "cascades",
        "gini",
        "payback_rate",
        "unprompted_rate",
    }


@pytest.mark.parametrize("n", [3, 8, 9, 17])
def test_the_null_draws_uniformly_and_pulls_back_at_any_number_of_seats(n):
    """Up to eight seats a table is looked up, beyond that bits are counted: both by the same rule."""
    adjacent = np.broadcast_to(~np.eye(n, dtype=bool), (4_000, n, n))
    targets = simulate(adjacent, 3, rng=np.random.default_rng(5))
    for puller in (0, n - 1):
        counts = np.bincount(targets[:, 0, puller], minlength=n)
        assert counts[puller] == 0
        assert chisquare(np.delete(counts, puller)).pvalue > 1e-4
    before, now = targets[:, 0], targets[:, 1]
    pulled_by = before[:, :, None] == np.arange(n)  # (e, puller, pulled)
    returned = np.take_along_axis(pulled_by, now[:, None, :], axis=1)[:, 0]  # whom i pulls now had pulled i
    assert (returned == pulled_by.any(axis=1)).all() or returned[pulled_by.any(axis=1)].all()
    several = pulled_by.sum(axis=1) == 2
    lower = pulled_by.argmax(axis=1)
    share = (now[several] == lower[several]).mean()
    assert abs(share - 0.5) < 5 * 0.5 / np.sqrt(several.sum())


def test_the_same_seed_simulates_the_same_pulls():
    adjacent = np.broadcast_to(~np.eye(5, dtype=bool), (50, 5, 5))
    one, other = (simulate(adjacent, 9, rng=np.random.default_rng(3)) for _ in range(2))
    assert (one == other).all()
