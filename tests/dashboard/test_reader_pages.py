"""The reader without a browser: what it says of an episode, blind, as a seat saw it, and of hostile text."""

import re
from dataclasses import replace
from html import escape

import pytest
from streamlit.testing.v1 import AppTest

from dashboard import untrusted
from dashboard.sections.measured import measured_section
from dashboard.sections.view import code_of
from dashboard.untrusted import MOST_CHARS, MOST_CHIPS, hidden, name_of, reader_link, safe
from di_assets.measures.declared import MEASURES
from di_assets.report.published import measure_of
from di_assets.report.reader.measured import read_measured
from di_assets.report.reader.transcript import read_transcript
from tests.conftest import ROOT
from tests.dashboard.conftest import PREY, cells
from tests.dashboard.corpus import CORPUS, HOME

PAGE = """
import sys
sys.path.insert(0, {root!r})
from dashboard import transcript
transcript.show()
"""
LINKED = "talk--promiser_r0"
# Every element and attribute that the reader itself writes; whatever else is in a page came in with a text.
WRITTEN = {"div", "p", "h2", "h3", "span", "b", "small", "a", "nav", "kbd", "code", "em", "details", "summary", "table", "thead",
           "tbody", "tr", "th", "td", "ul", "li"}  # fmt: skip
ATTRIBUTES = {"class", "href", "target", "role", "aria-label", "aria-current", "tabindex", "dir", "scope"}


@pytest.fixture
def reader(monkeypatch):
    def opened(warehouse, configs, **query):
        monkeypatch.setenv("DI_WAREHOUSE", str(warehouse.root))
        monkeypatch.setenv("DI_CONFIGS", str(configs.root))
        at = AppTest.from_string(PAGE.format(root=str(ROOT)), default_timeout=30)
        for name, value in query.items():
            at.query_params[name] = value
        at.run()
        assert not at.exception, at.exception
        return at

    return opened


@pytest.fixture
def html_of(reader):
    return lambda *where, **query: "\n".join(e.proto.body for e in reader(*where, **query).get("html"))


@pytest.fixture
def modelled(html_of, spoken):
    return lambda episode, **query: html_of(spoken[1], spoken[0], episode=episode, **query)


@pytest.fixture
def scripted(html_of, warehouses, small_configs):
    return lambda **query: html_of(warehouses["full"], small_configs, episode=LINKED, **query)


def events(html):
    """Number -> HTML of every event that is shown."""
    parts = html.split("<div class='ev ")[1:]
    return {int(re.search(r">#(\d+)<", part)[1]): part.split("<p class='score'>")[0] for part in parts}


def test_every_event_has_an_address_that_keeps_the_filters(scripted):
    html = scripted(kind="message", seat="E", q="pull")
    for number, part in events(html).items():
        assert f"href='{escape(reader_link(LINKED, number, kind='message', seat='E', q='pull'))}'" in part
    assert events(html)
    assert len(events(html)) < len(events(scripted()))


def test_a_pull_leads_to_what_asked_for_it_and_back(scripted):
    shown = events(scripted())
    asked = {n: re.findall(r"asked for in (.*?)(?: ·|</span>)", part) for n, part in shown.items()}
    pairs = [(n, int(m)) for n, told in asked.items() for m in re.findall(r"#(\d+)", "".join(told))]
    assert pairs
    for pull, message in pairs:
        assert "pulls for" in shown[pull]
        assert re.search(rf"brought .*#{pull}<", shown[message])


def test_a_filter_that_hides_the_linked_event_says_so_and_links_the_way_out(scripted):
    html = scripted(event="1", kind="pull")
    assert "A filter hides the linked event #1" in html
    assert f"<a href='{escape(reader_link(LINKED, 1))}' target='_self'>show it</a>" in html
    assert "A filter hides" not in scripted(event="1", kind="message")


@pytest.mark.parametrize("query", [{"round": "99"}, {"view": "<b>Z"}, {"seat": "zz"}, {"kind": "x"}])
def test_a_filter_that_is_none_shows_everything(scripted, query):
    assert events(scripted(**query)).keys() == events(scripted()).keys()


MODELS = ("promiser", "con_artist", "gullible", "tit_for_tat", "bandwagon", "rule_breaker")


