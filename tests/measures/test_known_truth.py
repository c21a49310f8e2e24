"""Worlds whose true lift is known by construction, through the project's own intervals and tables."""

import numpy as np
import pytest

from bench.known_truth import (
    COVERED,
    EXPERIMENTS,
    LOOKS,
    MOST_FALSE,
    PAIRS,
    WHOLE_WAY,
    WORLDS,
    agree,
    gaps_of,
    judge,
    rng_of,
    whole_way,
)
from di_assets.measures.sequential import looking_interval

BY_NAME = {world.name: world for world in WORLDS}


@pytest.mark.parametrize("world", WORLDS, ids=lambda world: world.name)
def test_a_planted_lift_comes_out_of_the_tables(world):
    table, gaps = whole_way(world, 4, rng=rng_of(world, "quick"))
    assert agree(table, gaps)
    assert table["n_on"].to_list() == table["n_off"].to_list() == [PAIRS] * 4
    far = 5 * max(gaps.std(), 0.1) / np.sqrt(gaps.size)
    assert abs(gaps.mean() - world.truth) <= far


def test_the_experimenter_who_looks_decides_by_the_looking_interval():
    """The array that `judge` decides by, against the project's interval, look by look."""
    for name in ("persuader, 5 points", "loyal pairs, redrawn"):
        gaps = gaps_of(BY_NAME[name], 40, rng=rng_of(BY_NAME[name], "quick"))
        claimed = []
        for values in gaps.tolist():
            found = [looking_interval(values[:n], planned=PAIRS, looks=range(2, n)) for n in LOOKS]
            claimed.append(any(i.low is not None and (i.low > 0 or i.high < 0) for i in found))
        assert judge(gaps, 0.0).claimed_looking == pytest.approx(np.mean(claimed))


def test_pairs_that_never_vary_are_reported_and_claim_nothing():
    world = BY_NAME["loyal pairs, same seeds"]
    found = judge(gaps_of(world, 50, rng=rng_of(world, "quick")), world.truth)
    assert (found.degenerate, found.n, found.covered) == (1.0, 0, None)
    assert (found.claimed, found.claimed_looking, found.claimed_peeking) == (0.0, 0.0, 0.0)


@pytest.mark.slow
@pytest.mark.parametrize("world", [world for world in WORLDS if "same seeds" not in world.name], ids=lambda w: w.name)
def test_intervals_cover_the_truth_and_false_claims_are_few_however_often_one_looks(world):
    found = judge(gaps_of(world, EXPERIMENTS, rng=rng_of(world, "gaps")), world.truth)
    assert agree(*whole_way(world, WHOLE_WAY, rng=rng_of(world, "whole way")))
    assert found.degenerate < 0.001
    assert COVERED[0] <= found.covered <= COVERED[1]
    assert found.all_covered >= 1 - MOST_FALSE
    if world.truth == 0:
        assert max(found.claimed, found.claimed_looking) <= MOST_FALSE
        assert found.claimed_peeking > 2 * MOST_FALSE  # so the guard is needed
    else:
        assert found.claimed_looking > 0.75
