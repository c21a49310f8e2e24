"""The social relations model: Kenny's published round robin, exact identities, known variances, and pulls of the game."""

import itertools

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import t as student

from di_assets.game import edges
from di_assets.measures.relations import (
    COMPONENTS,
    SIZES,
    TOO_SMALL,
    UNJOINED,
    Shares,
    Variances,
    effects,
    pooled,
    relations,
    shares,
    variances,
)
from di_assets.tables import TABLES
from tests.measures.test_invariants import random_vector
from tests.measures.test_vectors import tables_of, together

# Six persons, rows give and columns receive: D. A. Kenny, davidakenny.net/srm/mathsrm.htm, where the actor effects and
# the variances that the next tests expect are printed too.
KENNY = np.array(
    [
        [0, 4, 5, 6, 7, 5],
        [2, 0, 1, 3, 2, 4],
        [5, 4, 0, 3, 2, 6],
        [4, 5, 4, 0, 2, 5],
        [1, 4, 4, 3, 0, 3],
        [5, 7, 5, 3, 9, 0],
    ],
    dtype=float,
)


def subgroups(x, size):
    return np.array([x[np.ix_(kept, kept)] for kept in itertools.combinations(range(len(x)), size)])


def values(one):
    return [getattr(one, name) for name in COMPONENTS]


def test_kennys_six_persons_have_the_actor_effects_he_published():
    giver = effects(KENNY).giver
    assert giver.round(3).tolist() == [1.208, -1.625, -0.167, -0.208, -1.083, 1.875]
    assert giver.var(ddof=1) == pytest.approx(1.772, abs=5e-4)


@pytest.mark.parametrize(("size", "published"), [(6, 1.772), (5, 1.894), (4, 2.112)])
def test_the_variance_of_actor_effects_grows_in_smaller_groups_as_kenny_published_and_the_components_say(
    size, published
):
    # His last figure is 2.112 where 19/9 = 2.111 is exact.
    plain = effects(subgroups(KENNY, size)).giver.var(axis=-1, ddof=1).mean()
    assert plain == pytest.approx(published, abs=1e-3)
    (whole,) = variances(KENNY[None])
    expected = whole.giver + ((size - 1) * whole.dyad + whole.reciprocity) / (size * (size - 2))
    assert plain == pytest.approx(expected, abs=1e-12)


def test_kennys_six_persons_have_these_components_and_a_negative_one_is_kept():
    (made,) = variances(KENNY[None])
    assert values(made) == pytest.approx([47 / 36, -29 / 180, 107 / 45, 7 / 45, -31 / 45], abs=1e-12)
    share = shares(made)
    assert share.receiver == 0
    assert (share.giver, share.dyad) == pytest.approx((235 / 663, 428 / 663))


def by_moments(x):
    """The components from mean products of two cells, in plain loops: what each kind of pair of cells shares."""
    n = len(x)
    cells = [(i, j) for i in range(n) for j in range(n) if i != j]
    kinds = {name: [] for name in ("same", "mirrored", "giver", "receiver", "crossed", "apart")}
    for (i, j), (k, m) in itertools.product(cells, cells):
        if (i, j) == (k, m):
            kind = "same"
        elif (i, j) == (m, k):
            kind = "mirrored"
        elif i == k:
            kind = "giver"
        elif j == m:
            kind = "receiver"
        elif i == m or j == k:
            kind = "crossed"
        else:
            kind = "apart"
        kinds[kind].append(x[i, j] * x[k, m])
    mean = {kind: sum(products) / len(products) for kind, products in kinds.items()}
    giver, receiver, both = (mean[kind] - mean["apart"] for kind in ("giver", "receiver", "crossed"))
    dyad = mean["same"] - mean["apart"] - giver - receiver
    return [giver, receiver, dyad, both, mean["mirrored"] - mean["apart"] - 2 * both]


@settings(max_examples=20)
@given(st.integers(0, 10**6), st.integers(4, 7))
def test_an_independent_program_agrees(seed, n):
    x = np.random.default_rng(seed).normal(3, 2, size=(2, n, n))
    for one, made in zip(x, variances(x), strict=True):
        assert values(made) == pytest.approx(by_moments(one), abs=1e-9)


@settings(max_examples=20)
@given(st.integers(0, 10**6), st.integers(3, 7))
def test_effects_sum_to_zero_and_add_up_to_what_was_given(seed, n):
    x = np.random.default_rng(seed).normal(3, 2, size=(n, n))
    made = effects(x)
    close = {"abs": 1e-9, "rel": 0}
    assert [made.giver.sum(), made.receiver.sum()] == pytest.approx([0, 0], **close)
    assert np.concatenate([made.dyad.sum(axis=0), made.dyad.sum(axis=1)]) == pytest.approx(0, **close)
    added = made.mean + made.giver[:, None] + made.receiver + made.dyad
    off = ~np.eye(n, dtype=bool)
    assert added[off] == pytest.approx(x[off], **close)


