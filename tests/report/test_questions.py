"""Questions 2 to 5: literal tables in, sentences out, in every state that the data can be in."""

import json
import re

import jsonschema
import polars as pl
import pytest

from di_assets.report.published import read_summary
from di_assets.report.questions.registry import QUESTIONS as EVERY_QUESTION
from di_assets.report.schema import schema as declared
from tests.report.published import MIRRORS as PUBLISHED_MIRRORS
from tests.report.published import frames as published
from tests.report.worlds import asked, built, claim, episode, nothing, null, world

QUESTIONS = ("q2", "q3", "q4", "q5")
PAYBACKS = (0.50, 0.52, 0.54, 0.56, 0.58, 0.60)


def on(rates=PAYBACKS, **more):
    return [episode(seed=k, payback=rate, **more) for k, rate in enumerate(rates)]


def off(rates, **more):
    return [episode(seed=k, channel="none", payback=rate, solicited=0.0, **more) for k, rate in enumerate(rates)]


def promise(seed, outcome, *, event=0, points=0, model="m"):
    return {"episode_id": f"04_attack_complete--{model}_s{seed}", "event_id": event, "labeller": "lexical", "round": 1, "sender": 0,
            "recipient": 1, "model": model, "scripted": False, "last": 3, "whole": True, "repeats": False, "outcome": outcome,
            "recipient_pulled": points > 0, "owed": False, "points": points, "chance": 0.5}  # fmt: skip


def ledger(model="m", **more):
    row = {"labeller": "lexical", "condition": "complete/pure/msg-on", "model": model, "scripted": False, "n_episodes": 6, "messages": 12,
           "made": 12, "kept": 6, "broken": 6, "open": 0, "owed": 0, "owed_kept": 0, "points_kept": 0, "points_broken": 0, "n": 6,
           "kept_share": 0.5, "ci_low": 0.4, "ci_high": 0.6, "ci_method": "t", "chance_share": 0.5, "points_a_kept": 0.5,
           "points_a_broken": 2.0}  # fmt: skip
    return {**row, **more}


@pytest.fixture(scope="module")
def schema():
    return declared()


def test_paybacks_with_talk_are_held_against_reciprocators_who_never_talk_and_nothing_else():
    table = {"table": "reciprocity_baseline"}
    rows = [
        null(None, mean=0.41, **table),
        null(None, mean=0.42, condition="complete/pure/msg-off", **table),
        null(None, mean=0.43, measure="cascades", **table),
        null(None, mean=0.44, **table) | {"measure": "payback_rate/shuffled"},
    ]
    reading = " ".join(asked(world(on() + off(PAYBACKS), reciprocity_baseline=rows), "q1")["reading"])
    assert "would give a payback rate of 41.0% on complete/pure/msg-on." in reading


def test_an_arm_that_was_changed_between_batches_has_the_chance_of_each_of_its_games():
    """Random pulling gives a pair 1 / (rounds x others) of the variance."""
    rounds = {"complete/outside(0.5)/msg-on": 10, "complete/pure/msg-on": 25}
    episodes = [one for condition, n in rounds.items() for one in on(model=f"m{n}", condition=condition, n_rounds=n)]
    relations = [{"arm": "04_attack_complete", "condition": condition, "n": 6} for condition in rounds]
    shown = asked(world(episodes, relations=relations), "q3")["variance"]
    assert {row["condition"]: row["dyad_by_chance"] for row in shown} == pytest.approx(
        {c: 1 / (4 * n) for c, n in rounds.items()}
    )


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_question_without_data_names_the_arm_that_brings_them(name, schema):
    summary = built(nothing(), mirrors={})
    jsonschema.validate(summary, schema)
    question = summary["questions"][name]
    assert (question["measured"], question["rows"], question["marks"], question["quote"]) == (False, [], [], None)
    assert "04_attack_complete" in question["needs"]
    assert question["reading"][-1] == f"Still missing: {question['needs']}."
    assert question["headline"].endswith("yet.")


