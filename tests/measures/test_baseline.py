"""The null models: what they keep, what they destroy, and that talkless reciprocators are not told from themselves."""

import networkx as nx
import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare, lmoment, permutation_test

from di_assets.game import edges
from di_assets.measures import shuffles as of_shuffles
from di_assets.measures.baseline import model_baseline, reciprocity_baseline
from di_assets.measures.dense import gini, paybacks
from di_assets.measures.shuffles import shuffles
from di_assets.measures.talkless import null_of, simulate
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
            "n_seats": len(y[0]),
            "n_rounds": len(y),
            "edges": graph,
            "asks": [],
            "pulls": [
                {"round": t + 1, "puller": i, "target": int(target)}
                for t, targets in enumerate(y)
                for i, target in enumerate(targets)
            ],
        }
        for y in targets
    ]
    tables = together(*(tables_of(v, episode_id=f"e{k:02}") for k, v in enumerate(vectors)))
    tables["episodes"] = tables["episodes"].with_columns(seed=pl.Series(range(len(vectors))))
    return tables


def against(measure, tables):
    episodes, edges_ = tables["episodes"], tables["edges"]
    return measure(episodes, edges_, measured(tables)["whole"], shuffles(episodes, edges_, tables["pulls"]))


def baseline_rows(tables):
    return {row["measure"]: row for row in against(reciprocity_baseline, tables).iter_rows(named=True)}


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


def test_episodes_of_one_seed_are_one_however_often_they_are_relaunched():
    _, targets, graph = reciprocators("complete", 6, seed=4)
    once = as_tables(targets, graph)
    often = as_tables(np.concatenate([targets] * 3), graph)
    often["episodes"] = often["episodes"].with_columns(seed=pl.Series(list(range(6)) * 3))
    rows, again = baseline_rows(once), baseline_rows(often)
    for name, row in rows.items():
        assert row["n"] == again[name]["n"] == 6
        # No new evidence: the same mean, and a null as wide as before.
        assert again[name]["observed_mean"] == pytest.approx(row["observed_mean"], abs=1e-12)
        width, wider = (r["null_high"] - r["null_low"] for r in (row, again[name]))
        assert width * 0.7 < wider < width * 1.4


def test_replicates_are_shuffled_alike_wherever_they_stand(monkeypatch):
    _, targets, graph = reciprocators("complete", 1, seed=5)
    tables = as_tables(np.concatenate([targets] * 5), graph)
    tables["episodes"] = tables["episodes"].with_columns(seed=pl.lit(7))
    monkeypatch.setattr("di_assets.measures.dense.MOST_CELLS", 1)  # an episode a chunk
    alone = as_tables(targets, graph)
    alone["episodes"] = alone["episodes"].with_columns(seed=pl.lit(7))
    rows, expected = baseline_rows(tables), baseline_rows(alone)
    for name in (name for name in rows if name.endswith("shuffled")):
        for value in ("n", "observed_mean", "null_mean", "null_low", "null_high", "null_place", "p_value"):
            assert rows[name][value] == pytest.approx(expected[name][value], abs=1e-12)


def test_each_focal_model_stands_against_a_null_of_its_own_whoever_plays_beside_it():
    _, targets, graph = reciprocators("complete", 8, seed=6)
    targets[4:] = np.array([1, 0, 0, 0, 0])  # everyone pulls seat 0, the focal one
    tables = as_tables(targets, graph)
    models = pl.Series(["fair"] * 4 + ["star"] * 4)
    tables["episodes"] = tables["episodes"].with_columns(focal_model=models)
    made = against(model_baseline, tables)
    rows = {(row["model"], row["measure"]): row for row in made.iter_rows(named=True)}
    assert {model for model, _ in rows} == {"fair", "star"}
    assert {row["n"] for row in rows.values()} == {4}
    assert rows["star", "focal_points/simulated"]["observed_mean"] == 4 * ROUNDS
    assert rows["star", "focal_points/simulated"]["null_place"] == 1
    assert rows["star", "focal_points/simulated"]["p_value"] < 0.001 < rows["fair", "focal_points/simulated"]["p_value"]
    one = {name: frame.filter(pl.col("episode_id") < "e04") for name, frame in tables.items()}
    assert against(model_baseline, one).equals(made.filter(pl.col("model") == "fair"))
    tables["episodes"] = tables["episodes"].with_columns(focal_model=None, focal_seat=None)
    assert against(model_baseline, tables).is_empty()