def test_effects_that_are_put_in_come_out():
    giver, receiver = np.array([2.0, -1, 0, -1]), np.array([1.0, 1, -3, 1])
    x = 5 + giver[:, None] + receiver
    np.fill_diagonal(x, np.nan)  # ignored
    made = effects(x)
    assert made.mean == pytest.approx(5)
    assert made.giver == pytest.approx(giver)
    assert made.receiver == pytest.approx(receiver)
    assert made.dyad == pytest.approx(np.zeros((4, 4)))


@settings(max_examples=15)
@given(st.integers(0, 10**6))
def test_components_are_blind_to_who_is_who_and_to_where_zero_is_and_givers_mirror_receivers(seed):
    rng = np.random.default_rng(seed)
    x, turn = rng.normal(size=(5, 5)), rng.permutation(5)
    (made,), (turned,), (shifted,), (mirrored,) = (
        variances(y[None]) for y in (x, x[np.ix_(turn, turn)], 2 * x + 7, x.T)
    )
    assert values(turned) == pytest.approx(values(made))
    assert values(shifted) == pytest.approx([4 * value for value in values(made)])
    giver, receiver, *rest = values(made)
    assert values(mirrored) == pytest.approx([receiver, giver, *rest])


@pytest.mark.parametrize("size", [4, 5])
def test_the_mean_over_all_subgroups_is_the_estimate_of_the_group(size):
    (whole,) = variances(KENNY[None])
    assert values(pooled(variances(subgroups(KENNY, size))).estimates) == pytest.approx(values(whole), abs=1e-12)


@pytest.mark.parametrize("n", [4, 5, 8])
def test_known_variances_are_recovered_within_monte_carlo_error(n):
    truth = {"giver": 1.0, "receiver": 0.5, "dyad": 2.0, "giver_receiver": -0.3, "reciprocity": 0.8}
    rng, groups = np.random.default_rng(n), 4000
    seats = rng.multivariate_normal([0, 0], [[1.0, -0.3], [-0.3, 0.5]], size=(groups, n))
    pairs = rng.multivariate_normal([0, 0], [[2.0, 0.8], [0.8, 2.0]], size=(groups, n, n))
    upper = np.triu(np.ones((n, n), dtype=bool), 1)
    dyad = np.where(upper, pairs[..., 0], pairs[..., 1].swapaxes(1, 2))
    # A mean of its own for each group: no component may take it in.
    x = rng.normal(10, 3, size=(groups, 1, 1)) + seats[..., 0][:, :, None] + seats[..., 1][:, None, :] + dyad
    made = variances(x)
    for name, true in truth.items():
        found = np.array([getattr(one, name) for one in made])
        assert abs(found.mean() - true) < 4 * found.std(ddof=1) / groups**0.5


def test_below_four_members_effects_are_defined_and_variances_are_not():
    x = np.arange(9.0).reshape(3, 3)
    assert effects(x).giver.sum() == pytest.approx(0)
    (made,) = variances(x[None])
    assert values(made) == [None] * 5
    assert made.reason == TOO_SMALL
    assert shares(made) == Shares(None, None, None)
    all_of_them = pooled([made, made])
    assert all_of_them.n == 0
    assert {i.method for i in all_of_them.intervals.values()} == {TOO_SMALL}


@pytest.mark.parametrize("x", [np.zeros((2, 2)), np.zeros((4, 5)), np.full((4, 4), np.nan), np.zeros(4)])
def test_what_is_no_round_robin_is_refused(x):
    with pytest.raises(ValueError, match="round robin"):
        effects(x)


def test_one_matrix_is_no_stack():
    with pytest.raises(ValueError, match="stack"):
        variances(KENNY)


def test_pooled_is_the_mean_with_students_t_over_round_robins():
    made = pooled([Variances(g, 0.5, 2.0, 0.1, -0.2) for g in (1.0, -3.0, 0.5)])
    assert made.n == 3
    assert values(made.estimates) == pytest.approx([-0.5, 0.5, 2.0, 0.1, -0.2])
    half = student.ppf(0.975, 2) * np.std([1, -3, 0.5], ddof=1) / 3**0.5
    giver, dyad = made.intervals["giver"], made.intervals["dyad"]
    assert (giver.low, giver.high, giver.method) == (pytest.approx(-0.5 - half), pytest.approx(-0.5 + half), "t")
    assert (dyad.low, dyad.high, dyad.method) == (None, None, "no variance")
    assert made.shares == Shares(0.0, 0.2, 0.8)


