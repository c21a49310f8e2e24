"""Every page against an empty, a one-episode and a full warehouse, without a browser."""

import re
import shutil
from html import escape
from io import BytesIO
from urllib.parse import unquote

import polars as pl
import pytest
from streamlit.testing.v1 import AppTest

from dashboard.sections import downloads
from dashboard.sections.question import QUESTIONS
from dashboard.untrusted import safe
from di_assets.report.published import matching, read_summary
from di_assets.report.summary import summary_text
from di_assets.tables import Warehouse
from tests.conftest import ROOT
from tests.dashboard.conftest import HOSTILE, cells
from tests.report.worlds import built, nothing

LINKED = "talk--promiser_r0"


def test_the_whole_app_runs(warehouses, monkeypatch):
    monkeypatch.setenv("DI_WAREHOUSE", str(warehouses["full"].root))
    at = AppTest.from_file(str(ROOT / "dashboard" / "pages.py"), default_timeout=30).run()
    assert not at.exception
    assert any("Can models persuade" in e.proto.body for e in at.get("html"))


@pytest.mark.parametrize("size", ["empty", "one", "full"])
@pytest.mark.parametrize(
    "page", [*(spec.name for spec in QUESTIONS), "transcript", "episodes", "arms", "compare", "lineage"]
)
def test_no_page_is_ever_empty_or_broken(open_page, page, size):
    assert len(open_page(page, size)) > 60


def test_question_1_holds_every_part_of_a_question_page(open_page):
    html = open_page("q1", "full")
    for part in (
        "generated",
        "24 episodes",
        "draft",
        "Question 1",
        "points per episode",
        "one point = one pull",
        "Reading",
        "view in reader",
        "Statistics",
        "net_capture.value",
        "Episodes",
        "Downloads",
    ):
        assert part in html, part
    assert html.count("transcript?episode=") >= 25
    assert "scripted agents, not language models" in html


PARTS = {
    "q2": ("Is it persuasion or pay-back?", "kinds of pull", "promiser: there is more than pay-back"),
    "q3": ("Who captures whom?", "Pulls a round", "promiser (scripted) captures more"),
    "q4": ("Does the network matter?", "cascades", "the ring has more cascades"),
    "q5": ("Do promises hold?", "promises", "keeps promises beyond chance"),
}


@pytest.mark.parametrize("name", PARTS)
def test_questions_2_to_5_hold_every_part_of_a_question_page(open_page, warehouses, name):
    html = open_page(name, "full")
    question = read_summary(warehouses["full"])["questions"][name]
    asks, _, claimed = PARTS[name]
    for part in (asks, "24 episodes", f"Question {name[1]}", "scripted agents, not language models", "Evidence links", "Reading", "Claims",
                 "Statistics", f"summary.questions.{name} as stored", "Episodes", "sorted by condition then id", "Downloads"):  # fmt: skip
        assert part in html, part
    assert escape(question["headline"]) in html
    assert escape(question["caption"]) in html
    for paragraph in question["reading"]:
        assert escape(paragraph) in html
    assert claimed.split(":")[0].split(" ")[0] in html
    quote = question["quote"]
    assert f"href='transcript?episode={quote['episode_id']}&amp;event={quote['event_id']}'" in html


@pytest.mark.parametrize("name", PARTS)
def test_a_question_without_episodes_shows_the_same_page_with_what_it_needs(open_page, tmp_path, name):
    empty = Warehouse(tmp_path)
    empty.write_report("summary.json", summary_text(built(nothing(), mirrors={})))
    html = open_page(name, empty)
    for part in (PARTS[name][0], "Still missing: ", "04_attack_complete", "Statistics", "Downloads"):
        assert part in html, part


@pytest.mark.parametrize("name", [spec.name for spec in QUESTIONS])
def test_every_link_of_a_question_page_leads_to_an_episode_and_an_event_that_are_there(open_page, warehouses, name):
    stored = {row["episode_id"]: 0 for row in warehouses["full"].read("episodes").iter_rows(named=True)}
    for table in ("messages", "pulls"):
        for key, event in warehouses["full"].scan(table).select("episode_id", "event_id").collect().iter_rows():
            stored[key] = max(stored[key], event)
    found = re.findall(r"href='transcript\?episode=([^'&]+)(?:&amp;event=(\d+))?'", open_page(name, "full"))
    assert len(found) >= 24
    for key, event in found:
        assert int(event or 0) <= stored[unquote(key)]


