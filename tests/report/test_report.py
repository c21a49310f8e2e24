import json
import re
import xml.etree.ElementTree as ET
from dataclasses import replace

import jsonschema
import polars as pl
import pytest

from di_assets.measures.intervals import Interval
from di_assets.measures.lift import lift
from di_assets.measures.points import mean_of
from di_assets.report.claims import headline, persuades
from di_assets.report.figures import q1
from di_assets.report.scope import Dot, Half, Row, Scope, scope_of
from di_assets.report.summary import READS, SCHEMA, build_summary, write_summary
from di_assets.tables import TABLES

SETTINGS = {"title": "T", "subtitle": "s", "status": "draft"}
# The page's five models: mean points of five episodes each come out as printed.
PAGE = {
    "sonnet-4.6": [55.0, 68.0, 76.0, 79.0, 83.0],
    "gemma-3-4b": [27.0, 45.0, 55.0, 58.0, 74.0],
    "opus-4.8": [43.0, 44.0, 46.0, 48.0, 53.0],
    "qwen3-235b-thinking": [28.0, 32.0, 34.0, 36.0, 51.0],
    "gpt-5.4-mini": [3.0, 4.0, 9.0, 10.0, 17.0],
}


def row(model="m", on=(50.0, 52, 54, 56, 58, 60), **more):
    half = Half(points=mean_of(on), floor_points=25.0, dots=tuple(Dot(f"{model}_r{k}", k, x) for k, x in enumerate(on)))
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
    return Row(model=model, on=half, **{**fields, **more})


def scope(*rows, scripted=False):
    return Scope(episodes=TABLES["episodes"].empty(), scripted=scripted, left_out=0, rows=tuple(rows), most_points=100)


def lifted(low, high, **more):
    return row(lift=(low + high) / 2, interval=Interval(low, high, "paired t"), needs=None, **{"p_holm": 0.01, **more})


def test_before_the_control_the_headline_is_the_pages_own():
    page = [row(model, values) for model, values in PAGE.items()]
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
        (lifted(5.0, 15.0, p_holm=0.2), "not yet"),
        (lifted(5.0, 15.0, on=(50.0, 51.0)), "not yet"),
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


def frames_of(played):
    return {name: played.warehouse.read(name) for name in READS}


def built(played, **more):
    options = {
        "mirrors": played.configs.mirrors,
        "settings": SETTINGS,
        "commit": "abc",
        "generated": "2026-01-01T00:00:00+00:00",
    }
    return build_summary({**frames_of(played), **more}, **options)


def test_the_summary_keeps_its_published_schema_and_its_bytes(played, tmp_path):
    schema = json.loads(SCHEMA.read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    for path in (tmp_path / "a.json", tmp_path / "b.json"):
        write_summary(built(played), path)
        jsonschema.validate(json.loads(path.read_text()), schema)
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()


def test_an_empty_warehouse_says_what_is_needed():
    empty = {name: TABLES[name].empty() for name in READS}
    summary = build_summary(empty, mirrors={}, settings=SETTINGS, commit="c", generated="g")
    jsonschema.validate(summary, json.loads(SCHEMA.read_text()))
    question = summary["questions"]["q1"]
    assert (question["measured"], question["needs"]) == (False, "04_attack_complete")
    assert "no focal episode has been played yet" in q1(scope_of(empty, mirrors={})).download


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
    shown = scope_of(frames, mirrors=played.configs.mirrors)
    figure = q1(shown)
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
    assert q1(shown) == figure


def test_a_hostile_model_name_stays_text():
    evil = row('<script>alert("1")</script>&amp;')
    figure = q1(scope(replace(evil, needs="<b>")))
    for svg in (figure.download, figure.wide):
        root = ET.fromstring(svg)
        assert not list(root.iter("{http://www.w3.org/2000/svg}script"))
        assert evil.model in [text.text for text in root.iter("{http://www.w3.org/2000/svg}text")]