def test_many_episodes_are_held_against_about_the_null_that_few_are(monkeypatch):
    _, targets, graph = reciprocators("complete", 60, seed=7)
    tables = as_tables(targets, graph)
    drawn = baseline_rows(tables)
    null_of.cache_clear()
    monkeypatch.setattr("di_assets.measures.null_means.MOST_DRAWN", 10)
    monkeypatch.setattr(of_shuffles, "MANY", 20)
    limits = baseline_rows(tables)
    null_of.cache_clear()
    for name, row in limits.items():
        width = drawn[name]["null_high"] - drawn[name]["null_low"]
        for value in ("null_mean", "null_low", "null_high"):
            assert row[value] == pytest.approx(drawn[name][value], abs=0.15 * width)


def test_the_error_of_a_simulated_null_is_said_and_a_shuffled_one_has_none():
    _, targets, graph = reciprocators("complete", 60, seed=7)
    for name, row in baseline_rows(as_tables(targets, graph)).items():
        deviation = (row["null_high"] - row["null_low"]) / (2 * 1.96)
        expected = 0 if name.endswith("shuffled") else deviation * (60 / 10_000) ** 0.5
        assert row["null_error"] == pytest.approx(expected, rel=0.1)


def test_the_places_and_p_of_the_shuffles_are_those_of_scipys_exact_permutation_test(monkeypatch):
    """Its `pairings` are our shuffle: each sample, here a puller's rounds, is permuted by itself."""
    monkeypatch.setattr(of_shuffles, "MANY", 20_000)
    targets = np.array([[1, 0, 0], [1, 2, 1], [2, 0, 0], [1, 0, 1]])

    def payback_rate(*pullers, axis=-1):
        rounds = np.moveaxis(np.stack([np.moveaxis(p, axis, -1) for p in pullers]), 0, -1)
        return paybacks(rounds.reshape(-1, 4, 3), window=3).mean(axis=(1, 2)).reshape(rounds.shape[:-2])

    exact = permutation_test(
        tuple(targets.T), payback_rate, permutation_type="pairings", vectorized=True, n_resamples=np.inf, axis=-1
    )
    null = exact.null_distribution
    assert len(null) == 24**3
    row = baseline_rows(as_tables(targets[None], [(0, 1), (0, 2), (1, 2)]))["payback_rate/shuffled"]
    assert row["observed_mean"] == pytest.approx(exact.statistic)
    assert row["null_mean"] == pytest.approx(null.mean())
    place = (null < exact.statistic - 1e-9).mean() + (np.abs(null - exact.statistic) < 1e-9).mean() / 2
    assert row["null_place"] == pytest.approx(place, abs=0.02)
    assert row["p_value"] == pytest.approx(exact.pvalue, abs=0.02)


@settings(max_examples=30)
@given(st.integers(0, 10**6), st.integers(3, 7))
def test_a_round_played_twice_is_paid_back_as_networkx_counts_reciprocity(seed, n):
    """Reciprocity of a digraph is the share of its edges whose opposite is there too. Of the pulls of one round that is
    mutual pulling at once, which no measure here is: a payback needs a pull of an earlier round. Only where a round is
    played again as it was do the two agree, for the second of the two, with a window of one round.
    """
    rng = np.random.default_rng(seed)
    round_ = np.array([rng.choice([j for j in range(n) if j != i]) for i in range(n)])
    digraph = nx.DiGraph((i, int(j)) for i, j in enumerate(round_))
    again = paybacks(np.stack([round_, round_])[None], window=1)[0, 1]
    assert again.mean() == pytest.approx(nx.overall_reciprocity(digraph))
    for i in range(n):
        # Of one seat networkx counts edges both ways, ours the one it pulls: equal where that seat got but that pull.
        if digraph.in_degree(i) == 1 and again[i]:
            assert nx.reciprocity(digraph, i) == 1


@settings(max_examples=30)
@given(st.lists(st.integers(0, 100), min_size=2, max_size=9))
def test_gini_is_the_ratio_of_scipys_second_l_moment_to_the_first(points):
    """That one is the mean difference over pairs of distinct seats, ours over all N^2: (N - 1) / N of it."""
    made = float(gini(np.array([points]))[0])
    if sum(points) == 0:
        assert made == 0
    else:
        first, second = lmoment(points, order=[1, 2], standardize=False)
        assert made == pytest.approx(second / first * (len(points) - 1) / len(points), abs=1e-12)


def test_scripted_agents_are_never_in_one_mean_with_models():
    _, targets, graph = reciprocators("complete", 6, seed=4)
    tables = as_tables(targets, graph)
    of_models = pl.col("episode_id").is_in(["e00", "e01"])
    mixed = {**tables, "episodes": tables["episodes"].with_columns(scripted=~of_models)}
    alone = {name: frame.filter(of_models) for name, frame in tables.items()}
    assert {row["n"] for row in baseline_rows(mixed).values()} == {2}
    assert baseline_rows(mixed) == baseline_rows(alone)
    assert {row["n"] for row in baseline_rows(tables).values()} == {6}
