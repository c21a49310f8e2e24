import json
import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from functools import partial

import jsonschema
import polars as pl
import pytest

from di_assets.measures.comparable import one_rules_version
from di_assets.measures.intervals import Interval
from di_assets.measures.lift import lift
from di_assets.measures.points import mean_of
from di_assets.report.questions.asked.persuasion import QUESTION
from di_assets.report.questions.asked.persuasion.claims import decomposed, headline, persuades
from di_assets.report.questions.part import part_of
from di_assets.report.questions.registry import READS
from di_assets.report.questions.scope import FocalModel, Half, Look, Scope, scope_of
from di_assets.report.questions.threats import Flaw, flaws, other_engine, several_controls
from di_assets.report.reader.transcript import rows_of
from di_assets.report.schema import schema
from di_assets.report.summary import build_summary, summary_text
from di_assets.tables import TABLES
from tests.report.published import POINTS
from tests.report.worlds import built as built_from
from tests.report.worlds import nothing, rows_in

OTHER_PROMPTS = Flaw("prompts", "its episodes used 2 versions of the prompts", blocks=True)
SETTINGS = {"title": "T", "subtitle": "s", "status": "draft"}


def row(model="m", on=(50.0, 52, 54, 56, 58, 60), **more):
    episodes = pl.DataFrame(
        {
            "episode_id": [f"{model}_r{k}" for k in range(len(on))],
            "focal_points": on,
            "focal_message": range(len(on)),
            "focal_pull": [None] * len(on),
        }
    )
    half = Half(points=mean_of(on), floor_points=25.0, episodes=episodes)
    none = Interval(None, None, "no control")
    fields = {
        "off": None,
        "capture": mean_of(on),
        "pairs": None,
        "lift": None,
        "interval": none,
        "p_holm": None,
        "needs": "05_attack_nomsg",
    }
    return FocalModel(model=model, on=half, **{**fields, **more})


def looked(low, high):
    return Look(number=2, planned=15, interval=Interval(low, high, "alpha spending", 6), p=0.01)


def scope(*rows, scripted=False):
    return Scope(
        episodes=TABLES["episodes"].empty(), scripted=scripted, left_out=0, older=0, rows=tuple(rows), most_points=100
    )


def lifted(low, high, n=6, **more):
    interval = Interval(low, high, "paired t", n)
    return row(lift=(low + high) / 2, interval=interval, needs=None, **{"p_holm": 0.01, "p": 0.01, **more})


def test_before_the_control_the_headline_is_the_pages_own():
    page = [row(model, values) for model, values in POINTS.items()]
    told = headline(scope(*page))
    assert told.sentence == (
        "With messaging on, focal models are given 8.6 to 72.2 points per episode; how much of that talk buys stays open "
        "until the messages-off control fills each dashed slot."
    )
    assert (told.status, told.needs) == ("not yet", ("05_attack_nomsg",))


@pytest.mark.parametrize(
    ("given", "status"),
    [
        (row(), "not yet"),
        (lifted(5.0, 15.0), "supported"),
        (lifted(-5.0, 15.0), "not yet"),
        (lifted(-15.0, -5.0), "contradicted"),
        (lifted(5.0, 15.0, p=0.2), "not yet"),
        (lifted(5.0, 15.0, n=4), "not yet"),
        (lifted(5.0, 15.0, flaws=(OTHER_PROMPTS,)), "not yet"),
        (lifted(5.0, 15.0, look=looked(-2.0, 22.0)), "not yet"),
        (lifted(5.0, 15.0, p=None), "not yet"),
        (row(lift=9.0, interval=Interval(None, None, "one episode"), needs=None), "not yet"),
    ],
)
def test_persuasion_is_claimed_only_when_the_data_carry_it(given, status):
    claim = persuades(given, scripted=False)
    assert claim.status == status
    assert claim.sentence.startswith("Talk buys") == (status == "supported")


def test_without_a_control_the_claim_names_the_arm_that_settles_it():
    claim = persuades(row(), scripted=False)
    assert claim.needs == ("05_attack_nomsg",)
    assert "05_attack_nomsg" in claim.sentence


def test_scripted_agents_are_called_scripted():
    assert "(scripted)" in persuades(lifted(5.0, 15.0), scripted=True).sentence
    assert "scripted focal agents" in headline(scope(lifted(5.0, 15.0), scripted=True)).sentence


