"""Walks on the small arms, where every number has its episodes, and on channels that no figure marks."""

import json
import shutil
from dataclasses import asdict
from functools import partial

import polars as pl
import pytest

from di_assets.report.lineage.citations import citations, grounds_of, models_of, sides_of
from di_assets.report.lineage.steps import line_of, short, tree
from di_assets.report.lineage.trace import STALE, Step, TraceError, trace_episode, trace_model
from di_assets.report.published import read_summary
from di_assets.report.questions.asked.persuasion.channels import SILENT, rows_behind
from di_assets.report.questions.registry import QUESTIONS, READS
from di_assets.report.questions.statement import EVERYBODY
from di_assets.report.reader.transcript import rows_of
from di_assets.report.summary import summary_text
from di_assets.tables import TABLES, Warehouse, episode_set
from tests.report.worlds import built

ON = [f"talk--promiser_r{k}" for k in range(6)]
OFF = [f"mute--promiser_r{k}" for k in range(6)]


@pytest.fixture
def copied(played, tmp_path):
    shutil.copytree(played.warehouse.root / "tables", tmp_path / "tables")
    shutil.copytree(played.warehouse.root / "report", tmp_path / "report")
    return Warehouse(tmp_path)


def of_kind(step, kind):
    return [one for one in step.steps if one.kind == kind]


def test_a_walk_goes_from_claims_over_rows_and_episodes_to_calls(played):
    walked = trace_model(played.warehouse, "q1", "promiser")
    assert (walked.kind, walked.name, walked.facts["scripted"]) == ("question", "q1:promiser", True)
    persuades = of_kind(walked, "claim")[0]
    assert [row.name for row in persuades.steps] == ["lift promiser", "looks mute promiser 1"]
    assert [row.facts["from"] for row in persuades.steps] == [["messages on", "messages off"]] * 2
    on, off = of_kind(walked, "episodes")
    assert ([one.name for one in on.steps], [one.name for one in off.steps]) == (ON, OFF)
    assert on.facts["episode_set"] == episode_set(ON)
    assert (on.facts["missing"], on.facts["calls"]) == (0, sum(one.facts["n_calls"] for one in on.steps))
    assert walked.facts["lift"] == persuades.steps[0].facts["row"]["lift"]
    assert walked.facts["stale"] is None


def test_the_linked_event_is_the_figures_and_its_calls_are_those_that_made_it(played):
    walked = trace_model(played.warehouse, "q1", "promiser")
    marks = {m["episode_id"]: m["event_id"] for m in read_summary(played.warehouse)["questions"]["q1"]["marks"]}
    calls = played.warehouse.read("calls")
    for episode in (one for side in of_kind(walked, "episodes") for one in side.steps):
        (event,) = episode.steps
        assert event.facts["event_id"] == marks[episode.name]
        where = {"episode_id": episode.name, "round": event.facts["round"], "phase": event.facts["kind"]}
        made = calls.filter(**where, exchange=event.facts["exchange"], seat=event.facts["seat"])
        assert [call.facts["request_hash"] for call in event.steps] == made["request_hash"].to_list()
        assert event.steps


def test_a_walk_is_the_same_whatever_the_order_of_rows(played, copied):
    for table in ("episodes", "calls", "messages", "pulls"):
        for file in copied.files(table):
            path = copied.root / file.name
            pl.read_parquet(path).reverse().write_parquet(path)
            assert copied.adopt(file.stem)
    assert trace_model(copied, "q1", "promiser") == trace_model(played.warehouse, "q1", "promiser")


CITED = {
    "q1:promiser": ("lift", "lift"),
    "q2:promiser": ("model_baseline", "null_mean"),
    "q3:promiser": ("model_points", "capture_mean"),
    "q3:everybody": ("relations", "dyad_variance"),
    "q4:everybody": ("reciprocity_baseline", "null_mean"),
    "q5:promiser": ("promise_ledger", "kept_share"),
}


@pytest.mark.parametrize("walk", CITED)
def test_a_report_older_than_its_tables_is_called_stale(copied, walk):
    table, column = CITED[walk]
    assert trace_model(copied, *walk.split(":")).facts["stale"] is None
    copied.write(table, copied.read(table).with_columns(pl.col(column) + 1))
    assert trace_model(copied, *walk.split(":")).facts["stale"] == STALE


def test_every_question_has_a_walk_whose_table_is_changed_here():
    assert {walk.split(":")[0] for walk in CITED} == set(QUESTIONS)


@pytest.mark.parametrize("asked", QUESTIONS)
def test_every_judged_claim_is_on_a_walk_that_comes_to_rows_or_episodes(played, asked):
    question = read_summary(played.warehouse)["questions"][asked]
    reached = set()
    for who in models_of(question):
        sides = sides_of(played.warehouse, asked, question, who)
        for ground in grounds_of(question, who):
            if ground.status in {"supported", "contradicted"}:
                assert set(ground.sides) <= set(sides), ground
            assert all(rows.of(played.warehouse.read(rows.table)).height for rows in ground.rows), ground
            reached.add((ground.name, ground.sentence))
    judged = {
        (c["name"], c["sentence"])
        for c in question["claims"]
        if c["status"] in {"supported", "contradicted"} and c["name"] != "headline"
    }
    assert judged <= reached