def everything(at):
    """All that a run of the reader sends to a browser, and the address that it leaves there."""
    sent = [str(element.proto) for element in at.main if hasattr(element, "proto")]
    return "\n".join([*sent, str(dict(at.query_params))])


def named(at):
    """The episode in the address."""
    value = at.query_params["episode"]
    return value if isinstance(value, str) else value[0]


@pytest.mark.parametrize(
    "query", [{}, {"event": "1"}, {"event": "20"}, {"view": "A", "event": "20"}, {"kind": "pull", "event": "1"}]
)
def test_blind_no_model_is_named_anywhere(reader, warehouses, small_configs, query):
    named = everything(reader(warehouses["full"], small_configs, episode=LINKED, **query))
    assert "promiser" in named
    blind = everything(reader(warehouses["full"], small_configs, episode=LINKED, blind="true", **query))
    assert "An episode, judged blind" in blind
    assert "next episode" in blind
    assert [name for name in MODELS if name in blind] == []


def test_what_was_measured_of_each_seat_stands_below_the_events(scripted, warehouses):
    full = warehouses["full"]
    letters = full.read("seats", "talk--b00").select("episode_id", "seat", "label")
    rows = full.read("seat_measures", "talk--b00").filter(episode_id=LINKED).join(letters, on=["episode_id", "seat"])
    measured = rows.sort("label").select("label", "floor_points", "capture").rows()
    wanted = [[label, measure_of(floor), measure_of(capture)] for label, floor, capture in measured]
    html = scripted()
    assert [[words[0] for words in row] for row in cells(html, "seat_measures")] == wanted
    assert "capture: mean net capture over the others, in [-1, 1]." in html
    assert "floor points" not in scripted(view="A")


def test_blind_a_measure_loses_its_columns_of_text(warehouses):
    found = read_transcript(warehouses["full"], LINKED)
    [one] = read_measured(warehouses["full"], found)
    of = {column.name: column for column in MEASURES["seat_measures"].table.columns}
    named = replace(one, columns=[of["seat"], of["model"], of["points"]], rows=[["A", "promiser", 3]])
    [shown], [blind] = measured_section([named]), measured_section([named], blind=True)
    assert (shown.of.columns, shown.of.rows) == (
        {"seat": False, "model": False, "points": True},
        [["A", "promiser", "3"]],
    )
    assert (blind.of.columns, blind.of.rows) == ({"seat": False, "points": True}, [["A", "3"]])
    assert blind.meanings == [("points", "pulls received")]


def test_blind_calls_and_what_names_a_provider_are_hidden(modelled):
    html = modelled("placebo--o_r0", event="1", blind="true")
    assert "placebo--o_r0" not in html
    assert "Its calls are hidden: they name the model." in html
    assert not re.search(r"\b(openai|anthropic)\b", html)


def test_blind_why_an_episode_failed_is_hidden(html_of, paid):
    html = html_of(paid.warehouse, paid.configs, episode="asked--gone_r0", blind="true")
    assert "failed: why is hidden, for it may name a model" in html
    assert "gone" not in html
    assert "pwned" not in html


def test_the_address_of_who_judges_blind_has_a_code_that_opens_the_episode(reader, warehouses, small_configs):
    at = reader(warehouses["full"], small_configs, episode=LINKED, event="3", blind="true")
    code = code_of(LINKED)
    assert named(at) == code
    again = reader(warehouses["full"], small_configs, episode=code, event="3", blind="true")
    assert everything(again) == everything(at)
    seen = reader(warehouses["full"], small_configs, episode=code, event="3")
    assert named(seen) == LINKED


def test_what_is_scripted_is_labelled_so(scripted, modelled):
    html = scripted()
    assert html.count("(scripted)") >= len(events(html))
    assert "played by scripted agents" in html
    mixed = modelled("own--o_r0")
    assert "scripted agents play among the models" in mixed
    assert "promiser (scripted)" in mixed
    assert "scripted" not in re.sub(r"<style>.*?</style>", "", modelled("hard--o_r0"), flags=re.DOTALL)