def test_what_blocks_a_sentence_is_said_in_its_place():
    few, degenerate = lifted(5.0, 15.0, n=4), row(lift=9.0, interval=Interval(None, None, "no variance", 9), needs=None)
    for given, reason in (
        (few, "fewer than 5 independent episodes"),
        (degenerate, "there is no interval (no variance)"),
        (lifted(5.0, 15.0, flaws=(OTHER_PROMPTS,)), OTHER_PROMPTS.words),
    ):
        told = persuades(given, scripted=False)
        assert told.because == (reason,)
        assert told.sentence.startswith("Nothing is claimed of the lift of m")
        assert reason in told.sentence


def test_what_does_not_block_a_sentence_is_said_in_it():
    again = Flaw("relaunches", "12 episodes are 6 seeds played more than once, and count as 6", blocks=False)
    told = persuades(lifted(5.0, 15.0, flaws=(again,)), scripted=False)
    assert (told.status, told.because) == ("supported", (again.words,))
    assert again.words in told.sentence


def test_an_incomplete_arm_is_judged_by_the_interval_that_allows_looking():
    told = persuades(lifted(5.0, 15.0, look=looked(1.0, 19.0)), scripted=False)
    assert told.status == "supported"
    assert "[+1.0, +19.0], alpha spending; n = 6 of 15 planned" in told.sentence


def test_a_lift_that_was_looked_at_pays_for_its_looks(played):
    """The p that counts is the larger of the sign flips' and the look's, adjusted over the models."""
    frames = frames_of(played)
    looked_at = frames["looks"].with_columns(
        look=pl.lit(4), p_value=pl.when(pl.col("model") == "promiser").then(0.5).otherwise(1e-9)
    )
    before, after = (
        {row.model: row for row in scope_of({**frames, "looks": looks}, mirrors=played.configs.mirrors).rows}
        for looks in (frames["looks"], looked_at)
    )
    assert {row.look.planned for row in before.values()} == {6}
    assert (after["promiser"].p, after["promiser"].look.number) == (0.5, 4)
    assert after["con_artist"].p == pytest.approx(2 * after["con_artist"].pairs.p_sign_flip)


@pytest.mark.parametrize("of", ["n_pairs", "lift"])
def test_a_look_at_other_pairs_or_other_points_is_not_the_one_that_counts(played, of):
    frames = frames_of(played)
    stale = frames["looks"].with_columns(pl.col(of) - 1)
    rows = scope_of({**frames, "looks": stale}, mirrors=played.configs.mirrors).rows
    assert [row.look for row in rows] == [None, None]
    told = [persuades(row, scripted=True) for row in rows]
    assert {claim.status for claim in told} == {"not yet"}
    assert all("no look at these 6 pairs is recorded" in claim.sentence for claim in told)


CONTRAST = {"arm": "talk", "model": "m", "game": "complete/pure", "formula": "open - focal_muted", "n_pairs": 6,
            "points_heard": 50.0, "points_unheard": 40.0, "difference": 10.0, "ci_low": 5.0, "ci_high": 15.0,
            "ci_method": "paired t", "p_value": 0.03, "p_holm": 0.03, "needs": None}  # fmt: skip


def contrasts(**more):
    rows = [{**CONTRAST, "contrast": name, **more} for name in ("content", "focal_talk", "interaction")]
    return TABLES["channel_lift"].conform(pl.DataFrame(rows, schema_overrides={"needs": pl.String}))


@pytest.mark.parametrize(
    ("given", "status", "reason"),
    [
        ({}, "supported", None),
        ({"p_holm": 0.2}, "not yet", None),
        ({"ci_low": -1.0}, "not yet", None),
        ({"n_pairs": 5}, "not yet", "5 of 6 planned pairs are played, and it is judged only once, when all are played"),
        ({"difference": None, "ci_low": None, "needs": "06_focal_muted"}, "not yet", "nothing to compare with"),
    ],
)
def test_whose_talk_it_is_is_claimed_contrast_by_contrast(given, status, reason):
    complete = lifted(5.0, 15.0, look=Look(1, 6, Interval(5.0, 15.0, "paired t", 6), 0.01))
    told = decomposed(complete, contrasts(**given), scripted=False)
    assert [claim.name for claim in told] == ["m persuades by its own talk", "m persuades by what it says"]
    assert [claim.status for claim in told] == [status, status]
    assert all(claim.because == ((reason,) if reason else ()) for claim in told)


def test_the_headline_says_what_stands_against_every_model():
    told = headline(scope(lifted(5.0, 15.0, n=3), lifted(6.0, 16.0, n=4)))
    assert told.status == "not yet"
    assert told.sentence.endswith("how many of them talk buys cannot be said: fewer than 5 independent episodes.")