@pytest.mark.parametrize("name", QUESTIONS)
def test_the_published_page_keeps_the_schema_and_claims_nothing_it_lacks_a_null_for(name, schema):
    summary = built(nothing() | published(), mirrors=PUBLISHED_MIRRORS)
    jsonschema.validate(summary, schema)
    told = {c["status"] for c in summary["questions"][name]["claims"] if c["model"] is None or name != "q3"}
    assert told <= {"not yet", "refused"}


def test_every_sentence_of_a_scripted_page_that_names_somebody_says_scripted(schema):
    episodes = [{**row, "scripted": True} for row in on() + off((0.9,) * 6)]
    frames = world(episodes, model_baseline=[null("m")])
    summary = built(frames)
    jsonschema.validate(summary, schema)
    for name in QUESTIONS:
        question = summary["questions"][name]
        assert question["scripted"]
        assert "scripted agents, not by language models" in question["caption"]
        assert all("(scripted)" in c["name"] for c in question["claims"] if c["model"])
    assert summary["questions"]["q2"]["headline"].startswith("Among scripted agents, with messages on 55.0% ")


def unlabelled(name, text):
    """What follows a model's name where no label does; the label may stand behind the graph, and `no promiser` is a word."""
    graph = r"(?:, [a-z]+| on the [a-z]+ graph)?"
    return re.findall(rf"(?<![\w-])(?<!no ){re.escape(name)}(?![\w-])(?!{graph} \(scripted\)).{{0,20}}", text)


def test_every_scripted_agent_that_a_page_names_carries_its_label(played):
    agents = set(played.warehouse.read("seats").filter(kind="scripted")["model"])
    summary, naming = read_summary(played.warehouse), set()
    for question in EVERY_QUESTION:
        part = summary["questions"][question]
        said = [part["headline"], part["alt"], *part["reading"], *(claim["sentence"] for claim in part["claims"])]
        for text in said:
            assert [rest for name in agents for rest in unlabelled(name, text)] == [], (question, text)
            naming |= {question} if "(scripted)" in text else set()
    assert naming >= {"q1", "q2", "q3", "q5"}


def test_a_giver_that_is_scripted_is_labelled_in_a_game_of_models():
    given = world(on())
    given["seats"] = given["seats"].with_columns(kind=pl.when(pl.col("model") == "w").then(pl.lit("scripted")).otherwise("kind"))  # fmt: skip
    part = asked(given, "q3")
    assert "w (scripted) for m (0." in part["reading"][2]
    assert "m (scripted)" not in " ".join(part["reading"])


# --- Question 2


@pytest.mark.parametrize(
    ("rates", "given", "status", "begins"),
    [
        (PAYBACKS, {}, "supported", "Where m plays, fewer pulls are pay-back than among reciprocators who never talk, by +35.0% of pulls"),
        (PAYBACKS, {"p": 0.2}, "not yet", "Where m plays, pay-back may explain it all"),
        (PAYBACKS, {"mean": 0.55}, "not yet", "Where m plays, pay-back may explain it all"),
        (PAYBACKS, {"mean": 0.3}, "contradicted", "Where m plays, even more pulls are pay-back"),
        (PAYBACKS[:4], {}, "not yet", "Nothing is claimed of the pay-back that is missing where m plays"),
        ((0.5,) * 6, {}, "not yet", "Nothing is claimed of the pay-back that is missing where m plays"),
    ],
)  # fmt: skip
def test_there_is_more_than_payback_only_where_interval_and_null_carry_it(rates, given, status, begins):
    told = claim(asked(world(on(rates), model_baseline=[null("m", **given)]), "q2"), "m: there is more than pay-back")
    assert told["status"] == status
    assert told["sentence"].startswith(begins)
    (cited,) = told["rows"]
    assert cited["table"] == "model_baseline"
    assert cited["where"] == {"condition": "complete/pure/msg-on", "model": "m", "measure": "payback_rate/simulated"}