def test_one_round_robin_has_estimates_and_no_interval_and_none_has_neither():
    one, none = pooled(variances(KENNY[None])), pooled([])
    assert {(i.low, i.high, i.method) for i in one.intervals.values()} == {(None, None, "one episode")}
    assert one.estimates.giver is not None
    assert {i.method for i in none.intervals.values()} == {"no episode"}
    assert values(none.estimates) == [None] * 5


def played(vectors, **more):
    """Tables of these vectors as episodes e0, e1, ... of seeds 0, 1, ...; `more` are columns of `episodes`."""
    tables = together(*(tables_of(v, episode_id=f"e{k}") for k, v in enumerate(vectors)))
    seeds = pl.Series("seed", range(len(vectors)), dtype=pl.Int64)
    tables["episodes"] = tables["episodes"].with_columns(seeds, *(pl.Series(k, v) for k, v in more.items()))
    return tables


def of(tables):
    return relations(tables["episodes"], tables["edges"], tables["pulls"])


def pulling(targets, *, n=5, topology="complete"):
    """Every seat pulls as `targets` (rounds x seats) says; None is a forfeit."""
    pulls = [
        {"round": t, "puller": i, "target": j} for t, row in enumerate(targets, start=1) for i, j in enumerate(row)
    ]
    return {"n_seats": n, "n_rounds": len(targets), "edges": edges(topology, n, seed=0), "pulls": pulls, "asks": []}


def test_a_round_robin_of_the_game_is_the_share_of_rounds_that_a_seat_pulled_another():
    rng = np.random.default_rng(3)
    vectors, x = [], np.zeros((3, 5, 5))
    for one in x:
        choices = [[None, *(j for j in range(5) if j != i)] for i in range(5)]
        targets = [[rng.choice(np.array(choices[i], dtype=object)) for i in range(5)] for _ in range(10)]
        vectors.append(pulling(targets))
        for row, (i, j) in itertools.product(targets, itertools.product(range(5), repeat=2)):
            one[i, j] += (row[i] == j) / 10
    (row,) = of(played(vectors)).to_dicts()
    expected = pooled(variances(x))
    assert (row["n"], row["n_episodes"], row["n_excluded"], row["excluded"]) == (3, 3, 0, None)
    assert row["ci_method"] == "t"
    names = (
        "giver_variance",
        "receiver_variance",
        "dyad_variance",
        "giver_receiver_covariance",
        "reciprocity_covariance",
    )
    assert [row[name] for name in names] == pytest.approx(values(expected.estimates), abs=1e-9)
    for name in COMPONENTS:
        interval = expected.intervals[name]
        assert (row[f"{name}_ci_low"], row[f"{name}_ci_high"]) == pytest.approx((interval.low, interval.high), abs=1e-9)
    assert row["giver_share"] + row["receiver_share"] + row["dyad_share"] == pytest.approx(1)


@settings(max_examples=15)
@given(st.integers(0, 10**6), st.integers(4, 6))
def test_without_forfeits_giver_variance_and_covariance_follow_from_the_others(seed, n):
    rng = np.random.default_rng(seed)
    likes = rng.dirichlet(np.ones(n - 1), size=n)
    others = [[j for j in range(n) if j != i] for i in range(n)]
    targets = [[int(rng.choice(others[i], p=likes[i])) for i in range(n)] for _ in range(8)]
    (row,) = of(played([pulling(targets, n=n)])).to_dicts()
    both, reciprocity = row["giver_receiver_covariance"], row["reciprocity_covariance"]
    assert both == pytest.approx((row["receiver_variance"] - reciprocity) / (n - 1), abs=1e-9)
    assert row["giver_variance"] == pytest.approx((both - row["dyad_variance"]) / (n - 1), abs=1e-9)


def test_random_pulls_have_the_dyad_variance_of_chance_and_no_receiver_variance():
    rng, n_rounds, groups = np.random.default_rng(8), 25, 3000
    shares_of = rng.multinomial(n_rounds, [1 / 4] * 4, size=(groups, 5)) / n_rounds
    x = np.zeros((groups, 5, 5))
    x[:, ~np.eye(5, dtype=bool)] = shares_of.reshape(groups, 20)
    made = pooled(variances(x))
    chance = 1 / (n_rounds * 4)
    truth = dict(zip(COMPONENTS, (-chance / 4, 0, chance, 0, 0), strict=True))
    for name, true in truth.items():
        half = made.intervals[name].high - getattr(made.estimates, name)
        assert getattr(made.estimates, name) == pytest.approx(true, abs=2 * half)