def test_the_headline_tells_whom_talk_serves_and_whom_it_costs_points():
    for rows, status, ending in (
        ([lifted(5.0, 15.0)], "supported", "talk buys the one model 10.0 of these points."),
        ([lifted(-15.0, -5.0)] * 2, "contradicted", "talk costs all 2 models 10.0 points."),
        (
            [lifted(5.0, 15.0), lifted(-5.0, 15.0), lifted(-9.0, -5.0)],
            "supported",
            "talk buys 1 of 3 models 10.0 of these points and costs 1 of 3 models 7.0 points.",
        ),
    ):
        told = headline(scope(*rows))
        assert (told.status, told.sentence[-len(ending) :]) == (status, ending)


def episodes_with(**columns):
    plain = {
        "condition": "c",
        "focal_model": "m",
        "seed": 1,
        "prompt_hash": "a" * 64,
        "reader_version": "2",
        "engine": "live",
        "scripted": False,
    }
    rows = [{**plain, **dict(zip(columns, values, strict=True))} for values in zip(*columns.values(), strict=True)]
    return pl.DataFrame(rows)


def test_flaws_are_found_in_the_episodes():
    assert flaws(episodes_with(seed=[1, 2, 3])) == ()
    told = flaws(episodes_with(seed=[1, 2, 2], prompt_hash=["a" * 64, "b" * 64, "a" * 64]), older=2)
    assert [(flaw.kind, flaw.blocks) for flaw in told] == [("prompts", True), ("relaunches", False), ("rules", False)]
    assert told[0].words.endswith("2 versions of the prompts (aaaaaaaa and bbbbbbbb)")
    assert told[1].words.startswith("3 episodes are 2 seeds")
    assert several_controls(1) == ()
    assert "2 controls" in several_controls(2)[0].words
    # One half was read by another reader than the other; null is the first.
    (told,) = flaws(episodes_with(seed=[1, 2, 3], reader_version=["2", None, "1"]))
    assert (told.kind, told.blocks) == ("readers", False)
    assert told.words == "its replies were read by 2 versions of the reader (1 and 2)"
    assert flaws(episodes_with(seed=[1, 2], reader_version=[None, "1"])) == ()
    assert flaws(episodes_with(seed=[1, 2], reader_version=["1", "2"], scripted=[True, True])) == ()
    # Some episodes were played by the providers' batch interfaces; null is live.
    (told,) = flaws(episodes_with(seed=[1, 2, 3], engine=["live", "batch", None]))
    assert (told.kind, told.blocks, told.words) == (
        "engines",
        False,
        "its models were asked by 2 engines (live and batch)",
    )
    assert flaws(episodes_with(seed=[1, 2], engine=[None, "live"])) == ()
    # Scripted agents read no prompts.
    assert flaws(episodes_with(seed=[1, 2], prompt_hash=["a", "b"], scripted=[True, True])) == ()


def test_the_halves_of_a_contrast_go_by_one_engine():
    live, old, batch = (episodes_with(seed=[1, 2], engine=[one, one]) for one in ("live", None, "batch"))
    assert other_engine(live, old) == other_engine(batch, batch) == other_engine(live, batch.clear()) == ()
    (told,) = other_engine(live, batch)
    assert (told.kind, told.blocks) == ("engines", True)
    assert told.words == "its halves were not played by the same engine (messages on live and off batch)"


def test_episodes_by_older_rules_are_left_out_and_counted(played):
    frames = frames_of(played)
    old = pl.col("replicate") < 2
    older = frames["episodes"].with_columns(rules_version=pl.when(old).then(pl.lit("0.9")).otherwise("rules_version"))
    built_now = built(played, episodes=older)
    assert built_now["provenance"]["older_rules_left_out"] == 8
    assert {half["n"] for half in built_now["questions"]["q1"]["lift"]["messages_on"]} == {4}
    persuading = [c for c in built_now["questions"]["q1"]["claims"] if c["name"].endswith("persuades")]
    assert all("4 episodes played by older rules are left out" in c["because"] for c in persuading)


@pytest.mark.parametrize(("versions", "newest"), [(["1", "1"], "1"), (["2", "10"], "10"), (["1.9", "1.10"], "1.10")])
def test_the_newest_rules_are_the_ones_that_count(versions, newest):
    played = pl.DataFrame({"episode_id": ["a", "b"], "scripted": False, "rules_version": versions})
    assert set(one_rules_version(played)["rules_version"]) == {newest}
    assert one_rules_version(played.clear()).is_empty()


def test_scripted_agents_by_newer_rules_push_no_model_out():
    played = pl.DataFrame({"episode_id": ["a", "b"], "scripted": [True, False], "rules_version": ["2", "1"]})
    assert one_rules_version(played).height == 2