def test_what_arrived_stands_beside_what_was_written(modelled):
    html = modelled("placebo--o_r0")
    wrote = [part for part in events(html).values() if "class='wrote'" in part]
    assert wrote
    assert all("Pull me and I pull you" in part.split("wrote")[1] + part.split("class='wrote'")[1] for part in wrote)
    assert "arrives as filler of the same length" in html
    assert "class='wrote'" not in modelled("hard--o_r0")


@pytest.mark.parametrize(
    ("arm", "word"),
    [("focal_muted", "The focal seat may not write"), ("rivals_muted", "Only the focal seat may write")],
)
def test_who_may_write_is_said(modelled, arm, word):
    assert word in modelled(f"{arm}--o_r0")


def test_as_a_seat_saw_it_there_is_nothing_that_no_seat_sees(modelled):
    everything = modelled("hard--o_r0", event="20")
    for view in "ABCDE":
        html = modelled("hard--o_r0", event="20", view=view)
        assert f"<b>What {view} knew when #20 came about.</b>" in html
        for number, part in events(html).items():
            assert number <= 20
            assert "<small>" not in part
            assert "solicited" not in part
            assert " tok<" not in part
        assert "class='lanes'" not in html
        assert "tokens out" not in html
    assert "tokens out" in everything
    assert "solicited" in everything


def test_in_a_seats_view_the_next_event_is_the_next_that_comes_to_it(modelled):
    whole = list(events(modelled("own--o_r0", view="A")))
    passed, following = [], str(whole[0])
    while following:
        passed.append(int(following))
        html = modelled("own--o_r0", event=following, view="A")
        assert "Points" not in html  # nobody is told them here
        following = next(iter(re.findall(r"event=(\d+)[^']*' target='_self'>next event", html)), None)
    assert passed == whole


def test_a_seat_that_never_learns_of_the_linked_event_is_said_to(modelled, spoken):
    message = spoken[1].read("messages", "hard--b00").filter(episode_id="hard--o_r0").row(0, named=True)
    seats = spoken[1].read("seats", "hard--b00").filter(episode_id="hard--o_r0")["label"].to_list()
    other = next(label for n, label in enumerate(seats) if n not in (message["sender"], message["recipient"]))
    html = modelled("hard--o_r0", event=str(message["event_id"]), view=other)
    assert f"{other} never learns of the linked event" in html
    assert message["text"] not in html


def test_where_the_arm_is_not_configured_the_view_says_what_is_not_sure(html_of, spoken, small_configs):
    html = html_of(spoken[1], small_configs, episode="hard--o_r0", event="1", view="A")
    assert "Not sure: the rules of this episode are no longer configured" in html
    html = html_of(spoken[1], small_configs, episode="hard--o_r0", event="1")
    assert "The prompt cannot be made again: its arm hard is not configured." in html


def test_a_call_shows_its_prompt_its_reply_and_what_it_cost(modelled):
    html = modelled("hard--o_r0", event="20").split("Behind #20")[1]
    assert "lines as in this seat\u2019s last prompt" in html
    assert "+ Write your messages to any of" in html
    assert "its hash is the one stored when it was sent" in html
    for name in ("tokens in", "tokens out", "US dollars", "seconds", "request hash", "The whole prompt"):
        assert name in html


def test_the_calls_can_be_had_whole(reader, preyed):
    at = reader(preyed.warehouse, preyed.configs, episode="hard--o_r0", event="5")
    assert [one.proto.label for one in at.get("download_button")] == ["calls as JSON"]


def test_rounds_can_be_folded_but_for_the_linked_one(scripted):
    html = scripted(event="20", fold="true")
    assert html.count("<details class='round'>") == 4
    assert html.count("<details class='round' open>") == 1


def test_an_unfinished_episode_says_why(html_of, paid):
    html = html_of(paid.warehouse, paid.configs, episode="asked--gone_r0", event="0")
    assert "failed: &lt;script&gt;" in html
    assert "This episode has no event yet" in html
    assert "<script" not in html


def elements(html):
    """(name, attributes) of every element in a page."""
    html = re.sub(r"<style>.*?</style>", "", html, flags=re.DOTALL)
    for name, rest in re.findall(r"<([A-Za-z!/][^\s>/]*)([^>]*)>", html):
        yield name.lstrip("/"), set(re.findall(r"([A-Za-z-]+)=", re.sub(r"'[^']*'", "''", rest)))


