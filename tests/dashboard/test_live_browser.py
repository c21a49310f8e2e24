"""Pages in a browser while an arm plays: they follow within five seconds, and nothing on them is lost or moves."""

import shutil

import polars as pl
import pytest

from di_assets.report.published import read_summary
from di_assets.report.summary import summary_text
from di_assets.tables import Warehouse
from tests.dashboard.browsing import ARTIFACTS, BROWSER, PAIR, READER, SCROLLS, opened, served, still

pytestmark = [*BROWSER, pytest.mark.slow]
WITHIN_MS = 5_000
# Sum of layout shifts; up to 0.1 counts as good (web.dev, Cumulative Layout Shift).
MOST_SHIFT = 0.1
SHIFTS = """
window.shifts = [];
new PerformanceObserver((list) => {
  for (const one of list.getEntries()) if (!one.hadRecentInput) window.shifts.push(one.value);
}).observe({ type: 'layout-shift', buffered: true });
"""
MARKED = "window.stays = true"


EVENTS = ("episodes", "seats", "messages", "pulls", "calls", "edges", "episode_measures")
BATCH = "talk--b00"


@pytest.fixture(scope="module")
def switched(browser, small_configs, tmp_path_factory):
    """A link to a folder, and the address of the dashboard over whatever the link leads to."""
    link = tmp_path_factory.mktemp("switched") / "warehouse"
    link.symlink_to(tmp_path_factory.mktemp("nothing"))
    with served(link, small_configs.root) as at:
        yield link, at


@pytest.fixture
def half(warehouses, tmp_path, switched):
    """A copy of the full warehouse whose arm `talk` is half played, and what the other half will leave in it: served."""
    shutil.copytree(warehouses["full"].root, tmp_path, dirs_exist_ok=True)
    lead(switched[0], tmp_path)
    warehouse = Warehouse(tmp_path)
    whole = {table: warehouse.read(table, BATCH) for table in EVENTS}
    for table, frame in whole.items():
        warehouse.write(table, frame.filter(pl.col("episode_id").str.contains("_r[012]$")), BATCH)
    return warehouse, whole


def lead(link, folder):
    """The link leads to another folder from now on."""
    link.unlink()
    link.symlink_to(folder)


def play_on(warehouse, whole):
    """The rest of the arm, as a run leaves it: each table replaced at once."""
    for table, frame in whole.items():
        warehouse.write(table, frame, BATCH)


def publish_again(warehouse):
    """The report anew, with another headline and another figure."""
    summary = read_summary(warehouse)
    summary["questions"]["q1"]["headline"] = "Another night has been played."
    for name in ("q1.wide.svg", "q1.narrow.svg"):
        warehouse.write_report(name, warehouse.read_report(name).replace("possible)", "possible, tonight)"))
    warehouse.write_report("summary.json", summary_text(summary))


def scrolled(page):
    return page.evaluate(f"document.querySelector('{SCROLLS}').scrollTop")


def test_episodes_follow_and_keep_what_is_typed_where_it_is_scrolled_and_the_focus(page, half, switched):
    at = switched[1]
    page.set_viewport_size({"width": 1100, "height": 500})
    opened(page, at, "episodes?arm=talk")
    page.get_by_text("6 episodes", exact=True).wait_for(timeout=15_000)
    page.evaluate(MARKED)
    box = page.get_by_label("in the id")
    box.click()
    box.press_sequentially("prom")
    page.evaluate(f"document.querySelector('{SCROLLS}').scrollTop = 60")
    where = scrolled(page)
    play_on(*half)
    page.get_by_text("12 episodes").wait_for(timeout=WITHIN_MS)
    assert box.input_value() == "prom"
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "in the id"
    assert scrolled(page) == where > 0
    assert page.evaluate("window.stays")
    box.press("Enter")
    page.get_by_text("6 episodes", exact=True).wait_for(timeout=15_000)


def test_arms_follow(page, half, switched):
    at = switched[1]
    opened(page, at, "arms")
    played = page.get_by_role("row").filter(has_text="Talk").get_by_role("cell").nth(2)
    played.get_by_text("6", exact=True).wait_for(timeout=15_000)
    page.evaluate(MARKED)
    play_on(*half)
    played.get_by_text("12", exact=True).wait_for(timeout=WITHIN_MS)
    assert page.evaluate("window.stays")


def test_a_figure_and_its_headline_follow_while_what_is_read_stays_in_its_place(page, half, switched):
    at = switched[1]
    opened(page, at)
    page.wait_for_selector(".figure .wide svg", timeout=15_000)
    page.evaluate(MARKED)
    page.evaluate(f"document.querySelector('{SCROLLS}').scrollTop = 900")
    read = page.get_by_role("heading", name="Claims")
    where = read.bounding_box()["y"]
    publish_again(half[0])
    page.get_by_text("Another night has been played.").wait_for(timeout=WITHIN_MS)
    page.locator(".figure .wide svg", has_text="possible, tonight").wait_for(timeout=WITHIN_MS)
    assert abs(read.bounding_box()["y"] - where) < 2
    assert scrolled(page) > 0
    assert page.evaluate("window.stays")


@pytest.mark.parametrize(
    ("path", "width"), [*((path, 390) for path in ("", READER, "q3", "episodes", "arms", "compare", PAIR, "lineage")),
                        *((path, 1100) for path in ("", READER, "q3", "compare"))]
)  # fmt: skip
def test_nothing_moves_while_a_page_comes(browser, address, path, width):
    # A context of its own: what moves, moves while scripts come for the first time.
    context = browser.new_context(viewport={"width": width, "height": 900})
    context.add_init_script(SHIFTS)
    page = opened(context.new_page(), address, path)
    page.wait_for_selector(".di h2", timeout=15_000)
    page.wait_for_timeout(1_000)
    shifts = page.evaluate("window.shifts")
    context.close()
    assert sum(shifts) < MOST_SHIFT


@pytest.mark.parametrize("path", ["", "q3", "compare", "arms"])
def test_on_paper_a_page_is_its_text_and_its_figure_alone(page, address, path):
    page.set_viewport_size({"width": 800, "height": 1100})
    page.emulate_media(color_scheme="dark")
    opened(page, address, path)
    page.wait_for_selector(".di h2", timeout=15_000)
    page.emulate_media(media="print")
    still(page)
    ARTIFACTS.mkdir(exist_ok=True)
    page.screenshot(path=ARTIFACTS / f"{path or 'q1'}-paper.png", full_page=True)
    controls = page.locator("header, [data-testid=stSelectbox], [data-testid=stDownloadButton]")
    assert not controls.filter(visible=True).count()
    assert page.locator(".di h2").is_visible()
    assert page.locator(".figure").is_visible() == (path != "arms")
    assert page.evaluate("getComputedStyle(document.querySelector('.stApp')).backgroundColor") == "rgb(255, 255, 255)"
