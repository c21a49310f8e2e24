"""Reaction functions: planted ones are found, scripted agents show what their policies do, and what is told where."""

import numpy as np
import polars as pl
import pytest
from scipy.special import logit

from di_assets.measures.logit import FEW, NEVER, SEPARATED, Counts, fit
from di_assets.measures.reactions import TERMS, by_condition_and_model, counts_of, reactions
from di_assets.tables import TABLES
from tests.measures.choosing import as_choices, choosers


def rows_of(frame, **key):
    return {row["term"]: row for row in frame.filter(*(pl.col(k) == v for k, v in key.items())).iter_rows(named=True)}


def choices_of(*rows):
    """`choices` of model m from (episode, n_neighbours, n_owed, facts, n, pulled)."""
    return TABLES["choices"].frame([(key, "m", near, owed, *facts, n, y) for key, near, owed, facts, n, y in rows])


def episodes_of(*seeds, condition="c"):
    return pl.DataFrame(
        {"episode_id": [f"e{k}" for k in range(len(seeds))], "condition": condition, "seed": list(seeds)}
    )


NOT, OWED = (False, False, False, False), (True, False, False, False)


def test_the_intercept_is_the_departure_from_chance_whatever_the_number_of_neighbours():
    # At 2 neighbours half of them are pulled, at 4 a quarter: chance.
    rows = [(f"e{k}", near, 0, NOT, 20 * near, 20) for k in range(6) for near in (2, 4)]
    made = rows_of(reactions(episodes_of(*range(6)), choices_of(*rows)))
    assert made["intercept"]["coefficient"] == pytest.approx(0, abs=1e-12)
    assert {made[term]["reason"] for term in TERMS[1:]} == {NEVER}
    assert (made["intercept"]["n"], made["intercept"]["n_choices"]) == (6, 240)


def test_a_coefficient_is_a_log_odds_ratio_and_an_effect_a_difference_of_shares():
    rng = np.random.default_rng(1)
    rows = []
    for k in range(8):
        rows += [
            (f"e{k}", 4, 0, NOT, 100, int(rng.binomial(100, 0.2))),
            (f"e{k}", 4, 1, OWED, 50, int(rng.binomial(50, 0.6))),
        ]
    choices = choices_of(*rows)
    made = rows_of(reactions(episodes_of(*range(8)), choices))["owed"]
    by = {owed: part["pulled"].sum() / part["n"].sum() for (owed,), part in choices.group_by("owed")}
    assert (made["share_with"], made["share_without"]) == (by[True], by[False])
    assert made["coefficient"] == pytest.approx(logit(by[True]) - logit(by[False]), abs=1e-9)
    assert made["effect"] == pytest.approx(by[True] - by[False], abs=1e-9)
    assert made["effect_ci_low"] < made["effect"] < made["effect_ci_high"]
    assert made["reason"] is None


