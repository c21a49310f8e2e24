"""Every page against an empty, a one-episode and a full warehouse, without a browser."""

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.untrusted import MOST_CHARS, reader_link, safe
from di_assets.report.reading import flat, text_of
from tests.conftest import ROOT

PAGE = """
import os, sys
sys.path.insert(0, {root!r})
from dashboard import {page}
{page}.show()
"""
LINKED = "talk--promiser_r0"


@pytest.fixture
def open_page(warehouses, monkeypatch):
    def opened(page, size, **query):
        monkeypatch.setenv("DI_WAREHOUSE", str(warehouses[size].root))
        at = AppTest.from_string(PAGE.format(root=str(ROOT), page=page), default_timeout=30)
        for name, value in query.items():
            at.query_params[name] = value
        at.run()
        assert not at.exception, at.exception
        return "\n".join(element.proto.body for element in at.get("html"))

    return opened


def test_the_whole_app_runs(warehouses, monkeypatch):
    monkeypatch.setenv("DI_WAREHOUSE", str(warehouses["full"].root))
    at = AppTest.from_file(str(ROOT / "dashboard" / "app.py"), default_timeout=30).run()
    assert not at.exception
    assert any("Can models persuade" in e.proto.body for e in at.get("html"))


@pytest.mark.parametrize("size", ["empty", "one", "full"])
@pytest.mark.parametrize("page", ["question_1", "transcript", "episodes"])
def test_no_page_is_ever_empty_or_broken(open_page, page, size):
    assert len(open_page(page, size)) > 60


def test_question_1_holds_every_part_of_a_question_page(open_page):
    html = open_page("question_1", "full")
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


def test_an_empty_warehouse_says_what_to_do(open_page):
    assert "di demo" in open_page("question_1", "empty")
    assert "di demo" in open_page("episodes", "empty")


def test_the_linked_event_is_marked(open_page):
    html = open_page("transcript", "full", episode=LINKED, event="3")
    (marked,) = [part for part in html.split("<div class='ev ") if "aria-current='true'" in part.split(">")[0]]
    assert "#3<" in marked
    assert "played by scripted agents" in html
    assert "Cited by" in html
    assert "previous event" in html
    assert "Points after round 5" in html


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


def test_hostile_text_is_shown_as_text(open_page):
    html = open_page("transcript", "full", episode=LINKED, event="1")
    assert "&lt;script&gt;" in html
    assert "<script" not in html
    assert "<img" not in html
    for chip in ("U+202E", "U+202C", "U+200B"):
        assert f">{chip}<" in html
    assert "\u202e" not in html
    assert "\u0301" * 4 not in html


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
    assert flat({"a": {"b": None, "c": 0.123456}, "d": True}) == [("a.b", "—"), ("a.c", "0.123"), ("d", "yes")]
    assert text_of([1.0, None]) == "[1, —]"
