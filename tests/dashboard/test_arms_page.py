"""The Arms page: how far each arm is, what it needs, how calls ended; nothing that configuration says is run."""

import re
import shutil
from html import unescape

import pytest

from di_assets.play.estimate import estimate
from di_assets.tables import Warehouse
from tests.dashboard.conftest import cells


def told(html, label, *first):
    """The row that begins with these words, as one line a cell."""
    (row,) = [row for row in cells(html, label) if row[0][: len(first)] == list(first)]
    return [" ".join(cell) for cell in row]


def test_arms_are_listed_before_anything_is_played(open_page, paid, tmp_path):
    html = open_page("arms", "empty", configs=paid.configs.root)
    need = estimate(paid.configs, paid.configs.arm("later"), Warehouse(tmp_path))
    assert "6 arms" in html
    assert told(html, "arms", "Later")[1:] == [
        "3", "0", "0", "0", "0.00", "20.00", f"{need.cost_usd:.2f}", "&lt;0.1", "—"
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
    # Quotes and apostrophes may be escaped in more than one way.
    plain = unescape(html)
    assert (
        """<a href='episodes?arm=asked%20o%27er&status=failed' target='_self' aria-label='2 failed: asked o'er'>2</a>"""
        in plain
    )
    assert "<a href='episodes?arm=barred&status=stopped' target='_self' aria-label='1 stopped: barred'>1</a>" in plain


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
    assert "prompts/system.md.j2: no such prompt file" in html
    assert told(html, "arms", "Later")[1:] == ["3", "0", "0", "0", "0.00", "20.00", "—", "—", "—"]
