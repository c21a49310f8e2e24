"""The dashboard in a real headless Chromium: marks, quote and table open the reader at the right event."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.parse import parse_qs, urlparse
from urllib.request import urlopen

import pytest

from tests.conftest import ROOT

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(
        CHROMIUM is None, reason="no Chromium found on this machine: install one to run the browser tests"
    ),
]
FLAGS = [
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
DONE = "[data-testid=stApp][data-test-script-state=notRunning]"


# The first stands for the others in the default suite. The other question pages are looked at where they are photographed.
PAIR = "compare?left=talk--promiser_r0&right=mute--promiser_r0"
READER = "transcript?episode=talk--promiser_r0&event=1"
PATHS = ["", *(pytest.param(name, marks=pytest.mark.slow) for name in (READER, "episodes", "arms", "compare", PAIR, "lineage"))]  # fmt: skip
# Pictures of the pages, for people to look at.
ARTIFACTS = ROOT / ".artifacts"
LOOKS = {"light": (1100, "light"), "dark": (1100, "dark"), "phone": (390, "light"), "phone-dark": (390, "dark")}
SCROLLS = "[data-testid=stMain]"
WIDE = f"Math.max(document.documentElement.scrollWidth, document.querySelector('{SCROLLS}').scrollWidth)"
# Of the rendering that is seen: texts that stick out of it, and pairs of texts that lie on each other.
MISPLACED = """
figure => {
  const svg = [...figure.querySelectorAll('svg')].find(one => one.getBoundingClientRect().width > 0);
  const frame = svg.getBoundingClientRect();
  const texts = [...svg.querySelectorAll('text')].map(one => [one.textContent, one.getBoundingClientRect()]);
  const out = texts.filter(([, r]) => r.left < frame.left - 1 || r.right > frame.right + 1 || r.top < frame.top - 1 || r.bottom > frame.bottom + 1);
  const on = [];
  texts.forEach(([a, r], i) => texts.slice(i + 1).forEach(([b, s]) => {
    const wide = Math.min(r.right, s.right) - Math.max(r.left, s.left), tall = Math.min(r.bottom, s.bottom) - Math.max(r.top, s.top);
    if (wide > 1 && tall > 4) on.push(`${a} | ${b}`);
  }));
  return { out: out.map(([text]) => text), on, links: svg.querySelectorAll('a').length };
}
"""


@contextmanager
def served(warehouse, configs):
    """The dashboard's address while it is served over these folders."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        sys.executable,
        "-m",
        "streamlit",
        "run",
        str(ROOT / "dashboard" / "app.py"),
        "--server.port",
        str(port),
        "--server.headless",
        "true",
    ]
    server = subprocess.Popen(
        command,
        env={**os.environ, "DI_WAREHOUSE": str(warehouse), "DI_CONFIGS": str(configs)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(120):
            try:
                urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=1).close()
                break
            except (URLError, OSError):
                time.sleep(0.25)
        yield f"http://127.0.0.1:{port}/"
    finally:
        server.terminate()
        server.wait(10)


@pytest.fixture(scope="module")
def address(warehouses, small_configs):
    with served(warehouses["full"].root, small_configs.root) as at:
        yield at


@pytest.fixture(scope="module")
def paid_address(paid):
    with served(paid.warehouse.root, paid.configs.root) as at:
        yield at


@pytest.fixture(scope="module")
def browser(warehouses, paid):
    """Started once the warehouses are played, for play wants an event loop of its own."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser):
    context = browser.new_context(viewport={"width": 1100, "height": 900})
    yield context.new_page()
    context.close()


def opened(page, address, path=""):
    page.goto(address + path)
    page.wait_for_selector(DONE, timeout=30_000)
    return page


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


def inaccessible(page):
    """Rules of axe that the page breaks, each with the first place where it does."""
    from axe_playwright_python.sync_playwright import Axe

    return [(broken["id"], broken["nodes"][0]["target"]) for broken in Axe().run(page).response["violations"]]


def photographed(page, name):
    """Keeps a picture of the whole page: it scrolls inside itself, so a window as high as it is shows all of it."""
    width = page.viewport_size["width"]
    page.set_viewport_size(
        {"width": width, "height": page.evaluate(f"document.querySelector('{SCROLLS}').scrollHeight") + 80}
    )
    page.wait_for_timeout(300)
    path = ARTIFACTS / f"{name}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=path)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.slow)])
def test_pages_are_accessible_in_both_themes(browser, address, paid_address, path, scheme):
    context = browser.new_context(viewport={"width": 1100, "height": 900}, color_scheme=scheme)
    page = opened(context.new_page(), paid_address if path == "arms" else address, path)
    page.wait_for_selector(".di h2", timeout=15_000)
    found = inaccessible(page)
    photographed(page, f"{_called(path)}-{scheme}")
    context.close()
    assert found == []


@pytest.mark.slow
@pytest.mark.parametrize("path", PATHS)
def test_nothing_scrolls_sideways_on_a_phone(browser, address, paid_address, path):
    context = browser.new_context(viewport={"width": 390, "height": 844})
    page = opened(context.new_page(), paid_address if path == "arms" else address, path)
    page.wait_for_selector(".di h2", timeout=15_000)
    wide = page.evaluate(WIDE)
    photographed(page, f"{_called(path)}-phone")
    context.close()
    assert wide <= 390


def _called(path):
    """A page's name among the pictures."""
    return "pair" if path == PAIR else path.partition("?")[0] or "q1"


@pytest.mark.slow
@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("name", ["q1", "q2", "q3", "q4", "q5"])
def test_a_question_page_is_photographed_accessible_and_no_text_of_its_figure_is_cut_or_covered(
    browser, address, name, look
):
    width, scheme = LOOKS[look]
    context = browser.new_context(viewport={"width": width, "height": 1400}, color_scheme=scheme)
    page = opened(context.new_page(), address, "" if name == "q1" else name)
    first_visible(page, ".figure a")
    found = page.locator(".figure").first.evaluate(MISPLACED)
    violations, wide = inaccessible(page), page.evaluate(WIDE)
    photographed(page, f"{name}-{look}")
    context.close()
    assert (found["out"], found["on"], violations) == ([], [], [])
    assert wide <= width
    assert found["links"] >= 4


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
