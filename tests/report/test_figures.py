"""Figures of Questions 2 to 5: as many links as marks, each to an episode and an event that are there, names shown as text."""

import re
import xml.etree.ElementTree as ET
from functools import cache
from urllib.parse import parse_qs, urlparse

import altair as alt
import pytest
from jsonschema import ValidationError

from di_assets.report.figures import rendering
from di_assets.report.figures.colours import DARK, LIGHT
from di_assets.report.figures.rendering import png
from di_assets.report.figures.sheet import CHARACTER, Scale, broken
from di_assets.report.published import read_summary
from di_assets.report.questions.registry import QUESTIONS
from tests.report.worlds import asked, episode, null, world

SVG = "{http://www.w3.org/2000/svg}"
# A legend's and a note's word for what an empty figure waits for.
EMPTY = {
    "q2": "no pull with messages on yet",
    "q3": "no capture yet",
    "q4": "needs 03_credit_smoke_ring",
    "q5": "no promise kept or broken yet",
}


def links(svg):
    return list(ET.fromstring(svg).iter(f"{SVG}a"))


def texts(svg):
    return " ".join(text.text or "" for text in ET.fromstring(svg).iter(f"{SVG}text"))


def addresses(summary, name):
    """What a figure of the question has to link: its marks that are drawn, and the squares of a heat map."""
    question = summary["questions"][name]
    marks = [mark for mark in question["marks"] if "value" not in mark or mark["value"] is not None]
    squares = [row for row in question.get("rows", []) if row.get("what") == "pulls a round"]
    return sorted((one["episode_id"], one["event_id"]) for one in [*marks, *squares])


@pytest.fixture(scope="module")
def published(played):
    return read_summary(played.warehouse)


@pytest.fixture(scope="module")
def drawn(published):
    """Figures of what is published, each drawn once."""
    return cache(lambda name: QUESTIONS[name].figure(published["questions"][name]))


@pytest.mark.parametrize("name", QUESTIONS)
def test_every_mark_is_a_link_with_a_name_to_an_event_that_is_there(played, published, drawn, name):
    """The dead-link test: wide and narrow, on every page."""
    stored = played.warehouse.scan("pulls").select("episode_id", "event_id").collect()
    said = played.warehouse.scan("messages").select("episode_id", "event_id").collect()
    events = set(stored.iter_rows()) | set(said.iter_rows())
    figure = drawn(name)
    wanted = addresses(published, name)
    assert wanted
    for svg in (figure.wide, figure.narrow):
        found = []
        for a in links(svg):
            query = parse_qs(urlparse(a.get("href")).query)
            found.append((query["episode"][0], int(query["event"][0])))
            assert found[-1] in events
            assert found[-1][0] in a.get("aria-label")
            assert a.get("target") == "_self"
        assert sorted(found) == wanted
    assert not links(figure.download)


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_label_tells_the_value_and_its_interval(drawn, name):
    assert_labelled(drawn(name).wide)


def assert_labelled(svg):
    """Every mark tells its value, and one at least an interval."""
    labels = [a.get("aria-label") for a in links(svg)]
    assert labels
    assert all(re.search(r"\d", label.rpartition(": open episode")[0]) for label in labels)
    assert any("95% CI [" in label for label in labels)


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_figure_keeps_to_the_schema_of_its_grammar(published, name, monkeypatch):
    charts, specified = [], rendering.specified
    monkeypatch.setattr(rendering, "specified", lambda sheet: charts.append(made := specified(sheet)) or made)
    QUESTIONS[name].figure(published["questions"][name])
    assert len(charts) == 2
    for made in charts:
        alt.LayerChart.from_dict(made)
    charts[0]["layer"][0]["mark"]["type"] = "blob"
    with pytest.raises(ValidationError):
        alt.LayerChart.from_dict(charts[0])


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_figure_is_the_same_every_time_and_asks_no_server(published, drawn, name):
    figure = drawn(name)
    assert QUESTIONS[name].figure(published["questions"][name]) == figure
    assert "http" not in figure.download.replace("http://www.w3.org/", "")
    assert png(figure.download).startswith(b"\x89PNG")


@pytest.mark.parametrize("name", QUESTIONS)
def test_colours_follow_the_theme_on_the_page_and_are_plain_in_the_download(drawn, name):
    figure = drawn(name)
    for svg in (figure.wide, figure.narrow):
        used = {e.get(k) for e in ET.fromstring(svg).iter() for k in ("fill", "stroke")}
        assert not used & set(LIGHT.values())
    assert "light-dark" not in figure.download
    assert len(set(LIGHT.values())) == len(LIGHT)
    assert set(DARK) == set(LIGHT)


def test_a_models_mean_capture_is_a_tick_at_its_place():
    given = {"m": (0.1, 0.2, 0.3), "n": (0.2, 0.3, 0.4)}
    episodes = [episode(m, seed=k, focal_capture=one) for m, values in given.items() for k, one in enumerate(values)]
    figure = QUESTIONS["q3"].figure(asked(world(episodes), "q3"))
    thick = [one for one in ET.fromstring(figure.download).iter(f"{SVG}line") if one.get("stroke-width") == "3"]
    places = sorted(float(re.search(r"translate\(([\d.]+)", one.get("transform"))[1]) for one in thick)
    assert len(places) == 2
    assert places[0] < places[1]


@pytest.mark.parametrize("name", EMPTY)
def test_an_empty_figure_has_a_word(name):
    figure = QUESTIONS[name].figure(asked(world([]), name))
    for svg in (figure.download, figure.wide, figure.narrow):
        assert EMPTY[name] in texts(svg)
        assert not links(svg)


def test_a_hostile_name_stays_text():
    evil = '<script>alert("1")</script>&amp;'
    episodes = [episode(evil, seed=k, payback=0.5 + k / 50) for k in range(6)]
    frames = world(episodes, model_baseline=[null(evil)])
    for name in ("q2", "q3", "q4", "q5"):
        figure = QUESTIONS[name].figure(asked(frames, name))
        for svg in (figure.download, figure.wide):
            assert not list(ET.fromstring(svg).iter(f"{SVG}script"))
            assert name in {"q4", "q5"} or evil in texts(svg)


def test_a_bar_of_question_2_is_as_long_as_its_shares():
    question = asked(world([episode(seed=k, payback=0.5, solicited=0.25) for k in range(6)]), "q2")
    root = ET.fromstring(QUESTIONS["q2"].figure(question).download)
    widths = {}
    for path in root.iter(f"{SVG}path"):
        bar = re.fullmatch(r"M([\d.]+),[\d.]+h([\d.]+)v([\d.]+)h-[\d.]+Z", path.get("d", ""))
        if bar and float(bar[3]) == 22:
            widths[path.get("fill")] = float(bar[2])
    assert widths == {LIGHT["off"]: 280, LIGHT["on"]: 140, LIGHT["pale"]: 140}


def test_a_scale_keeps_to_its_edges():
    scale = Scale(-1, 1, 200)
    assert [scale(x) for x in (-2, -1, 0, 1, 3)] == [0, 0, 100, 200, 200]
    assert Scale(1, 1, 200)(1) == 0


def test_lines_are_broken_where_they_are_full():
    lines = broken("one two\u00a0three four five", 12 * CHARACTER)
    assert lines == ["one", "two\u00a0three", "four five"]
    assert broken("unbreakable" * 9, 10) == ["unbreakable" * 9]