@pytest.mark.parametrize("name", PARTS)
def test_what_a_model_wrote_is_shown_as_text_on_every_question_page(open_page, warehouses, tmp_path, name):
    hostile = Warehouse(tmp_path)
    shutil.copytree(warehouses["full"].root, hostile.root, dirs_exist_ok=True)
    summary = read_summary(hostile)
    summary["questions"][name]["quote"]["text"] = HOSTILE
    summary["questions"][name]["headline"] = HOSTILE
    hostile.write_report("summary.json", summary_text(summary))
    html = open_page(name, hostile)
    assert "&lt;script&gt;" in html
    assert "<script" not in html
    assert "<img" not in html
    assert "U+202E" in html


def test_downloads_are_made_when_asked_for_and_hold_the_table_behind_the_figure(warehouses):
    rows = read_summary(warehouses["full"])["questions"]["q3"]["rows"]
    made = downloads.frame_of(rows)
    assert made.height == len(rows)
    assert pl.read_csv(downloads.csv_of(lambda: made)().encode()).height == len(rows)
    assert pl.read_parquet(BytesIO(downloads.parquet_of(lambda: made)())).equals(made)


def test_the_walk_of_another_question_is_picked_in_the_address(open_page):
    html = open_page("lineage", "full", question="q5", model="promiser")
    assert "promiser (scripted) keeps promises beyond chance" in html
    assert "row promise_ledger lexical" in html


def test_an_empty_warehouse_says_what_to_do(open_page):
    assert "di demo" in open_page("q1", "empty")
    assert "di demo" in open_page("episodes", "empty")
    assert "di demo" in open_page("lineage", "empty")


def test_the_linked_event_is_marked(open_page):
    html = open_page("transcript", "full", episode=LINKED, event="3")
    (marked,) = [part for part in html.split("<div class='ev ") if "aria-current='true'" in part.split(">")[0]]
    assert "#3<" in marked
    assert "played by scripted agents" in html
    assert "Cited by" in html
    assert "previous event" in html
    assert "Points after round 5" in html


def test_the_walk_behind_a_number_links_every_episode_and_its_event(open_page):
    html = open_page("lineage", "full", model="promiser")
    assert "promiser (scripted) persuades" in html
    assert "row lift promiser: lift " in html
    assert [cell[0] for cell in cells(html, "episodes, messages on")[0]][:2] == [LINKED, "#1,"]
    assert f"href='transcript?episode={LINKED}&amp;event=1'" in html
    assert len(cells(html, "episodes, messages off")) == 6
    assert "played by scripted agents" in html
    assert "con_artist (scripted)" not in html


def test_a_model_in_the_address_that_is_unknown_changes_nothing_and_is_not_printed(open_page):
    html = open_page("lineage", "full", model="<i>nobody")
    assert "nobody" not in html
    assert "row lift con_artist" in html


def test_the_walk_shows_text_of_tables_as_text(open_page, warehouses, tmp_path):
    hostile = Warehouse(tmp_path)
    shutil.copytree(warehouses["full"].root, hostile.root, dirs_exist_ok=True)
    lifts = hostile.read("lift").with_columns(needs=pl.lit(HOSTILE))
    hostile.write("lift", lifts)
    episodes = hostile.read("episodes", "talk--b00").with_columns(prompt_hash=pl.lit(HOSTILE))
    hostile.write("episodes", episodes, "talk--b00")
    html = open_page("lineage", hostile, model="promiser")
    assert "&lt;script&gt;" in html
    assert "<script" not in html
    assert "<img" not in html
    assert "\u202e" not in html


