"""A question is declared once: what everybody else knows of it follows from its record."""

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest

from di_assets.measures.intervals import Interval
from di_assets.report.questions.asked.network.claims import NETWORK
from di_assets.report.questions.part import part_of
from di_assets.report.questions.registry import QUESTIONS
from di_assets.report.questions.scope import scope_of
from di_assets.report.questions.statement import EVERYBODY, Evidence, Rows, judge
from di_assets.report.schema import schema
from tests.conftest import ROOT
from tests.report.declared.dummy import QUESTION as DUMMY
from tests.report.test_figures import assert_labelled
from tests.report.worlds import MIRRORS, asked, episode, rows_in, world

HERE = Path(__file__).parent / "declared"
RUN = """
import sys
from di_assets.report.questions import asked

asked.__path__.append(sys.argv[1])
from tests.report.declared.seen import show

show(*sys.argv[2:])
"""


@pytest.fixture(scope="module")
def seen(played, tmp_path_factory):
    """Where the dummy question is seen, in a process whose folder of questions holds its file."""
    folder, warehouse = tmp_path_factory.mktemp("questions"), tmp_path_factory.mktemp("seen")
    shutil.copy(HERE / "dummy.py", folder)
    for kind in ("tables", "report"):
        shutil.copytree(played.warehouse.root / kind, warehouse / kind)
    run = [sys.executable, "-c", RUN, str(folder), str(warehouse), str(played.configs.root)]
    done = subprocess.run(run, cwd=ROOT, env={"PYTHONPATH": str(ROOT), "PATH": ""}, capture_output=True, text=True, check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_a_question_of_one_file_is_in_the_summary_and_required_by_its_schema(seen):
    assert seen["required"] == [*QUESTIONS, "q9"]
    assert seen["summary"]["question"] == "Is anybody given anything?"
    assert seen["summary"]["dots"] == len(seen["summary"]["marks"]) == 12
    assert {claim["name"] for claim in seen["summary"]["claims"]} == {
        "con_artist is given something",
        "promiser is given something",
    }


def test_a_question_of_one_file_has_a_figure_an_asset_and_a_check(seen):
    assert "<title>Dots (scripted agents)</title>" in seen["figure"]
    assert seen["assets"]["q9"] == ["summary"]
    assert "seat_measures" in seen["assets"]["summary"]
    assert "q9_is_fresh" in seen["checks"]


def test_its_marks_tell_what_every_figure_has_to(seen):
    figure = DUMMY.figure(seen["summary"])
    for svg in (figure.wide, figure.narrow):
        assert_labelled(svg)


def test_a_question_of_one_file_has_a_page_and_a_file_of_the_site(seen):
    assert seen["pages"] == [*QUESTIONS, "q9"]
    assert {"q9.html", "downloads/q9.svg", "downloads/q9.csv"} <= set(seen["files"])
    for told in ("Question 9", "Is anybody given anything?", "Every point is backed by a transcript", "Besides", "Counted.",
                 "promiser is given something", "downloads/model_points.csv"):  # fmt: skip
        assert told in seen["html"]
    assert "<title>Question 9" in seen["html"]


def test_a_question_of_one_file_is_walked_back_and_cited(seen):
    (claim, side) = seen["walk"]
    assert claim[:2] == ["claim", "promiser is given something"]
    assert claim[2][0].startswith("model_points ")
    assert side == ["episodes", "dots", [f"talk--promiser_r{k}" for k in range(6)]]
    assert "figure q9: promiser, dots" in seen["cited"]
    assert any(told.startswith("claim in q9") for told in seen["cited"])


def test_a_question_is_given_only_the_tables_that_it_says_it_reads():
    frames = world([episode(seed=seed) for seed in range(3)])
    with pytest.raises(KeyError, match="seat_measures"):
        part_of(replace(DUMMY, reads={}), scope_of(frames, mirrors=MIRRORS), frames, rows_of=rows_in(frames))


def test_a_claim_judged_by_what_a_question_does_not_declare_is_refused(monkeypatch):
    frames = world([episode(seed=seed) for seed in range(3)])
    strange = replace(QUESTIONS["q2"], statements=())
    with pytest.raises(ValueError, match="q2 does not declare what 'm: there is more than pay-back' was judged by"):
        part_of(strange, scope_of(frames, mirrors=MIRRORS), frames, rows_of=rows_in(frames))


def test_a_claim_with_an_estimate_that_names_nothing_behind_it_is_refused():
    frames = world([episode(seed=seed, payback=0.5 + seed / 100) for seed in range(6)])
    scope, question = scope_of(frames, mirrors=MIRRORS), QUESTIONS["q4"]
    answer = question.answer(scope, frames)
    alone = judge(NETWORK, Evidence(EVERYBODY, 0.3, Interval(0.1, 0.5, "t", 10)))
    with pytest.raises(ValueError, match=r"q4: .* names neither rows nor episodes behind its estimate"):
        part_of(
            replace(question, statements=(NETWORK,), answer=lambda *_: replace(answer, claims=[alone])),
            scope,
            frames,
            rows_of=rows_in(frames),
        )


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"name": "second"}, "named q and its number, not 'second'"),
        ({"reads": {"nothing": ()}}, "q9: no table nothing"),
        ({"reads": {"lift": ("gone", "model")}}, "q9: table lift has no column gone"),
        ({"tables": ("gone", "lift")}, "q9: no table gone"),
    ],
)
def test_a_declaration_that_cannot_be_is_refused_when_it_is_loaded(given, words):
    with pytest.raises(ValueError, match=words):
        replace(DUMMY, **given)


def test_a_claim_cannot_name_rows_that_no_table_has():
    with pytest.raises(ValueError, match="lift has no column colour"):
        Rows("lift", {"model": "m", "colour": "red"})
    with pytest.raises(KeyError, match="lifts"):
        Rows("lifts", {"model": "m"})


@pytest.mark.parametrize("name", QUESTIONS)
def test_the_schema_refuses_what_no_type_declares_and_misses_what_one_does(name):
    question = asked(world([episode(seed=seed) for seed in range(6)]), name)
    only = {**schema(), "$ref": f"#/$defs/{QUESTIONS[name].published.__name__}"}
    for outer in ("type", "required", "properties", "additionalProperties"):
        only.pop(outer)
    jsonschema.validate(question, only)
    without = {key: value for key, value in question.items() if key != "headline"}
    for broken in (without, {**question, "more": 1}, {**question, "claims": [{"status": "true"}]}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(broken, only)