def test_with_messages_on_alone_question_2_waits_for_the_control():
    waits = {"model": "m", "n_on": 6, "n_off": 0, "n_pairs": 0, "ci_method": "no control", "needs": "05_attack_nomsg"}
    question = asked(world(on(), model_baseline=[null("m")], lift=[waits]), "q2")
    told = claim(question, "m: talk takes the place of pay-back")
    assert (told["status"], question["needs"]) == ("not yet", "05_attack_nomsg")
    assert question["headline"] == (
        "With messages on 55.0% of pulls are pay-back, 30.0% were asked for and repay nothing, 15.0% are neither; reciprocators who never talk "
        "would repay 90.0%, so pay-back alone does not explain the one cast; how much of this is due to talk stays open until 05_attack_nomsg has run."
    )


@pytest.mark.parametrize(
    ("rates", "status"),
    [
        ([rate + 0.2 + k / 100 for k, rate in enumerate(PAYBACKS)], "supported"),
        ([rate + (0.2 if k % 2 else -0.2) for k, rate in enumerate(PAYBACKS)], "not yet"),
        ([rate - 0.2 - k / 100 for k, rate in enumerate(PAYBACKS)], "contradicted"),
    ],
)
def test_what_talk_takes_from_payback_is_judged_seed_by_seed(rates, status):
    question = asked(world(on() + off(rates), model_baseline=[null("m")]), "q2")
    assert claim(question, "m: talk takes the place of pay-back")["status"] == status
    assert [row["part"] for row in question["rows"]] == ["on", "off", "no talk"]


def test_that_a_pull_was_asked_for_is_refused_as_proof():
    told = claim(asked(world(on()), "q2"), "solicited pulls are persuasion")
    assert (told["status"], told["because"]) == ("refused", ["no counterfactual"])
    assert "(30.0% of pulls)" in told["sentence"]


@pytest.mark.parametrize(
    ("effect", "status"), [((0.2, 0.1, 0.3), "supported"), ((0.05, -0.1, 0.2), "not yet"), ((-0.2, -0.3, -0.1), "contradicted")]
)  # fmt: skip
def test_who_pulls_for_those_who_ask_is_read_from_its_reaction_function(effect, status):
    row = {"condition": "complete/pure/msg-on", "model": "w", "term": "asked", "n": 6, "n_choices": 100, "p_value": 0.01,
           **dict(zip(("effect", "effect_ci_low", "effect_ci_high"), effect, strict=True))}  # fmt: skip
    question = asked(world(on(), reactions=[row, {**row, "model": "nobody of this cast"}]), "q2")
    assert claim(question, "w pulls for those who ask")["status"] == status
    assert not [c for c in question["claims"] if "nobody" in c["name"]]


# --- Question 3


@pytest.mark.parametrize(
    ("captures", "status", "headline"),
    [
        ((0.10, 0.11, 0.12, 0.13, 0.14, 0.15), "supported", "More pulls than blind reciprocation explains are captured by the one model, most of all by m (+0.125"),
        ((-0.1, 0.1, -0.1, 0.1, -0.1, 0.11), "not yet", "None of the models can be said to capture"),
        ((-0.10, -0.11, -0.12, -0.13, -0.14, -0.15), "contradicted", "More than blind reciprocation would is given away by the one model"),
    ],
)  # fmt: skip
def test_who_captures_is_said_in_each_state(captures, status, headline):
    episodes = [episode(seed=k, focal_capture=value) for k, value in enumerate(captures)]
    question = asked(world(episodes), "q3")
    assert claim(question, "m captures more than blind reciprocation explains")["status"] == status
    assert question["headline"].startswith(headline)