def test_the_reader_says_which_claims_and_statistics_rest_on_an_episode(open_page):
    html = open_page("transcript", "full", episode=LINKED)
    cited = html.split("Cited by (")[1].split("</ul>")[0]
    assert "</a> figure q1: promiser, messages on</li>" in cited
    assert ": promiser (scripted) persuades</li>" in cited
    assert "<li>statistic q1: payback_rate</li>" in cited


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ({}, "No episode is named"),
        ({"episode": "<b>nope</b>"}, "There is no episode <span class='text'>&lt;b&gt;nope"),
        ({"episode": LINKED, "event": "99999"}, "has no event"),
        ({"episode": LINKED, "event": "-1"}, "has no event"),
        ({"episode": LINKED, "event": "٣"}, "has no event"),
        ({"episode": LINKED, "event": "<i>"}, "has no event"),
    ],
)
def test_a_wrong_address_gets_a_plain_word(open_page, query, told):
    html = open_page("transcript", "full", **query)
    assert told in html
    assert "<i>" not in html
    assert "<b>nope" not in html


def test_two_arms_are_compared_down_to_the_pair_of_transcripts(open_page):
    html = open_page(
        "compare", "full", left_arm="talk", right_arm="mute", left_model="promiser", right_model="promiser"
    )
    assert "promiser in talk" in html
    assert "6 matched seeds" in html
    assert "channel: open against none" in html
    assert "played by scripted agents" in html
    [link] = re.findall(r"href='compare\?([^']*right=mute--promiser_r3)'", html)
    left, right = (part.split("=")[1] for part in link.split("&amp;"))
    pair = open_page("compare", "full", left=left, right=right)
    assert "A matched pair: the same seed, seats, letters and rivals." in pair
    assert pair.count("<h3>Round ") == 5
    for episode, event in (("talk--promiser_r3", 0), ("mute--promiser_r3", 0)):
        assert f"href='transcript?episode={episode}&amp;event={event}'" in pair
    [first] = re.findall(r"first in <a href='compare[^']*round=(\d+)'", pair)
    apart = open_page("compare", "full", left=left, right=right, round=first)
    assert apart.count("<h3>Round ") == 1
    assert "other pulls by" in apart


def test_sides_that_cannot_be_compared_and_episodes_that_are_not_there_are_told_in_words(open_page):
    assert "Both sides are the same" in open_page("compare", "full", left_arm="talk", right_arm="talk")
    html = open_page("compare", "full", left="talk--promiser_r0", right="<b>nowhere")
    assert "There is no episode <span class='text'>&lt;b&gt;nowhere</span> here." in html


def test_what_a_model_wrote_is_shown_as_text_side_by_side(open_page):
    html = open_page("compare", "full", left=LINKED, right="mute--promiser_r0")
    assert safe(HOSTILE) in html
    assert "<script" not in html
    assert "<img" not in html


def test_hostile_text_is_shown_as_text(open_page):
    html = open_page("transcript", "full", episode=LINKED, event="1")
    assert "&lt;script&gt;" in html
    assert "<script" not in html
    assert "<img" not in html
    for chip in ("U+202E", "U+202C", "U+200B"):
        assert f">{chip}<" in html
    assert "\u202e" not in html
    assert "\u0301" * 4 not in html


def test_episodes_are_searched_by_words_of_their_id_and_put_in_order(open_page):
    found = open_page("episodes", "full", q="PROMISER r1")
    assert "2 episodes" in found
    assert re.findall(r">(\w+--promiser_r\d+)</a>", found) == ["mute--promiser_r1", "talk--promiser_r1"]
    ids = re.findall(r">(\w+--\w+_r\d+)</a>", open_page("episodes", "full", by="condition", falling="true", arm="talk"))
    assert len(ids) == 12
    nothing = open_page("episodes", "full", q="nobody <script>")
    assert "None is like that" in nothing
    assert "<script>" not in nothing


def test_episodes_without_a_value_come_last_in_either_order():
    frame = pl.DataFrame({"episode_id": ["a", "b", "c"], "failure": ["x", None, "y"]})
    assert matching(frame, {}, words="", by="failure", falling=False)["episode_id"].to_list() == ["a", "c", "b"]
    assert matching(frame, {}, words="", by="failure", falling=True)["episode_id"].to_list() == ["c", "a", "b"]
    assert matching(frame, {"failure": "y"}, words="", by="episode_id", falling=False)["episode_id"].to_list() == ["c"]