def test_hostile_text_adds_no_element_no_attribute_and_no_address(html_of, preyed):
    last = preyed.warehouse.read("pulls", "own--b00").filter(episode_id=PREY)["event_id"].max()
    for query in ({}, {"event": "2"}, {"event": str(last)}, {"view": "A"}):
        html = html_of(preyed.warehouse, preyed.configs, episode=PREY, **query)
        found = list(elements(html))
        assert {name for name, _ in found} <= WRITTEN, query
        assert set().union(*(attributes for _, attributes in found)) <= ATTRIBUTES
        assert not re.search(r"href='(?!transcript\?|episodes')", html)
        assert not re.search(
            "[\u202a-\u202e\u2066-\u2069\u200b-\u200f\x00-\x08\x0b-\x1f\x7f-\x9f\ufeff\u2028\u2029]", html
        )
        assert len(html) < 700_000
    assert HOME in html_of(preyed.warehouse, preyed.configs, episode=PREY)


def test_a_megabyte_is_cut_before_it_is_looked_at(monkeypatch):
    looked_at, pieces = [], untrusted._pieces
    monkeypatch.setattr(untrusted, "_pieces", lambda text: looked_at.append(len(text)) or pieces(text))
    for name in ("whole megabyte", "megabyte of overrides", "megabyte of marks"):
        assert len(safe(CORPUS[name])) < 60 * MOST_CHARS
    assert looked_at == [MOST_CHARS] * 2  # the first is plain, and looked at by a pattern


@pytest.mark.parametrize("name", CORPUS)
def test_a_hostile_text_keeps_its_words_and_loses_its_teeth(name):
    text, shown = CORPUS[name], safe(CORPUS[name], most=20_000)
    assert set(re.findall(r"<(\w+)", shown)) <= {"code", "em"}
    if len(text) < 20_000 and "di-cut" not in shown:
        assert "END" in shown
    else:
        assert "more characters" in shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "<code class='di-chip'>ESC[31m</code>red<code class='di-chip'>ESC[0m</code>"),
        ("\x1b]0;t\x07", "<code class='di-chip'>ESC]0;t�</code>"),
        ("\u200b" * 3, "<code class='di-chip'>U+200B \u00d73</code>"),
        ("a" + "\u0301" * 5 + "b", "a\u0301\u0301\u0301<code class='di-chip'>marks \u00d72</code>b"),
        ("a\u3000b", "a\u3000b"),
        ("\u3164", "<code class='di-chip'>U+3164</code>"),
        ("❤\ufe0f", "❤\ufe0f"),
        ("\ufe01", "<code class='di-chip'>U+FE01</code>"),
        ("\x1b[<b>", "<code class='di-chip'>ESC[&lt;b</code>&gt;"),
        ("\x1b[<\u202e", "<code class='di-chip'>U+001B</code>[&lt;<code class='di-chip'>U+202E</code>"),
    ],
)
def test_what_hides_is_labelled(text, shown):
    assert safe(text) == shown


def test_long_lines_many_lines_and_many_chips_are_cut_with_a_count():
    assert safe("x" * 10, most=4) == "xxxx<em class='di-cut'> … 6 more characters</em>"
    assert safe("a\nb\nc\n", lines=2) == "a\nb\n<em class='di-cut'> … 2 more characters</em>"
    flood = safe("\u202e\u200b" * 1_000)
    assert flood.count("<code") == MOST_CHIPS
    assert f"… {2_000 - MOST_CHIPS:,} more characters" in flood


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("U+202E", "right-to-left override"),
        ("U+001B", "escape"),
        ("U+0000", "null"),
        ("U+E000", "control, private or unassigned character"),
        ("ESC[31m", "terminal escape sequence"),
        ("marks", "accents piled on one letter"),
    ],
)
def test_labels_have_names(label, name):
    assert name_of(label) == name


def test_hidden_characters_are_counted_as_they_are_shown(scripted):
    assert hidden("a\u200b\u200b\x1b[0m") == {"U+200B": 2, "ESC[0m": 1}
    html = scripted()
    assert "Hidden characters that are shown as labels (4)" in html
    assert "<code class='di-chip'>U+202E</code> right-to-left override, 1 time<" in html