def test_episodes_that_are_gone_are_counted_as_missing(copied):
    kept = copied.read("episodes", "talk--b00").filter(pl.col("episode_id") != ON[0])
    copied.write("episodes", kept, "talk--b00")
    walked = trace_model(copied, "q1", "promiser")
    on = of_kind(walked, "episodes")[0]
    assert (on.facts["episodes"], on.facts["missing"], len(on.steps)) == (6, 1, 5)
    assert on.facts["episode_set"] == episode_set(ON)
    assert walked.facts["stale"] == STALE


def test_there_is_no_walk_without_a_report_question_or_model(played, tmp_path):
    with pytest.raises(TraceError, match=r"no report in .*: run `di report`"):
        trace_model(Warehouse(tmp_path), "q1", "promiser")
    with pytest.raises(TraceError, match="no question 'q9'"):
        trace_model(played.warehouse, "q9", "promiser")
    with pytest.raises(TraceError, match="no claims about 'gullible' under q1"):
        trace_model(played.warehouse, "q1", "gullible")


@pytest.mark.parametrize("asked", QUESTIONS)
def test_an_episode_is_cited_by_every_claim_whose_walk_comes_to_it(played, asked):
    summary = read_summary(played.warehouse)
    question = summary["questions"][asked]
    for row in played.warehouse.read("episodes").iter_rows(named=True):
        model, name = row["focal_model"], row["episode_id"]
        walked_to = set()
        for who in (model, EVERYBODY):
            sides = sides_of(played.warehouse, asked, question, who)
            walked_to |= {g.name for g in grounds_of(question, who) if any(name in sides.get(s, ()) for s in g.sides)}
        cited = {one.what for one in citations(played.warehouse, summary, row)}
        claims = {what.partition(": ")[2] for what in cited if what.startswith(f"claim in {asked}")}
        assert claims == walked_to
        if asked in {"q1", "q2"} or row["channel"] == "open":
            assert walked_to
        assert ("statistic q1: payback_rate" in cited) == (row["channel"] == "open")


def test_a_walk_under_any_question_goes_from_claims_to_the_rows_and_events_they_name(played):
    summary = read_summary(played.warehouse)
    for asked in QUESTIONS:
        for model in models_of(summary["questions"][asked]):
            walked = trace_model(played.warehouse, asked, model)
            assert (walked.name, walked.facts["stale"]) == (f"{asked}:{model}", None)
            assert of_kind(walked, "claim")
            for claim in of_kind(walked, "claim"):
                assert claim.steps or walked.steps[-1].kind == "episodes", claim.name
                assert all(line_of(row).startswith("row ") for row in claim.steps)
            for episode in (one for side in of_kind(walked, "episodes") for one in side.steps):
                assert of_kind(episode, "event")


def test_an_unfinished_episode_and_one_before_a_report_are_cited_by_nothing(played, copied):
    rows = copied.read("episodes", "talk--b00")
    new = rows.head(1).with_columns(episode_id=pl.lit("talk--zz"), status=pl.lit("failed"))
    copied.write("episodes", pl.concat([rows, new]), "talk--b00")
    assert trace_episode(copied, "talk--zz").steps == ()
    shutil.rmtree(copied.root / "report")
    assert trace_episode(copied, ON[0]).steps == ()
    assert trace_episode(copied, "nobody") is None


def test_what_a_contrast_rests_on_is_matched_by_seed_and_named_by_its_open_arm(copied):
    question = read_summary(copied)["questions"]["q1"]
    rows = [rows_behind("talk", "promiser", contrast)[0] for contrast in SILENT]
    claims = [{"model": "promiser", "rows": [{"table": one.table, "where": one.where}]} for one in rows]
    talk = copied.read("episodes", "talk--b00")
    placebo = talk.filter(focal_model="promiser").with_columns(
        episode_id=pl.col("episode_id").str.replace("talk", "filler"), arm=pl.lit("filler"), channel=pl.lit("placebo"),
        # The last was played on a seed that no episode with messages on has.
        seed=pl.when(replicate=5).then(10**6).otherwise("seed"),
    )  # fmt: skip
    copied.write("episodes", pl.concat([talk, placebo]), "talk--b00")
    sides = sides_of(copied, "q1", {**question, "claims": claims}, "promiser")
    assert sides == {
        "messages on": ON,
        "messages off": OFF,
        "open of talk": ON,
        "placebo of talk": [f"filler--promiser_r{k}" for k in range(5)],
    }


def spelled(model, *, scripted):
    return f"[{model}, scripted]" if scripted else model