def test_a_favourite_of_all_is_receiver_variance_and_loyal_pairs_are_dyad_variance():
    favourite = pulling([[1, 0, 0, 0, 0], [2, 0, 0, 0, 0], [3, 0, 0, 0, 0], [4, 0, 0, 0, 0]])
    (row,) = of(played([favourite])).to_dicts()
    # The favourite can't pull itself: each other seat gets one of its pulls, and that little is giver variance.
    assert row["receiver_share"] == pytest.approx(16 / 17)
    assert row["dyad_variance"] == pytest.approx(0, abs=1e-9)
    loyal = pulling([[1, 0, 3, 2, 5, 4]] * 4, n=6)
    (row,) = of(played([loyal])).to_dicts()
    assert row["dyad_share"] == 1
    assert row["reciprocity_covariance"] > 0
    # Only a forfeiting seat makes givers differ.
    lazy = pulling([[1, 2, 3, 4, None], [2, 3, 4, 0, None], [3, 4, 0, 1, None], [4, 0, 1, 2, None]])
    (row,) = of(played([lazy])).to_dicts()
    assert row["giver_variance"] > 0.01


def test_episodes_of_one_seed_are_one_independent_episode():
    vectors = [random_vector(k) for k in range(4)]
    tables = played(vectors)
    tables["episodes"] = tables["episodes"].with_columns(seed=pl.Series([7, 7, 7, 8]))
    (row,) = of(tables).to_dicts()
    assert (row["n"], row["n_episodes"]) == (2, 4)
    alone = [of(played([v]))["dyad_variance"][0] for v in vectors]
    assert row["dyad_variance"] == pytest.approx((sum(alone[:3]) / 3 + alone[3]) / 2, abs=1e-9)
    tables["episodes"] = tables["episodes"].with_columns(seed=pl.lit(7))
    (row,) = of(tables).to_dicts()
    assert (row["n"], row["ci_method"], row["dyad_ci_low"]) == (1, "one episode", None)


def test_an_arm_and_condition_is_a_row_and_what_has_no_round_robin_is_left_out_with_the_reason():
    vectors = [random_vector(0), random_vector(1, "ring"), random_vector(2), random_vector(3, n=3)]
    vectors += [random_vector(4, n=4), random_vector(5, n=5)]
    rows = of(played(vectors, arm=["a", "a", "b", "c", "d", "d"])).to_dicts()
    found = [(r["arm"], r["n"], r["n_episodes"], r["n_excluded"], r["excluded"], r["ci_method"]) for r in rows]
    assert found == [
        ("a", 1, 1, 1, UNJOINED, "one episode"),
        ("b", 1, 1, 0, None, "one episode"),
        ("c", 0, 0, 1, TOO_SMALL, TOO_SMALL),
        ("d", 0, 0, 2, SIZES, SIZES),
    ]
    undefined = {k: v for k, v in rows[2].items() if k.endswith(("variance", "covariance", "share", "low", "high"))}
    assert set(undefined.values()) == {None}
    assert len(undefined) == 18


def test_the_same_game_on_other_seats_has_no_variance_though_it_has_rounding_errors():
    targets = [[1, 2, 0, 0, 3], [2, 0, 4, 1, 0], [4, 3, 0, 0, 1]]
    turn = [3, 0, 4, 2, 1]
    turned = [[turn[row[turn.index(i)]] for i in range(5)] for row in targets]
    (row,) = of(played([pulling(targets), pulling(turned)])).to_dicts()
    assert (row["n"], row["ci_method"], row["giver_ci_low"]) == (2, "no variance", None)


def test_forfeits_alone_are_no_variance_and_no_share():
    (row,) = of(played([pulling([[None] * 5] * 3)] * 2)).to_dicts()
    assert (row["giver_variance"], row["dyad_variance"], row["dyad_share"]) == (0, 0, None)
    assert row["ci_method"] == "no variance"


def test_components_without_an_interval_are_named():
    # One round each, with a giver variance of 0 in both.
    (row,) = of(played([pulling([[1, 0, 0, 0]], n=4), pulling([[1, 2, 0, None]], n=4)])).to_dicts()
    assert (row["giver_variance"], row["giver_ci_low"], row["giver_ci_high"]) == (0, None, None)
    assert row["dyad_variance"] == pytest.approx((1 / 12 + 1 / 4) / 2)
    assert row["dyad_ci_low"] < row["dyad_variance"] < row["dyad_ci_high"]
    assert row["ci_method"] == "t; giver: no variance"


def test_only_complete_episodes_are_measured_and_row_order_changes_no_bit():
    vectors = [random_vector(k) for k in range(5)]
    tables = played(vectors, status=["complete"] * 4 + ["failed"])
    made = of(tables)
    assert made["n"].to_list() == [4]
    shuffled = {name: frame.sample(fraction=1, shuffle=True, seed=1) for name, frame in tables.items()}
    assert of(shuffled).equals(made)
    nothing = {name: frame.clear() for name, frame in tables.items()}
    assert of(nothing).equals(TABLES["relations"].empty())