def test_episodes_of_one_seed_are_one_cluster_within_a_condition():
    rng = np.random.default_rng(2)
    rows = [
        (f"e{k}", 4, owed, facts, 40, int(rng.binomial(40, p)))
        for k in range(12)
        for owed, facts, p in ((0, NOT, 0.2), (1, OWED, 0.5))
    ]
    apart = rows_of(reactions(episodes_of(*range(12)), choices_of(*rows)))["owed"]
    tied = rows_of(reactions(episodes_of(*(k // 2 for k in range(12))), choices_of(*rows)))["owed"]
    assert (apart["n"], tied["n"]) == (12, 6)
    assert apart["coefficient"] == pytest.approx(tied["coefficient"], abs=1e-12)
    # A relaunch with the same pulls is no new evidence.
    twice = choices_of(*rows, *((f"e{int(key[1:]) + 12}", *rest) for key, *rest in rows))
    again = rows_of(reactions(episodes_of(*range(12), *range(12)), twice))["owed"]
    assert again["n"] == 12
    assert again["standard_error"] == pytest.approx(apart["standard_error"], rel=1e-3)
    few = rows_of(reactions(episodes_of(*(k % 4 for k in range(12))), choices_of(*rows)))["owed"]
    assert (few["n"], few["ci_low"], few["reason"]) == (4, None, FEW)
    assert few["coefficient"] == pytest.approx(apart["coefficient"], abs=1e-12)


def test_seats_with_one_neighbour_have_no_choice_and_a_model_without_any_has_no_row():
    rows = [(f"e{k}", 1, 0, NOT, 25, 25) for k in range(6)]
    assert reactions(episodes_of(*range(6)), choices_of(*rows)).equals(TABLES["reactions"].empty())
    assert reactions(episodes_of(*range(6)), TABLES["choices"].empty()).equals(TABLES["reactions"].empty())
    rows += [(f"e{k}", 2, 0, NOT, 50, 25) for k in range(6)]
    made = rows_of(reactions(episodes_of(*range(6)), choices_of(*rows)))
    assert made["intercept"]["n_choices"] == 150


def test_conditions_and_models_stand_apart_and_row_order_changes_no_bit():
    rng = np.random.default_rng(3)
    parts, episodes = [], []
    for c in range(2):
        for model in ("m", "k"):
            targets, asked = choosers(8, rng=rng, weights=(1.0, 0.0, 1.0, 0.0))
            games, counted = as_choices(targets, asked, model=model)
            name = pl.format("{}-{}", pl.lit(f"{c}"), "episode_id")
            parts.append(counted.with_columns(episode_id=name))
        episodes.append(games.with_columns(episode_id=name, condition=pl.lit(f"c{c}")))
    episodes, counted = pl.concat(episodes), pl.concat(parts)
    made = reactions(episodes, counted)
    assert made.height == 2 * 2 * len(TERMS)
    shuffled = reactions(
        episodes.sample(fraction=1, shuffle=True, seed=1), counted.sample(fraction=1, shuffle=True, seed=2)
    )
    assert shuffled.equals(made)
    one = reactions(episodes.filter(condition="c1"), counted.filter(pl.col("model") == "k"))
    assert one.equals(made.filter(condition="c1", model="k"))


def test_a_world_that_reacts_to_asks_and_not_to_pulls_is_read_so():
    targets, asked = choosers(200, rng=np.random.default_rng(4), weights=(0.0, 0.0, 1.5, 0.0))
    made = rows_of(reactions(*as_choices(targets, asked)))
    assert made["asked"]["ci_low"] > 1
    assert made["asked"]["effect_ci_low"] > 0.15
    for term in ("owed", "rival_owed", "owed_before", "focal"):
        assert made[term]["ci_low"] < 0 < made[term]["ci_high"]


@pytest.mark.slow
def test_intervals_cover_the_coefficients_of_a_world_of_choosers_as_often_as_they_say():
    """One pull a choice, rounds that feed on rounds, and episodes that react differently: what ties real rows."""
    n, experiments = 25, 500
    targets, asked = choosers(
        n * experiments, rng=np.random.default_rng(5), weights=(1.0, 0.3, 0.6, 0.2), spread=0.6, rounds=12
    )
    ((_, _, part),) = by_condition_and_model(*as_choices(targets, asked))
    counts, held = counts_of(part), np.zeros((2, len(TERMS)))
    truth = fit(counts)
    for k in range(experiments):
        own = slice(k * n, (k + 1) * n)
        made = fit(Counts(terms=TERMS, x=counts.x, offset=counts.offset, n=counts.n[own], y=counts.y[own]))
        held[0] += [e.interval.low <= t.coefficient <= e.interval.high for e, t in zip(made, truth, strict=True)]
        held[1, 1:] += [
            e.effect_interval.low <= t.effect <= e.effect_interval.high
            for e, t in zip(made[1:], truth[1:], strict=True)
        ]
    held[1, 0] = held[0, 0]
    assert (held >= 0.93 * experiments).all(), held / experiments
    assert (held <= 0.97 * experiments).all(), held / experiments


@pytest.fixture(scope="module")
def scripted(tmp_path_factory):
    """Reactions of scripted agents, 40 games of two casts: one in which everyone is always asked, one in which not."""
    from di_assets.arms import batches, load_configs
    from di_assets.measures.choices import choices
    from di_assets.measures.labels import message_labels
    from di_assets.measures.repayments import repayments
    from di_assets.play.batch import play_batch
    from di_assets.tables import Warehouse
    from tests.conftest import ROOT

    folder = tmp_path_factory.mktemp("scripted")
    casts = {
        "pleading": "[tit_for_tat, generous_tit_for_tat, random, loyal, pleader]",
        "courting": "[gullible, tit_for_tat, random, pact_maker, pact_maker]",
    }
    for name, cast in casts.items():
        (folder / f"{name}.yaml").write_text(
            f"title: T\nid: {name}--s{{seed}}\nlineup: {cast}\nseeds: {list(range(1, 41))}\n"
        )
    (folder / "prompts").symlink_to(ROOT / "configs" / "prompts")
    configs, made = load_configs(folder), {}
    for name in casts:
        warehouse = Warehouse(tmp_path_factory.mktemp(name))
        for batch in batches(configs.arm(name)):
            play_batch(configs, configs.arm(name), batch, warehouse)
        episodes, seats, edges, messages, pulls = (
            warehouse.read(t) for t in ("episodes", "seats", "edges", "messages", "pulls")
        )
        counted = choices(episodes, seats, edges, messages, pulls, message_labels(messages))
        made[name] = (reactions(episodes, counted), repayments(episodes, counted))
    return made


def is_nothing(row):
    """Not told from 0; with many such to be so at once, only what is 3.5 standard errors away is."""
    return abs(row["coefficient"]) < 3.5 * row["standard_error"]


@pytest.mark.slow
def test_scripted_agents_react_as_their_policies_say(scripted):
    pleading, courting = scripted["pleading"][0], scripted["courting"][0]
    for frame in (pleading, courting):
        # Always repays: no finite odds, and a probability that rises from chance or nothing to a sure thing or a lot.
        made = rows_of(frame, model="tit_for_tat")
        assert (made["owed"]["coefficient"], made["owed"]["reason"]) == (None, SEPARATED)
        assert made["owed"]["effect"] > 0.5
        assert made["rival_owed"]["reason"] == SEPARATED
        assert made["rival_owed"]["effect"] < -0.2
        # Where nothing is owed it draws anyone, whoever asks.
        assert all(is_nothing(made[term]) for term in ("intercept", "asked", "owed_before"))
        made = rows_of(frame, model="random")
        assert all(is_nothing(made[term]) for term in ("intercept", "owed", "rival_owed", "owed_before", "asked"))
    made = rows_of(pleading, model="generous_tit_for_tat")
    assert made["owed"]["ci_low"] > 1
    assert 0.3 < made["owed"]["effect"] < 0.6
    assert all(is_nothing(made[term]) for term in ("intercept", "owed_before", "asked"))
    # Stays with whom it drew, asked or not; that those it stays with stay with it is in `owed`.
    assert is_nothing(rows_of(pleading, model="loyal")["asked"])
    made = rows_of(courting, model="gullible")
    assert made["asked"]["reason"] == SEPARATED or made["asked"]["ci_low"] > 2
    assert made["asked"]["effect"] > 0.2
    assert made["asked"]["share_with"] > 0.8
    assert made["asked"]["share_without"] < 0.2


@pytest.mark.slow
def test_scripted_agents_repay_as_their_policies_say(scripted):
    rows = {row["model"]: row for row in scripted["pleading"][1].iter_rows(named=True)}
    for model in ("tit_for_tat", "pleader"):
        assert (rows[model]["propensity"], rows[model]["ci_method"]) == (pytest.approx(1), "no variance")
    for model, truth in (("generous_tit_for_tat", 2 / 3), ("random", 0.0)):
        error = (rows[model]["ci_high"] - rows[model]["ci_low"]) / 4
        assert abs(rows[model]["propensity"] - truth) < 3.5 * error