def publish(copied, played, **changed):
    """The summary made anew of these tables, some of them changed."""
    frames = {name: played.warehouse.read(name) for name in READS} | changed
    made = built(frames, rows_of=partial(rows_of, played.warehouse), mirrors=played.configs.mirrors)
    copied.write_report("summary.json", summary_text(made))
    return made["questions"]["q1"]


def test_a_walk_is_the_same_however_a_scripted_agent_is_labelled_in_the_sentences(played, copied, monkeypatch):
    before = trace_model(copied, "q1", "promiser")
    monkeypatch.setattr("di_assets.report.questions.asked.persuasion.claims.named", spelled)
    monkeypatch.setattr("di_assets.report.questions.asked.capturing.claims.named", spelled)
    publish(copied, played)
    walked = trace_model(copied, "q1", "promiser")
    names = [claim.name for claim in of_kind(walked, "claim")]
    assert names[0] == "[promiser, scripted] persuades"
    assert names != [claim.name for claim in of_kind(before, "claim")]
    assert [claim.steps for claim in of_kind(walked, "claim")] == [claim.steps for claim in of_kind(before, "claim")]
    assert of_kind(walked, "episodes") == of_kind(before, "episodes")


def test_a_claim_of_a_contrast_cites_its_own_arm_whatever_the_order_of_claims(played, copied):
    """Two open arms, `a` before `b`, each with a lift of its own; the claims are published the other way round."""
    contrast = {"model": "promiser", "game": "complete/pure", "contrast": "content", "formula": "open - placebo", "n_pairs": 6,
                "points_heard": 50.0, "points_unheard": 40.0, "ci_low": 5.0, "ci_high": 15.0, "ci_method": "paired t",
                "p_value": 0.03, "p_holm": 0.03, "needs": None}  # fmt: skip
    rows = [{**contrast, "arm": arm, "difference": gain} for arm, gain in (("a", 10.0), ("b", 11.0))]
    lifts = TABLES["channel_lift"].conform(pl.DataFrame(rows, schema_overrides={"needs": pl.String}))
    copied.write("channel_lift", lifts)
    question = publish(copied, played, channel_lift=lifts)
    for order in (1, -1):
        summary = read_summary(copied)
        summary["questions"]["q1"]["claims"] = question["claims"][::order]
        copied.write_report("summary.json", summary_text(summary))
        walked = trace_model(copied, "q1", "promiser")
        told = {
            next(number for number in ("+10.0", "+11.0") if number in claim.facts["sentence"]): claim.steps[0].facts[
                "row"
            ]["arm"]
            for claim in of_kind(walked, "claim")
            if "by what it says" in claim.name
        }
        assert told == {"+10.0": "a", "+11.0": "b"}


def test_a_report_whose_claims_do_not_name_their_rows_says_so_and_is_still_read(copied):
    summary = read_summary(copied)
    for claim in summary["questions"]["q1"]["claims"]:
        for new in ("model", "parts", "rows"):
            del claim[new]
    for mark in summary["questions"]["q1"]["marks"]:
        del mark["part"], mark["value"]
    copied.write_report("summary.json", summary_text(summary))
    with pytest.raises(TraceError, match="older version, whose claims do not name their rows: run `di report`"):
        trace_model(copied, "q1", "promiser")
    cited = [step.name for step in trace_episode(copied, ON[0]).steps]
    assert "figure q1: promiser, messages on" in cited
    assert any(name.startswith("claim in q2") for name in cited)
    assert not any(name.startswith("claim in q1") for name in cited)


def test_people_see_the_first_episodes_and_how_many_more(played):
    walked = trace_model(played.warehouse, "q1", "promiser")
    lines = tree(walked, first=2)
    assert len(lines) <= 40
    assert lines.count("    ... 4 more") == 2
    assert [line.split(":")[0] for line in lines if line.startswith("    episode ")] == [
        f"    episode {name}" for name in (*ON[:2], *OFF[:2])
    ]


def test_a_hash_is_cut_and_other_text_is_not():
    assert short("ab" * 32) == "ab" * 6
    assert short("promiser/500/C/1/message/1/0") == "promiser/500/C/1/message/1/0"
    assert short(None) == "—"


def test_a_step_is_one_line():
    step = Step("episodes", "messages on", {"episodes": 2, "arm": ["a"], "prompt_hash": list("wxyz"), "cost_usd": None})
    assert line_of(step) == "episodes messages on: episodes 2, arm a, prompt_hash (4 values)"
    cited = [Step("cited by", "quote in q1", {"event_id": event}) for event in (3, None)]
    assert [line_of(one) for one in cited] == ["cited by quote in q1 (event #3)", "cited by quote in q1"]


def test_a_walk_is_json_to_its_end(played):
    walked = trace_model(played.warehouse, "q1", "promiser")
    assert json.loads(json.dumps(asdict(walked), allow_nan=False))["steps"][-1]["steps"][-1]["name"] == OFF[-1]