def test_the_heat_map_counts_pulls_a_round_of_every_pair_and_links_the_episode_with_most():
    cells = {(c["giver"], c["receiver"]): c for c in asked(world(on()), "q3")["rows"] if c["giver"]}
    assert len(cells) == 20  # every ordered pair of five models
    assert {key: cell["value"] for key, cell in cells.items() if cell["value"]} == {
        ("w", "m"): 1 / 25, ("m", "w"): 1 / 25, ("x", "m"): 1 / 25
    }  # fmt: skip
    assert (cells["x", "m"]["episode_id"], cells["x", "m"]["event_id"]) == ("04_attack_complete--m_s0", 3)
    # Nobody pulled: the cell opens what its episode is opened at.
    assert cells["y", "z"]["event_id"] == 0


@pytest.mark.parametrize(
    ("receiver", "dyad", "told"),
    [
        ((0.02, 0.01, 0.03), (0.05, 0.04, 0.06), ("supported", "supported")),
        ((0.02, -0.01, 0.05), (0.02, 0.005, 0.035), ("not yet", "not yet")),
        ((-0.02, -0.03, -0.01), (0.001, 0.0, 0.002), ("contradicted", "contradicted")),
    ],
)  # fmt: skip
def test_variance_of_pairs_is_held_against_random_pulling_not_against_zero(receiver, dyad, told):
    """Random pulls of 25 rounds among four others give a dyad variance of 0.01."""
    parts = {f"{name}_{what}": value for name, values in (("receiver", receiver), ("dyad", dyad))
             for what, value in zip(("variance", "ci_low", "ci_high"), values, strict=True)}  # fmt: skip
    row = {"arm": "04_attack_complete", "condition": "complete/pure/msg-on", "n": 6, "n_episodes": 6, "n_excluded": 0, "ci_method": "t",
           "receiver_share": 0.2, "dyad_share": 0.8, "giver_share": 0.0, **parts}  # fmt: skip
    question = asked(world(on(), relations=[row]), "q3")
    names = ("some seats are given more by all", "who pulls whom depends on the pair")
    assert tuple(claim(question, f"04_attack_complete: {name}")["status"] for name in names) == told
    assert claim(question, "givers differ")["because"] == ["identity"]
    assert "receivers explain 20% of the variance of pulls, pairs 80%" in question["headline"]


# --- Question 4


def ring(ginis, **more):
    return [episode(seed=k, topology="ring", gini=gini, cascades=9 + k, focal_points=30 - k, **more) for k, gini in enumerate(ginis)]  # fmt: skip


@pytest.mark.parametrize(
    ("ginis", "status"),
    [
        ((0.40, 0.41, 0.42, 0.43, 0.44, 0.45), "supported"),
        ((0.2, 0.4, 0.2, 0.4, 0.2, 0.41), "not yet"),
        ((0.20, 0.19, 0.18, 0.17, 0.16, 0.15), "contradicted"),
        ((0.40, 0.41, 0.42), "not yet"),
    ],
)
def test_the_ring_is_held_against_the_complete_graph_on_the_same_seeds(ginis, status):
    question = asked(world(on() + ring(ginis)), "q4")
    assert claim(question, "the ring makes points more unequal than the complete graph")["status"] == status
    if len(ginis) > 3:
        assert claim(question, "the ring has more cascades than the complete graph")["status"] == "supported"
        assert claim(question, "the ring brings focal seats more than the complete graph")["status"] == "contradicted"
    assert question["needs"] is None
    told = {"supported": "ends less equal", "contradicted": "ends more equal"}.get(status)
    if told:
        assert question["headline"].endswith(
            f"On the same seeds the ring gives focal seats fewer points, has more cascades and {told}."
        )


def test_without_a_ring_question_4_names_the_arm_and_without_a_complete_graph_the_other():
    question = asked(world(on()), "q4")
    assert question["needs"] == "03_credit_smoke_ring"
    assert question["headline"] == (
        "With messages on: points of focal seats 40.0 on the complete graph; cascades 3.00 on the complete graph; unequal points (gini) 0.300 on "
        "the complete graph. Whether the network matters stays open until 03_credit_smoke_ring has played the same seeds."
    )
    assert asked(world(ring((0.4,) * 6)), "q4")["needs"] == "04_attack_complete"


