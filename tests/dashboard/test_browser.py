"""The dashboard in a real headless Chromium: marks, quote and table open the reader at the right event."""

import json
from pathlib import Path
from urllib.parse import parse_qs, urlparse

import pytest

from tests.dashboard.browsing import (
    BROWSER,
    LOOKS,
    MISPLACED,
    PAIR,
    READER,
    WIDE,
    inaccessible,
    looked_at,
    opened,
    photographed,
    still,
)

pytestmark = BROWSER
# The first stands for the others in the default suite. The other question pages are looked at where they are photographed.
PATHS = ["", *(pytest.param(name, marks=pytest.mark.slow) for name in (READER, "episodes", "arms", "compare", PAIR, "lineage"))]  # fmt: skip


def expect_reader_at(page, href):
    """The reader is open at the address's event: marked, focused and in view."""
    wanted = parse_qs(urlparse(href).query)
    page.wait_for_url("**/transcript?**", timeout=15_000)
    page.wait_for_selector(".ev.on", timeout=15_000)
    assert parse_qs(urlparse(page.url).query) == wanted
    marked = page.locator("[aria-current=true].ev")
    assert marked.count() == 1
    assert marked.locator(".id a").inner_text() == f"#{wanted['event'][0]}"
    page.wait_for_function("() => document.activeElement.classList.contains('on')", timeout=10_000)
    box = marked.bounding_box()
    assert 0 <= box["y"] <= page.viewport_size["height"]


def first_visible(page, selector):
    page.wait_for_selector(selector, state="attached", timeout=15_000)
    return next(link for link in page.locator(selector).all() if link.is_visible())


def test_a_mark_opens_the_reader_at_its_event_and_back_returns(page, address):
    opened(page, address)
    mark = first_visible(page, ".figure a")
    href = mark.get_attribute("href")
    mark.click()
    expect_reader_at(page, href)
    page.go_back()
    page.wait_for_selector(".figure a", state="attached", timeout=15_000)
    assert urlparse(page.url).path == "/"


@pytest.mark.slow
def test_a_mark_is_reached_by_keyboard(page, address):
    opened(page, address)
    mark = first_visible(page, ".figure a")
    href = mark.get_attribute("href")
    mark.focus()
    page.keyboard.press("Enter")
    expect_reader_at(page, href)


@pytest.mark.slow
def test_the_quote_opens_the_reader_at_its_event(page, address):
    opened(page, address)
    link = page.get_by_role("link", name="view in reader")
    href = link.get_attribute("href")
    link.click()
    expect_reader_at(page, href)


@pytest.mark.slow
def test_the_table_opens_the_reader(page, address):
    opened(page, address)
    link = page.locator("td a").first
    name = link.inner_text()
    link.click()
    page.wait_for_url("**/transcript?**", timeout=15_000)
    page.wait_for_selector(f"h2:has-text('{name}')", timeout=15_000)


@pytest.mark.slow
def test_hostile_text_runs_nothing(page, address):
    opened(page, address, "transcript?episode=talk--promiser_r0&event=1")
    page.wait_for_selector(".ev.on", timeout=15_000)
    assert "pwned" not in page.title()
    assert page.locator(".ev img, .ev script, .ev a[href^=http]").count() == 0


@pytest.mark.slow
def test_pages_keep_to_their_policy_and_ask_nobody_else(page, address):
    asked, said = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    for path in (
        "",
        "q2",
        "q3",
        "q4",
        "q5",
        "transcript?episode=talk--promiser_r0&event=1",
        "episodes",
        "arms",
        "compare",
        PAIR,
        "lineage",
    ):
        opened(page, address, path)
        page.wait_for_selector(".di h2", timeout=15_000)
        still(page)
    page.wait_for_timeout(500)
    assert {url.removeprefix("blob:").split("/")[2] for url in asked if not url.startswith("data:")} == {
        urlparse(address).netloc
    }
    assert not [text for text in said if "Security Policy" in text]


@pytest.mark.slow
def test_the_number_of_failed_episodes_leads_to_them(page, paid_address):
    opened(page, paid_address, "arms")
    page.get_by_role("link", name="2 failed: asked o'er").click()
    page.wait_for_url("**/episodes?**", timeout=15_000)
    page.wait_for_selector("td a", timeout=15_000)
    assert parse_qs(urlparse(page.url).query) == {"arm": ["asked o'er"], "status": ["failed"]}
    assert [link.inner_text() for link in page.locator("td a").all()] == ["asked--gone_r0", "asked--gone_r1"]
    page.go_back()
    page.get_by_role("link", name="1 stopped: barred").wait_for(timeout=15_000)


@pytest.mark.parametrize("path", PATHS)
def test_a_page_is_accessible_in_both_themes_and_scrolls_not_sideways_on_a_phone(page, address, paid_address, path):
    opened(page, paid_address if path == "arms" else address, path)
    page.wait_for_selector(".di h2", timeout=15_000)
    for look in ("light", "dark"):
        looked_at(page, look)
        assert inaccessible(page) == [], look
        photographed(page, f"{_called(path)}-{look}")
    looked_at(page, "phone")
    wide = page.evaluate(WIDE)
    photographed(page, f"{_called(path)}-phone")
    assert wide <= 390


def _called(path):
    """A page's name among the pictures."""
    return "pair" if path == PAIR else path.partition("?")[0] or "q1"


@pytest.mark.slow
@pytest.mark.parametrize("name", ["q1", "q2", "q3", "q4", "q5"])
def test_a_question_page_is_accessible_and_no_text_of_its_figure_is_cut_or_covered_in_any_look(page, address, name):
    opened(page, address, "" if name == "q1" else name)
    first_visible(page, ".figure a")
    for look, (width, _) in LOOKS.items():
        looked_at(page, look)
        found = page.locator(".figure").first.evaluate(MISPLACED)
        violations, wide = inaccessible(page), page.evaluate(WIDE)
        photographed(page, f"{name}-{look}")
        assert (found["out"], found["on"], violations) == ([], [], []), look
        assert wide <= width, look
        assert found["links"] >= 4, look


@pytest.mark.slow
@pytest.mark.parametrize("name", ["q2", "q3", "q4", "q5"])
def test_a_mark_of_every_question_opens_the_reader_by_keyboard(page, address, name):
    opened(page, address, name)
    mark = first_visible(page, ".figure a")
    href = mark.get_attribute("href")
    mark.focus()
    page.keyboard.press("Enter")
    expect_reader_at(page, href)


@pytest.mark.slow
def test_downloads_are_made_when_they_are_clicked(page, address):
    opened(page, address, "q2")
    got = {}
    for name in ("q2.svg", "q2.png", "q2.csv", "q2.parquet", "summary.json"):
        with page.expect_download(timeout=30_000) as waited:
            page.get_by_role("button", name=name, exact=True).click()
        assert waited.value.suggested_filename == name
        got[name] = Path(waited.value.path()).read_bytes()
    assert got["q2.svg"].startswith(b"<svg")
    assert got["q2.png"].startswith(b"\x89PNG")
    assert got["q2.parquet"].startswith(b"PAR1")
    rows = json.loads(got["summary.json"])["questions"]["q2"]["rows"]
    assert got["q2.csv"].decode().count("\n") == len(rows) + 1
