"""Agreement of labellers: against statsmodels where it defines the same, and of the lexical rule with a hand."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats import inter_rater

from di_assets.agents.asking import asks_for_pull, promises_pull
from di_assets.measures.agreement import kappa, label_agreement
from di_assets.tables import TABLES
from tests.measures.hand import HAND


def alone(n):
    return np.arange(n)


def bools(text):
    return np.array([c == "y" for c in text])


def test_kappa_is_agreement_beyond_chance():
    assert kappa(bools("yynn"), bools("ynnn"), alone(4)).kappa == 0.5
    assert kappa(bools("yn"), bools("ny"), alone(2)).kappa == -1.0
    assert kappa(bools("ynyn"), bools("yynn"), alone(4)).kappa == 0.0


@pytest.mark.parametrize(
    ("one", "other", "blocks", "why"),
    [
        ("", "", [], "no message labelled by both"),
        ("yy", "yy", [0, 1], "both give all of them the same one answer"),
    ],
)
def test_undefined_kappa_is_null_with_its_reason(one, other, blocks, why):
    found = kappa(bools(one), bools(other), np.array(blocks, dtype=int))
    assert (found.kappa, found.interval.low, found.interval.method) == (None, None, why)


@pytest.mark.parametrize(("other", "blocks", "why"), [("yn", [0, 1], "no variance"), ("yn", [0, 0], "one seed block")])
def test_a_degenerate_interval_is_null_beside_its_kappa(other, blocks, why):
    found = kappa(bools("yn"), bools(other), np.array(blocks))
    assert (found.kappa, found.interval.low, found.interval.high, found.interval.method) == (1.0, None, None, why)


answers = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=2, max_size=60)


@given(answers)
def test_kappa_and_its_variance_are_statsmodels_where_every_message_is_its_own_episode(pairs):
    one, other = (np.array(column) for column in zip(*pairs, strict=True))
    table = np.array([[((one == a) & (other == b)).sum() for b in (True, False)] for a in (True, False)], dtype=float)
    found, n = kappa(one, other, alone(len(one))), len(one)
    if found.kappa is None:
        return
    with np.errstate(divide="ignore", invalid="ignore"):
        theirs = inter_rater.cohens_kappa(table)
    assert found.kappa == pytest.approx(theirs.kappa, abs=1e-9)
    if found.interval.low is not None and found.interval.low > -1 and found.interval.high < 1:
        half = stats.t.ppf(0.975, n - 1) * np.sqrt(theirs.var_kappa * n / (n - 1))
        assert found.interval.high - found.kappa == pytest.approx(half, rel=1e-6)


def test_messages_of_one_episode_widen_the_interval():
    rng = np.random.default_rng(1)
    hard = np.repeat(rng.random(20) < 0.5, 10)  # whole episodes are read differently by the two
    one = rng.random(200) < 0.5
    other = np.where(hard, ~one, one)
    clustered = kappa(one, other, np.repeat(np.arange(20), 10)).interval
    naive = kappa(one, other, alone(200)).interval
    assert clustered.high - clustered.low > 2 * (naive.high - naive.low)


def tables(labels):
    """Six messages in three episodes, senders by turns a model and a scripted agent."""
    blank = {pl.String(): "x", pl.Int64(): 0, pl.Float64(): 0.0, pl.Boolean(): True}
    row = {c.name: None if c.nullable else blank.get(c.dtype) for c in TABLES["episodes"].columns}
    episodes = pl.DataFrame(
        [{**row, "episode_id": key, "seed": k} for k, key in enumerate("abc")], schema=TABLES["episodes"].schema
    ).with_columns(started_at=pl.datetime(2026, 1, 1, time_zone="UTC"))
    return (
        episodes,
        TABLES["seats"].frame([(k, s, "AB"[s], "m", "mixed", ("llm", "scripted")[s]) for k in "abc" for s in (0, 1)]),
        TABLES["messages"].frame([(k, e, 1, 1, 0, 1, "t", False) for k in "abc" for e in (0, 1)]),
        TABLES["message_labels"].frame(labels),
    )


def test_every_two_labellers_have_a_row_a_label():
    labels = [(k, e, e == 0, False, "lexical", "1") for k in "abc" for e in (0, 1)]
    labels += [(k, e, e == 0, k == "a", "judge", "p") for k in "abc" for e in (0, 1)]
    labels += [("a", 0, False, False, "anna", "c")]
    found = label_agreement(*tables(labels))
    rows = {(r["labeller"], r["other"], r["label"]): r for r in found.iter_rows(named=True)}
    pairs = {("anna", "judge"), ("anna", "lexical"), ("judge", "lexical")}
    assert set(rows) == {(*pair, label) for pair in pairs for label in ("asks_for_pull", "promises_pull")}
    asks, promises = (rows["judge", "lexical", label] for label in ("asks_for_pull", "promises_pull"))
    assert (asks["n"], asks["n_blocks"], asks["agreed"], asks["kappa"], asks["ci_method"]) == (
        6,
        3,
        1.0,
        1.0,
        "no variance",
    )
    assert (promises["agreed"], promises["yes"], promises["other_yes"], promises["kappa"]) == (4 / 6, 2 / 6, 0.0, 0.0)
    assert (rows["anna", "judge", "asks_for_pull"]["n"], rows["anna", "judge", "asks_for_pull"]["kappa"]) == (1, 0.0)
    assert found["scripted"].to_list() == [False] * 6


def test_what_scripted_agents_wrote_stands_apart():
    episodes, seats, messages, labels = tables([(k, e, True, e == 0, who, "1") for k in "abc" for e in (0, 1) for who in ("lexical", "judge")])  # fmt: skip
    found = label_agreement(episodes, seats, messages.with_columns(sender="event_id"), labels)
    assert found.select("label", "scripted", "n").rows() == [
        ("asks_for_pull", False, 3),
        ("asks_for_pull", True, 3),
        ("promises_pull", False, 3),
        ("promises_pull", True, 3),
    ]


def test_labellers_without_a_message_in_common_have_a_row_that_says_so():
    found = label_agreement(*tables([("a", 0, True, True, "x", "1"), ("b", 0, True, True, "y", "1")]))
    assert found.select("n", "agreed", "kappa", "ci_method").unique().rows() == [
        (0, None, None, "no message labelled by both")
    ]


def test_versions_of_a_labeller_are_held_against_others_apart_and_never_against_each_other():
    labels = [("a", 0, True, True, "judge", "1"), ("b", 0, True, True, "judge", "2")]
    labels += [(k, 0, True, True, "lexical", "1") for k in "ab"]
    found = label_agreement(*tables(labels))
    assert found.select("labeller", "version", "other", "n").unique().sort("version").rows() == [
        ("judge", "1", "lexical", 1),
        ("judge", "2", "lexical", 1),
    ]


def test_one_labeller_alone_agrees_with_nobody():
    assert label_agreement(*tables([("a", 0, True, True, "lexical", "1")])).height == 0
    assert label_agreement(*tables([])).height == 0


@pytest.mark.parametrize(
    ("rule", "column", "agreed", "expected"), [(asks_for_pull, 1, 41, 0.37), (promises_pull, 2, 38, 0.15)]
)
def test_the_lexical_rule_agrees_so_far_with_a_hand(rule, column, agreed, expected):
    """A figure to know, not a mark to reach: the rule finds 14 of 35 asks and 4 of 28 promises, none falsely."""
    ours = np.array([rule(message[0]) for message in HAND])
    theirs = np.array([message[column] for message in HAND])
    assert int((ours == theirs).sum()) == agreed
    assert kappa(ours, theirs, alone(len(HAND))).kappa == pytest.approx(expected, abs=0.005)
