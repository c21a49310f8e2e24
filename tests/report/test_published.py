"""The published page's own table goes in: what was right comes out again, what was not is refused with the reason."""

import json

import numpy as np
import pytest
from scipy import stats

from di_assets.measures.intervals import t_interval
from di_assets.measures.lift import lift
from di_assets.report.damage import damage_behind
from di_assets.report.questions.scope import scope_of
from di_assets.report.questions.statement import LEAST_EPISODES
from di_assets.report.questions.statistics import rate
from di_assets.tables import Warehouse
from tests.report.published import MIRRORS, frames
from tests.report.worlds import built as built_from
from tests.report.worlds import nothing

# As printed: mean points, their interval, mean capture.
PRINTED = {
    "sonnet-4.6": (72.2, [63.4, 79.2], "+0.17"),
    "gemma-3-4b": (51.8, [34.8, 65.8], "+0.12"),
    "opus-4.8": (46.8, [44.0, 50.0], "+0.10"),
    "qwen3-235b-thinking": (36.2, [29.2, 43.8], "+0.05"),
    "gpt-5.4-mini": (8.6, [4.0, 14.2], "+0.01"),
}


@pytest.fixture(scope="module")
def page():
    known = frames()
    focal = {arm: tuple(PRINTED) for arm in MIRRORS}
    known["lift"] = lift(known["episodes"], known["episode_measures"], mirrors=MIRRORS, focal=focal)
    return nothing() | known


@pytest.fixture(scope="module")
def q1(page):
    built = built_from(page, mirrors=MIRRORS)
    assert built["provenance"]["n_episodes"] == 40
    return built["questions"]["q1"]


def claim(q1, name):
    return next(c for c in q1["claims"] if c["name"] == name)


def test_the_published_means_and_percentile_intervals_come_out(q1):
    for half in q1["lift"]["messages_on"]:
        mean, interval, _ = PRINTED[half["model"]]
        assert (half["n"], half["points_mean"]) == (5, pytest.approx(mean))
        assert half["ci_percentile"] == pytest.approx(interval)
        # The one that stands is Student's t: wider, for five episodes are few.
        assert half["ci_method"] == "t"
        assert half["ci"][0] < interval[0]
        assert half["ci"][1] > interval[1]
    captures = {c["model"]: c for c in q1["capture"]}
    assert {m: f"{c['value']:+.2f}" for m, c in captures.items()} == {m: p[2] for m, p in PRINTED.items()}
    assert np.round(captures["sonnet-4.6"]["ci_percentile"], 4).tolist() == [0.1474, 0.1814]


def test_the_headline_is_the_pages_own(q1):
    assert q1["headline"] == (
        "With messaging on, focal models are given 8.6 to 72.2 points per episode; how much of that talk buys stays open "
        "until the messages-off control fills each dashed slot."
    )


@pytest.mark.parametrize("model", PRINTED)
def test_persuasion_is_refused_without_the_control(q1, model):
    told = claim(q1, f"{model} persuades")
    assert (told["status"], told["needs"]) == ("not yet", ["05_attack_nomsg"])
    assert told["because"] == ["nothing to compare with"]
    assert "stays open until 05_attack_nomsg has run" in told["sentence"]


def test_capture_is_claimed_where_its_interval_carries_it_and_nowhere_else(q1):
    status = {m: claim(q1, f"{m} captures more than blind reciprocation explains")["status"] for m in PRINTED}
    assert status == {
        "sonnet-4.6": "supported",
        "gemma-3-4b": "not yet",  # the page's percentile interval would have it; Student's t of five does not
        "opus-4.8": "supported",
        "qwen3-235b-thinking": "not yet",
        "gpt-5.4-mini": "not yet",
    }
    assert (
        "no proof of persuasion" in claim(q1, "sonnet-4.6 captures more than blind reciprocation explains")["sentence"]
    )


def test_the_pooled_interval_is_refused_as_the_identity_that_it_is(page, q1):
    net = q1["net_capture"]
    assert (net["ci"], net["ci_reason"], net["n"]) == (None, "identity", 800)
    assert net["value"] == pytest.approx(0, abs=1e-12)
    # What the page printed: 800 anticorrelated pairs resampled as if each were drawn alone.
    pairs = page["pair_capture"]["net_capture"].to_numpy()
    drawn = stats.bootstrap((pairs,), np.mean, n_resamples=2_000, method="percentile", rng=np.random.default_rng(0))
    assert drawn.confidence_interval.low < 0 < drawn.confidence_interval.high
    refused = claim(q1, "net capture pooled over pairs")
    assert (refused["status"], refused["because"]) == ("refused", ["identity"])
    assert "zero by construction" in refused["sentence"]


def test_relaunched_ring_seeds_are_three_and_carry_no_claim(q1):
    told = claim(q1, "the ring makes points more unequal than the complete graph")
    assert told["status"] == "not yet"
    assert told["because"] == [
        f"fewer than {LEAST_EPISODES} independent episodes",
        "12 episodes are 3 seeds played more than once, and count as 3",
    ]
    assert "n = 3" in told["sentence"]


def test_a_pooled_rate_rests_on_its_seeds_not_on_its_episodes(page):
    """Five calibration seeds, and three that the complete graph and four launches of the ring share."""
    pooled = rate(scope_of(page, mirrors=MIRRORS), "gini")
    assert (pooled["n"], pooled["n_seeds"], pooled["ci_method"]) == (40, 8, "t clustered by seed")
    alone = t_interval(page["episode_measures"]["gini"].to_list())
    assert pooled["ci"][1] - pooled["ci"][0] > alone.high - alone.low


def test_a_summary_of_another_shape_is_named_with_the_way_to_what_is_wrong(page, tmp_path):
    warehouse = Warehouse(tmp_path)
    built = built_from(page, mirrors=MIRRORS)
    warehouse.write_report("summary.json", json.dumps(built))
    assert damage_behind(warehouse, KeyError("headline")) is None
    built["questions"]["q1"]["headline"] = 7
    warehouse.write_report("summary.json", json.dumps(built))
    named = damage_behind(warehouse, KeyError("headline"))
    assert "report/summary.json" in str(named)
    assert "(questions.q1.headline)" in str(named)
    assert "`di report` writes it anew" in str(named)
