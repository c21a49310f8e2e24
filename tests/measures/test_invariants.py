"""What must always hold, and an independent slow program, straight from the definitions, that must agree."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from di_assets.game import edges
from tests.measures.test_vectors import frames_of


def random_vector(seed, topology="complete", n=5, rounds=9):
    rng = random.Random(seed)
    graph = edges(topology, n, seed=seed)
    near = {i: [b if a == i else a for a, b in graph if i in (a, b)] for i in range(n)}
    return {
        "n_seats": n,
        "n_rounds": rounds,
        "edges": graph,
        "pulls": [
            {"round": t, "puller": i, "target": rng.choices((None, i, rng.choice(near[i])), (1, 1, 8))[0]}
            for t in range(1, rounds + 1)
            for i in range(n)
        ],
        "asks": [
            {"round": t, "sender": i, "recipient": j}
            for t in range(1, rounds + 1)
            for i in range(n)
            for j in near[i]
            if rng.random() < 0.2
        ],
    }


def slowly(vector, window=3):
    """Every measure in plain loops."""
    n, rounds = vector["n_seats"], vector["n_rounds"]
    near = {i: {b if a == i else a for a, b in vector["edges"] if i in (a, b)} for i in range(n)}
    kept = {(p["round"], p["puller"]) for p in vector["pulls"] if p["target"] == p["puller"]}
    y = {(p["round"], p["puller"]): p["target"] for p in vector["pulls"]} | dict.fromkeys(kept)
    asked = {(a["round"], a["sender"], a["recipient"]) for a in vector["asks"]}

    def p(t, i, j):
        before = {k for k in near[i] if y.get((t - 1, k)) == i}
        among = before or near[i]
        return (j in among) / len(among)

    def r(i, j):
        return sum((y[t, i] == j) - p(t, i, j) for t in range(1, rounds + 1) if y[t, i] is not None) / rounds

    net = {(i, j): (r(j, i) - r(i, j)) / 2 for i in range(n) for j in range(n) if i != j}
    points = [sum(target == x for target in y.values()) for x in range(n)]
    counts = {"payback": 0, "solicited": 0, "unprompted": 0}
    for (t, i), j in y.items():
        if j is None:
            continue
        if any(y.get((t - k, j)) == i for k in range(1, window + 1)):
            counts["payback"] += 1
        elif any((t - k, j, i) in asked for k in range(window)):
            counts["solicited"] += 1
        else:
            counts["unprompted"] += 1
    majority = {
        (t, x): sum(y.get((t, i)) == x for i in range(n)) >= max(2, len(near[x]) // 2 + 1)
        for t in range(rounds + 1)
        for x in range(n)
    }
    return {
        "points": points,
        "net": net,
        "capture": [sum(net[i, j] for j in range(n) if j != i) / (n - 1) for i in range(n)],
        "floor": [
            sum(p(t, i, x) for t in range(1, rounds + 1) for i in range(n) if i != x and y[t, i] is not None)
            for x in range(n)
        ],
        "rates": {kind: count / sum(counts.values()) for kind, count in counts.items()},
        "cascades": sum(majority[t, x] and not majority[t - 1, x] for t in range(1, rounds + 1) for x in range(n)),
        "gini": sum(abs(a - b) for a in points for b in points) / (2 * n * sum(points)),
    }


@settings(max_examples=25)
@given(st.integers(0, 10**6), st.sampled_from(["complete", "ring", "star"]))
def test_an_independent_program_agrees(seed, topology):
    vector = random_vector(seed, topology)
    made, expected = frames_of(vector), slowly(vector)
    close = {"abs": 1e-12, "rel": 0}
    assert made["seats"]["points"].to_list() == expected["points"]
    assert made["seats"]["capture"].to_list() == pytest.approx(expected["capture"], **close)
    assert made["seats"]["floor_points"].to_list() == pytest.approx(expected["floor"], **close)
    assert {(r["seat"], r["other"]): r["net_capture"] for r in made["pairs"].to_dicts()} == pytest.approx(
        expected["net"], **close
    )
    whole = made["whole"].row(0, named=True)
    assert whole["payback_rate"] == pytest.approx(expected["rates"]["payback"], **close)
    assert whole["solicited_not_payback_rate"] == pytest.approx(expected["rates"]["solicited"], **close)
    assert whole["unprompted_rate"] == pytest.approx(expected["rates"]["unprompted"], **close)
    assert sum(made["seats"]["points"]) == whole["n_pulls"] == made["kinds"].height
    assert sum(expected["rates"].values()) == pytest.approx(1, **close)
    assert whole["cascades"] == expected["cascades"]
    assert whole["gini"] == pytest.approx(expected["gini"], **close)


@settings(max_examples=15)
@given(st.integers(0, 10**6))
def test_measures_are_blind_to_row_order_and_seat_numbers(seed):
    vector = random_vector(seed)
    shuffled = {**vector, "pulls": random.Random(seed).sample(vector["pulls"], len(vector["pulls"]))}
    assert frames_of(vector)["seats"].equals(frames_of(shuffled)["seats"])
    turn = {seat: (seat + 1) % 5 for seat in range(5)} | {None: None}
    turned = {
        **vector,
        "edges": sorted(tuple(sorted((turn[a], turn[b]))) for a, b in vector["edges"]),
        "pulls": [{**p, "puller": turn[p["puller"]], "target": turn[p["target"]]} for p in vector["pulls"]],
        "asks": [{**a, "sender": turn[a["sender"]], "recipient": turn[a["recipient"]]} for a in vector["asks"]],
    }
    before, after = frames_of(vector)["seats"], frames_of(turned, focal_seat=1)["seats"]
    assert [after["capture"][turn[s]] for s in range(5)] == pytest.approx(before["capture"].to_list(), abs=1e-12)


def test_an_episode_of_forfeits_has_null_rates_and_no_inequality():
    vector = {**random_vector(1), "asks": []}
    vector["pulls"] = [{**p, "target": None} for p in vector["pulls"]]
    whole = frames_of(vector)["whole"].row(0, named=True)
    assert (whole["payback_rate"], whole["gini"], whole["n_pulls"], whole["cascades"]) == (None, 0.0, 0, 0)


@settings(max_examples=15)
@given(st.integers(0, 10**6), st.sampled_from(["complete", "ring", "star"]))
def test_net_capture_is_antisymmetric_and_within_bounds(seed, topology):
    pairs = frames_of(random_vector(seed, topology))["pairs"]
    both = pairs.join(pairs, left_on=["seat", "other"], right_on=["other", "seat"])
    assert both.height == 20
    assert (both["net_capture"] + both["net_capture_right"]).abs().max() == 0
    assert pairs["net_capture"].abs().max() <= 1
    assert pairs.filter(~pairs["adjacent"])["net_capture"].abs().sum() == 0


@settings(max_examples=15)
@given(st.integers(0, 10**6), st.sampled_from(["complete", "ring", "star"]))
def test_capture_is_what_a_seat_got_above_its_floor(seed, topology):
    seats = frames_of(random_vector(seed, topology))["seats"]
    above = (seats["points"] - seats["floor_points"]) / (2 * 4 * 9)
    assert seats["capture"].to_list() == pytest.approx(above.to_list(), abs=1e-12)
