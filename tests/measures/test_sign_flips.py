"""The sign-flip test: exact by enumeration, exact by its transform, else drawn; all three agree."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from di_assets.measures import sign_flips
from di_assets.measures.sign_flips import sign_flip_p


def flipped(gaps):
    """The distribution of the sum of gaps, whole numbers, with random signs: sum + total -> chance; and the total."""
    total = sum(abs(gap) for gap in gaps)
    chances = np.zeros(2 * total + 1)
    chances[total] = 1.0
    for gap in gaps:
        chances = (np.roll(chances, gap) + np.roll(chances, -gap)) / 2
    return chances, total


def counted(gaps):
    """P by that distribution."""
    chances, total = flipped(gaps)
    return float(chances[np.abs(np.arange(len(chances)) - total) >= abs(sum(gaps))].sum())


whole_gaps = st.integers(1, 40).flatmap(lambda most: st.lists(st.integers(-most, most), min_size=21, max_size=60))


def test_five_pairs_cannot_get_below_one_in_sixteen():
    assert sign_flip_p([5.0, 4.0, 3.0, 6.0, 1.0]) == 0.0625


def test_it_agrees_with_scipy():
    gaps = [3.0, -1.0, 4.0, 1.0, -5.0, 9.0, 2.0, 6.0]
    theirs = stats.permutation_test(
        (gaps,), lambda x, axis: x.sum(axis=axis), permutation_type="samples", vectorized=True
    )
    assert sign_flip_p(gaps) == pytest.approx(theirs.pvalue)


@given(st.lists(st.integers(-30, 30), min_size=1, max_size=12))
def test_the_transform_gives_what_enumeration_gives(gaps):
    p, enumerated = sign_flips._transformed(np.array(gaps)), sign_flip_p([float(gap) for gap in gaps])
    assert p == pytest.approx(enumerated, rel=1e-9)


@given(whole_gaps)
def test_beyond_enumeration_whole_gaps_are_counted_exactly(gaps):
    assert sign_flip_p([float(gap) for gap in gaps]) == pytest.approx(counted(gaps), rel=1e-9)


@given(whole_gaps, st.sampled_from([2, 3, 7, 10]))
def test_means_of_relaunches_are_as_exact(gaps, relaunches):
    assert sign_flip_p([gap / relaunches for gap in gaps]) == pytest.approx(counted(gaps), rel=1e-9)


@pytest.mark.parametrize("shift", [3, 10, 25])
def test_a_tiny_p_keeps_its_accuracy(shift):
    gaps = (np.random.default_rng(1).integers(-20, 21, size=300) + shift).tolist()
    expected = counted(gaps)
    assert sign_flip_p(gaps) == pytest.approx(expected, rel=1e-9)
    assert expected < 1e-4


def test_pairs_that_all_point_one_way_have_the_least_p_and_it_is_never_0():
    assert sign_flip_p([2.0] * 30) == 2.0**-29
    assert sign_flip_p([2.0] * 5_000) > 0
    assert sign_flip_p([0.0] * 30) == 1.0


@settings(max_examples=10)
@given(st.integers(0, 10**6), st.integers(21, 100))
def test_gaps_without_a_common_denominator_are_drawn_about_as_they_are_counted(seed, n):
    rng = np.random.default_rng(seed)
    gaps = rng.integers(-20, 25, size=n)
    drawn = sign_flip_p((gaps + rng.uniform(-1e-4, 1e-4, size=n)).tolist())
    exact, (chances, total) = counted(gaps.tolist()), flipped(gaps.tolist())
    # Gaps a little apart break ties: of the sums that equal the observed one, any share may count.
    ties = 2 * chances[total + gaps.sum()]
    error = 5 * np.sqrt(exact / sign_flips.FLIPS) + 2 / sign_flips.FLIPS
    assert exact - ties - error <= drawn <= exact + error


def test_twenty_five_thousand_pairs_take_no_time():
    gaps = np.rint(np.random.default_rng(2).normal(0.2, 20, size=25_000)).tolist()
    start = time.process_time()
    sign_flip_p(gaps)
    assert time.process_time() - start < 1