@pytest.mark.parametrize(
    ("mean", "p", "status"), [(1.0, 0.001, "supported"), (1.0, 0.2, "not yet"), (30.0, 0.001, "contradicted")]
)
def test_each_graph_is_held_against_its_own_null(mean, p, status):
    rows = [null(None, mean=mean, p=p, condition="ring/pure/msg-on", measure="cascades", table="reciprocity_baseline")]
    question = asked(world(on() + ring((0.3,) * 6), reciprocity_baseline=rows), "q4")
    assert claim(question, "cascades on the ring exceed what blind reciprocation gives")["status"] == status
    other = claim(question, "cascades on the complete graph exceed what blind reciprocation gives")
    assert other["because"] == ["nothing to compare with"]


# --- Question 5


def promised(kept_of_four, points=(0, 2)):
    """Four promises an episode, so many of them kept; points of a kept and of a broken one."""
    rows = []
    for seed, kept in enumerate(kept_of_four):
        rows += [promise(seed, "kept", event=k, points=points[0] + seed % 2) for k in range(kept)]
        rows += [promise(seed, "broken", event=k, points=points[1]) for k in range(kept, 4)]
    return rows


@pytest.mark.parametrize(
    ("kept", "status"), [((3, 3, 4, 3, 4, 3), "supported"), ((1, 3, 1, 3, 2, 2), "not yet"), ((1, 1, 0, 1, 0, 1), "contradicted")]
)  # fmt: skip
def test_promises_are_held_against_chance(kept, status):
    question = asked(world(on(), promise_ledger=[ledger()], promises=promised(kept)), "q5")
    assert claim(question, "m keeps promises beyond chance")["status"] == status


@pytest.mark.parametrize(("points", "status"), [((5, 1), "supported"), ((0, 3), "contradicted"), ((1, 1), "not yet")])
def test_what_a_kept_promise_brings_is_held_against_what_a_broken_one_does(points, status):
    question = asked(world(on(), promise_ledger=[ledger()], promises=promised((2,) * 6, points)), "q5")
    assert claim(question, "kept promises bring m more than broken ones")["status"] == status


def test_the_quote_is_the_broken_promise_that_brought_most_and_silent_models_are_named():
    rows = [ledger(), ledger("w", made=0, kept=0, broken=0, n=0, kept_share=None, ci_low=None, ci_high=None, points_a_kept=None, points_a_broken=None)]  # fmt: skip
    question = asked(world(on(), promise_ledger=rows, promises=promised((0, 1, 1, 1, 1, 1))), "q5")
    assert question["quote"]["text"] == "Pull me <b>now</b>."
    assert question["without_a_promise"] == ["w"]
    assert "No promise was made by w." in question["reading"]
    assert question["headline"].startswith("Of 12 promised pulls 6 were kept and 6 broken; ")


def test_a_scripted_models_promises_are_not_counted_among_models():
    rows = [ledger(), ledger("w", scripted=True)]
    question = asked(world(on(), promise_ledger=rows, promises=promised((2,) * 6)), "q5")
    assert {row["model"] for row in question["rows"]} == {"m"}


def test_models_and_scripted_agents_are_never_on_one_page():
    episodes = on() + [{**episode("robot", seed=k, payback=0.1), "scripted": True} for k in range(6)]
    for name in QUESTIONS:
        question = asked(world(episodes, model_baseline=[null("m"), null("robot")]), name)
        assert not question["scripted"]
        assert "robot" not in json.dumps(question)


def test_relaunches_of_one_seed_count_once():
    again = [{**row, "episode_id": f"{row['episode_id']}-{k}"} for row in on(PAYBACKS[:3]) for k in range(5)]
    question = asked(world(again, model_baseline=[null("m")]), "q2")
    told = claim(question, "m: there is more than pay-back")
    assert told["status"] == "not yet"
    assert "fewer than 5 independent episodes" in told["because"]
    assert question["rows"][0]["n"] == 3