def frames_of(played):
    return {name: played.warehouse.read(name) for name in READS}


def built(played, **more):
    options = {
        "mirrors": played.configs.mirrors,
        "settings": SETTINGS,
        "commit": "abc",
        "generated": "2026-01-01T00:00:00+00:00",
    }
    return build_summary({**frames_of(played), **more}, rows_of=partial(rows_of, played.warehouse), **options)


def test_the_summary_keeps_its_published_schema_and_its_bytes(played):
    jsonschema.Draft202012Validator.check_schema(schema())
    one, other = (summary_text(built(played)) for _ in range(2))
    jsonschema.validate(json.loads(one), schema())
    assert one == other


def test_an_empty_warehouse_says_what_is_needed():
    summary = built_from(nothing(), mirrors={})
    jsonschema.validate(summary, schema())
    question = summary["questions"]["q1"]
    assert (question["measured"], question["needs"]) == (False, "04_attack_complete")
    assert "no focal episode has been played yet" in QUESTION.figure(question).download


def test_net_capture_has_no_interval_for_it_is_an_identity(played):
    net = built(played)["questions"]["q1"]["net_capture"]
    assert (net["ci"], net["ci_reason"], net["n"]) == (None, "identity", 24 * 20)
    assert abs(net["value"]) < 1e-12
    assert net["pair_sd"] > 0


def test_the_quote_is_a_message_that_is_there(played):
    quote = built(played)["questions"]["q1"]["quote"]
    stored = played.warehouse.read("messages").filter(episode_id=quote["episode_id"], event_id=quote["event_id"])
    assert stored["text"].to_list() == [quote["text"]]


def test_models_and_scripted_agents_are_never_shown_together(played):
    frames = frames_of(played)
    mixed = frames["episodes"].with_columns(scripted=~pl.col("focal_model").eq("promiser"))
    question = built(played, episodes=mixed)
    assert question["provenance"]["scripted"] is False
    assert question["provenance"]["scripted_left_out"] == 12
    assert {m["model"] for m in question["questions"]["q1"]["marks"]} == {"promiser"}


def test_relaunches_of_one_seed_count_once(played):
    """Ten copies of each episode under other launches: n stays what it was."""
    frames = frames_of(played)
    copies = {}
    for name in ("episodes", "episode_measures"):
        parts = [frames[name].with_columns(pl.col("episode_id") + f"-{k}") for k in range(10)]
        copies[name] = pl.concat(parts).sort("episode_id")
    q = built(played, **copies)["questions"]["q1"]
    assert {half["n"] for half in q["lift"]["messages_on"]} == {6}


def test_without_the_control_the_table_of_lifts_names_it(played):
    frames = frames_of(played)
    talk = {n: frames[n].filter(pl.col("arm") == "talk") for n in ("episodes", "episode_measures")}
    rows = lift(**talk, mirrors=played.configs.mirrors, focal={n: a.focal for n, a in played.configs.arms.items()})
    assert rows["needs"].to_list() == ["mute", "mute"]
    assert rows["points_off"].null_count() == rows["lift"].null_count() == 2


def links(svg):
    return list(ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}a"))


def test_every_dot_of_the_page_is_a_link_with_a_name(played):
    frames = frames_of(played)
    shown = built(played)["questions"]["q1"]
    figure = QUESTION.figure(shown)
    ids = set(frames["episodes"]["episode_id"])
    for svg in (figure.wide, figure.narrow):
        found = links(svg)
        assert len(found) == 24
        for a in found:
            episode, _ = re.fullmatch(r"transcript\?episode=([^&]+)&event=(\d+)", a.get("href")).groups()
            assert episode in ids
            assert episode in a.get("aria-label")
            assert a.get("target") == "_self"
    assert not links(figure.download)
    assert "http" not in figure.download.replace("http://www.w3.org/", "")
    assert QUESTION.figure(shown) == figure


def test_a_hostile_model_name_stays_text():
    evil = row('<script>alert("1")</script>&amp;')
    hostile = scope(replace(evil, needs="<b>"))
    hostile = replace(hostile, episodes=scope_of(nothing(), mirrors={}).episodes)
    figure = QUESTION.figure(part_of(QUESTION, hostile, nothing(), rows_of=rows_in({})))
    for svg in (figure.download, figure.wide):
        root = ET.fromstring(svg)
        assert not list(root.iter("{http://www.w3.org/2000/svg}script"))
        assert evil.model in [text.text for text in root.iter("{http://www.w3.org/2000/svg}text")]
