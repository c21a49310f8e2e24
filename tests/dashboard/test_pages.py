"""Every page against an empty, a one-episode and a full warehouse, without a browser."""

import re
import shutil
from html import escape
from io import BytesIO
from urllib.parse import unquote

import polars as pl
import pytest
from streamlit.testing.v1 import AppTest

from dashboard import question
from dashboard.question import QUESTIONS
from dashboard.untrusted import MOST_CHARS, reader_link, safe
from di_assets.report.reading import flat, matching, measure_of, read_summary, text_of
from di_assets.report.summary import READS, build_summary, summary_text
from di_assets.tables import TABLES, Warehouse
from tests.conftest import ROOT
from tests.dashboard.conftest import HOSTILE

PAGE = """
import os, sys
sys.path.insert(0, {root!r})
from dashboard import {module}
{call}
"""
LINKED = "talk--promiser_r0"


@pytest.fixture
def open_page(warehouses, small_configs, monkeypatch):
    def opened(page, size, /, *, configs=small_configs.root, **query):
        monkeypatch.setenv("DI_WAREHOUSE", str(warehouses[size].root if isinstance(size, str) else size.root))
        monkeypatch.setenv("DI_CONFIGS", str(configs))
        spec = next((k for k, one in enumerate(QUESTIONS) if one.name == page), None)
        module = page if spec is None else "question"
        call = f"{module}.show()" if spec is None else f"question.show(question.QUESTIONS[{spec}])"
        at = AppTest.from_string(PAGE.format(root=str(ROOT), module=module, call=call), default_timeout=30)
        for name, value in query.items():
            at.query_params[name] = value
        at.run()
        assert not at.exception, at.exception
        return "\n".join(element.proto.body for element in at.get("html"))

    return opened


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
    settings = {"title": "T", "subtitle": "s", "status": "draft"}
    tables = {table: TABLES[table].empty() for table in READS}
    summary = build_summary(tables, mirrors={}, settings=settings, commit="c", generated="2026-01-01")
    empty.write_report("summary.json", summary_text(summary))
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
    made = question.frame_of(rows)
    assert made.height == len(rows)
    assert pl.read_csv(question.csv_of(lambda: made)().encode()).height == len(rows)
    assert pl.read_parquet(BytesIO(question.parquet_of(lambda: made)())).equals(made)


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


def test_models_can_be_hidden_to_judge_blind(open_page):
    assert "promiser (scripted)" in open_page("transcript", "full", episode=LINKED)


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


def cells(html, label):
    """Rows of the table in the box of this name, each as the text of its cells."""
    (table,) = [
        part.split("</table>")[0] for part in html.split("<div class='scroll' ") if f"aria-label='{label}'" in part
    ]
    rows = [row.split("</td>")[:-1] for row in table.split("<tbody>")[1].split("<tr>")[1:]]
    return [[re.sub(r"<[^>]+>", " ", cell).split() for cell in row] for row in rows]


def told(html, label, *first):
    """The row that begins with these words, as one line a cell."""
    (row,) = [row for row in cells(html, label) if row[0][: len(first)] == list(first)]
    return [" ".join(cell) for cell in row]


def test_arms_are_listed_before_anything_is_played(open_page, paid):
    html = open_page("arms", "empty", configs=paid.configs.root)
    assert "6 arms" in html
    assert told(html, "arms", "Later")[1:] == [
        "3", "0", "0", "0", "0.00", "20.00", "2.67", "&lt;0.1", "—"
    ]  # fmt: skip
    assert (
        told(html, "arms", "Talk")[0]
        == "Talk talk scripted in Dagster complete/pure/msg-on lifts to within 5 points: 38 more pairs"
    )
    assert "No call has been made yet" in html
    assert "…" not in html


def test_where_no_arm_is_configured_the_page_says_so(open_page, tmp_path):
    assert "No arm is configured" in open_page("arms", "full", configs=tmp_path)


def test_arms_of_scripted_agents_are_called_scripted(open_page):
    html = open_page("arms", "full")
    first = [" ".join(row[0]) for row in cells(html, "arms")]
    assert first[0] == "Loop loop scripted in Dagster ring/pure/msg-on"
    assert first[1].startswith("Mute mute scripted in Dagster complete/pure/msg-off its lifts are to within 5 points")
    assert first[2].startswith("Talk talk scripted in Dagster complete/pure/msg-on its lifts are to within 5 points")
    where = "http://127.0.0.1:3000/assets/episodes?view=partitions&amp;partition=talk--b00"
    assert f"<a href='{where}' aria-label='talk in Dagster'>" in html
    assert told(html, "arms", "Talk")[1:] == ["12", "12", "0", "0", "0.00", "—", "0.00", "0.0", "—"]
    assert all(row[0][1:] == ["scripted"] for row in cells(html, "how calls ended"))


def test_failed_and_stopped_episodes_are_links_to_them(open_page, paid, monkeypatch):
    monkeypatch.setenv("DI_DAGSTER", "http://127.0.0.1:9/")
    html = open_page("arms", paid.warehouse, configs=paid.configs.root)
    assert told(html, "arms", "Asked")[1:6] == ["4", "0", "2", "0", "0.00"]
    nightly = told(html, "arms", "Asked")[-1]
    assert re.fullmatch(r"0 1 \* \* \* \(UTC\) next \w{3} [\d-]+ 01:00 UTC .*--b00 : 4 episodes, \$[\d.]+", nightly), (
        nightly
    )
    where = "http://127.0.0.1:9/assets/episodes?view=partitions&amp;partition=asked%20o%27er--b00"
    assert f"<a href='{where}'>" in html
    assert (
        "<a href='episodes?arm=asked%20o%27er&amp;status=failed' target='_self' aria-label='2 failed: asked o&#x27;er'>2</a>"
        in html
    )
    assert (
        "<a href='episodes?arm=barred&amp;status=stopped' target='_self' aria-label='1 stopped: barred'>1</a>" in html
    )


def test_every_way_that_calls_ended_is_a_row(open_page, paid):
    html = open_page("arms", paid.warehouse, configs=paid.configs.root)
    assert [[" ".join(cell) for cell in row] for row in cells(html, "how calls ended") if row[0] == ["gone"]] == [
        ["gone", "reply", "ok", "2", "28.6%"],
        ["gone", "invalid reply", "refusal", "1", "14.3%"],
        ["gone", "invalid reply", "truncated", "1", "14.3%"],
        ["gone", "fault", "connection", "2", "28.6%"],
        ["gone", "fault", "interrupted", "1", "14.3%"],
        ["gone", "fault, retried", "rate_limit", "1", "—"],
        ["gone", "fault, retried", "timeout", "1", "—"],
    ]
    assert told(html, "how calls ended", "loyal") == ["loyal scripted", "reply", "ok", "3", "100.0%"]


def test_what_configuration_says_is_shown_as_text(open_page, paid):
    html = open_page("arms", paid.warehouse, configs=paid.configs.root)
    assert "Asked &lt;b&gt;&amp;&lt;/b&gt; <code class='di-chip'>U+202E</code>unanswered" in html
    assert "<b>" not in html
    assert "\u202e" not in html


def test_why_an_episode_failed_is_shown_as_text(open_page, paid):
    html = open_page("episodes", paid.warehouse, status="failed")
    assert html.count("&lt;script&gt;") == 2
    assert "<script" not in html
    assert "\u202e" not in html


@pytest.mark.parametrize(
    ("file", "said"),
    [
        (None, "no such folder"),
        ("title: <i>Wrong</i>\nid: x\n", "gives every episode the same id"),
        ("<i>\n", "expected keys and values"),
    ],
)
def test_wrong_configuration_is_said_in_one_line(open_page, tmp_path, file, said):
    folder = tmp_path / "config<i>s"
    if file is not None:
        folder.mkdir()
        (folder / "wrong.yaml").write_text(file)
    html = open_page("arms", "full", configs=folder)
    (alert,) = re.findall(r"<p role='alert'[^>]*>(.*?)</p>", html)
    assert said in alert
    assert "config&lt;i&gt;s" in alert
    assert "<i>" not in html
    assert cells(html, "how calls ended")


def test_arms_are_counted_where_prompts_are_missing(open_page, tmp_path, paid):
    for path in paid.configs.root.glob("*.yaml"):
        shutil.copy(path, tmp_path)
    html = open_page("arms", paid.warehouse, configs=tmp_path)
    assert "prompts: no file system.md.j2" in html
    assert told(html, "arms", "Later")[1:] == ["3", "0", "0", "0", "0.00", "20.00", "—", "—", "—"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a<b>&\"'", "a&lt;b&gt;&amp;&quot;&#x27;"),
        ("line\n\tend", "line\n\tend"),
        ("\x00\x1b", "<code class='di-chip'>U+0000</code><code class='di-chip'>U+001B</code>"),
        ("\U000e0041", "<code class='di-chip'>U+E0041</code>"),
        ("héllo 你好 مرحبا", "héllo 你好 مرحبا"),
    ],
)
def test_untrusted_text_is_made_safe(text, shown):
    assert safe(text) == shown


def test_long_text_is_cut_with_a_count():
    assert "… 7 more characters" in safe("x" * (MOST_CHARS + 7))


def test_addresses_are_escaped():
    assert reader_link("a b&c'd", 3) == "transcript?episode=a%20b%26c%27d&amp;event=3"


def test_missing_values_are_dashes_and_truth_is_yes_or_no():
    assert [measure_of(value) for value in (-6.94e-18, 1 / 3, 4, None)] == ["0", "0.333", "4", "—"]
    assert flat({"a": [{"m": "x", "n": 1}, {"m": "y", "n": None}]}) == [("a", "m: x, n: 1\nm: y, n: —")]
    assert flat({"a": {"b": None, "c": 0.123456}, "d": True}) == [("a.b", "—"), ("a.c", "0.123"), ("d", "yes")]
    assert text_of([1.0, None]) == "[1, —]"


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
