"""The reader in a real browser: keys, focus, hostile text, phone, dark, print; pictures of each go to `.artifacts/`."""

from urllib.parse import parse_qs, urlparse

import pytest

from dashboard.sections.view import code_of
from tests.conftest import ROOT
from tests.dashboard.browsing import BROWSER, inaccessible, opened, still
from tests.dashboard.conftest import PREY, chromium
from tests.dashboard.corpus import CORPUS, HOME

pytestmark = [*BROWSER, pytest.mark.slow]
LINKED = "transcript?episode=talk--promiser_r0&event=1"
PICTURES = ROOT / ".artifacts" / "reader"
PREYED = f"transcript?episode={PREY}"


@pytest.fixture(scope="module")
def browser(warehouses, preyed):
    """Started once the warehouses are played, for play wants an event loop of its own; ended with its file."""
    with chromium() as started:
        yield started


def read(page, address, path):
    opened(page, address, path)
    page.wait_for_selector(".di h2", timeout=15_000)
    if "event=" in path:
        page.wait_for_selector(".ev.on, [role=alert]", timeout=15_000)
    return page


def listening(page):
    """Waits until keys are heard."""
    page.wait_for_function("() => !!window.diReader?.pressed", timeout=15_000)


def event_in(page):
    return parse_qs(urlparse(page.url).query).get("event", [None])[0]


def at_event(page, number):
    """Waits until this event is in the address, marked and focused."""
    page.wait_for_function(
        "n => new URLSearchParams(location.search).get('event') === n"
        " && document.activeElement.matches('.ev.on') && document.activeElement.innerText.startsWith('#' + n + ' ')",
        arg=str(number),
        timeout=15_000,
    )


def overflows(page):
    return page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")


def picture(page, name, *, whole=False):
    """Streamlit scrolls within the window: for the whole page the window is made as tall as it."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    if whole:
        size = page.viewport_size
        tall = page.evaluate("document.querySelector('.stMain').scrollHeight")
        page.set_viewport_size({"width": size["width"], "height": min(int(tall) + 80, 9_000)})
        still(page)
    page.screenshot(path=PICTURES / f"{name}.png")


def test_keys_go_through_events_and_back_returns(page, address):
    read(page, address, LINKED)
    at_event(page, 1)
    page.keyboard.press("j")
    at_event(page, 2)
    page.keyboard.press("j")
    at_event(page, 3)
    page.keyboard.press("k")
    at_event(page, 2)
    page.go_back()
    at_event(page, 3)


def test_keys_that_come_faster_than_the_page_are_all_counted(page, address):
    read(page, address, LINKED)
    at_event(page, 1)
    for key in "jjjjjk":
        page.keyboard.press(key)
    at_event(page, 5)


def test_shifted_keys_stay_with_the_seat(page, address):
    read(page, address, LINKED)
    at_event(page, 1)
    who = page.locator(".ev.on .who b").inner_text()
    page.keyboard.press("Shift+J")
    page.wait_for_function("() => new URLSearchParams(location.search).get('event') !== '1'", timeout=15_000)
    at_event(page, event_in(page))
    assert page.locator(".ev.on .who b").inner_text() == who


def test_keys_go_through_episodes_and_keep_how_they_are_shown(page, address):
    read(page, address, f"{LINKED}&blind=true")
    at_event(page, 1)
    page.keyboard.press("n")
    page.wait_for_url(f"**episode={code_of('talk--promiser_r1')}&blind=true", timeout=15_000)
    page.wait_for_selector(".ev", timeout=15_000)
    listening(page)
    assert page.get_by_text("promiser").count() == 0
    page.keyboard.press("p")
    page.wait_for_url(f"**episode={code_of('talk--promiser_r0')}&blind=true", timeout=15_000)
    assert "promiser" not in page.url + page.title() + page.content()


def test_typing_in_the_search_box_moves_nothing_and_keeps_its_focus(page, address):
    read(page, address, LINKED)
    at_event(page, 1)
    page.keyboard.press("/")
    page.wait_for_function("() => document.activeElement.matches('.st-key-q input')", timeout=5_000)
    page.keyboard.type("pull j k n p /")
    assert page.locator(".st-key-q input").input_value() == "pull j k n p /"
    page.keyboard.press("Control+A")
    page.keyboard.type("pull")
    page.keyboard.press("Enter")
    page.wait_for_url("**q=pull**", timeout=15_000)
    page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]", timeout=15_000)
    page.wait_for_timeout(600)
    assert page.evaluate("() => document.activeElement.matches('.st-key-q input')")
    assert event_in(page) == "1"


def test_filters_are_in_the_address_and_links_keep_them(page, address):
    read(page, address, f"{LINKED}&kind=message&blind=true")
    assert page.locator(".ev").count() > 3
    assert page.get_by_text("pulls for").count() == 0
    href = page.locator(".ev .id a").nth(2).get_attribute("href")
    page.locator(".ev .id a").nth(2).click()
    page.wait_for_url(f"**/{href}", timeout=15_000)
    assert "kind=message" in href
    assert "blind=true" in href


def test_a_message_leads_to_the_pull_it_brought_and_back(page, address):
    read(page, address, "transcript?episode=talk--promiser_r0")
    link = page.locator(".note a", has_text="#").first
    there = link.inner_text().removeprefix("#")
    link.click()
    page.wait_for_url(f"**event={there}", timeout=15_000)
    at_event(page, there)


def test_the_first_stops_are_the_pages_then_the_ways_then_the_list(page, address):
    """From the top of the page, in the order of what is read."""
    read(page, address, "transcript?episode=talk--promiser_r1")
    order = page.evaluate(
        """() => [...document.querySelectorAll('.stMain a[href], .stMain input, .stMain summary, .stMain [tabindex="0"]')]
        .filter(e => e.tabIndex >= 0 && e.checkVisibility())
        .map(e => e.closest('nav.ways') ? 'ways' : e.closest('.lanes, .scroll') ? 'lanes' : e.closest('.round') ? 'list' : e.closest('[class*=st-key-]') ? 'filters' : 'other')"""
    )
    first = {name: order.index(name) for name in ("ways", "lanes", "filters", "list")}
    assert sorted(first, key=first.get) == ["ways", "lanes", "filters", "list"]
    assert page.locator("td a[tabindex='-1']").count() > 0


@pytest.mark.parametrize(
    ("scheme", "view"), [("light", ""), ("dark", ""), ("light", "&view=A"), ("dark", "&blind=true&fold=true")]
)
def test_nothing_is_inaccessible(browser, prey, modelled_address, scheme, view):
    context = browser.new_context(viewport={"width": 1100, "height": 900}, color_scheme=scheme)
    for at, path in ((modelled_address, "transcript?episode=placebo--o_r0&event=1"), (prey, f"{PREYED}&event=2")):
        page = read(context.new_page(), at, path + view)
        assert inaccessible(page) == []
    context.close()


def test_hostile_text_runs_nothing_calls_nobody_and_breaks_nothing(page, prey):
    asked, told = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("dialog", lambda dialog: told.append(dialog.message) or dialog.dismiss())
    read(page, prey, PREYED)
    page.wait_for_timeout(500)
    assert page.locator(".ev").count() >= len(CORPUS)
    assert "pwned" not in page.title()
    assert told == []
    assert [url for url in asked if not url.startswith((prey, prey.replace("http", "ws"), "data:", "blob:"))] == []
    assert (
        page.locator(
            ".ev :is(img, script, svg, iframe, form, style, input, base, meta, link, math, .katex, h1)"
        ).count()
        == 0
    )
    links = {link.get_attribute("href").split("?")[0] for link in page.locator(".stMain a").all()}
    assert links == {"transcript"}
    assert not any(HOME in link.get_attribute("href") for link in page.locator("a").all())
    assert not overflows(page)
    inside = page.evaluate(
        "() => [...document.querySelectorAll('.ev .text')].every(e => e.scrollWidth <= e.clientWidth + 1)"
    )
    assert inside
    tallest = page.evaluate("() => Math.max(...[...document.querySelectorAll('.ev')].map(e => e.offsetHeight))")
    assert tallest < 8_000
    picture(page, "hostile", whole=True)


def test_every_text_of_the_corpus_is_there_as_text(page, prey):
    read(page, prey, PREYED)
    shown = page.locator(".ev .say > .text").all_inner_texts()
    for name in ("script", "image", "markdown", "latex", "directives", "link", "quote"):
        assert any(text.split() == CORPUS[name].split() for text in shown), name
    for name in ("whole megabyte", "megabyte of overrides", "megabyte of marks"):
        total = len(CORPUS[name])
        assert sum("more characters" in text for text in shown) >= 3, (name, total)
    chips = set(page.locator(".ev .di-chip").all_inner_texts())
    assert {
        "U+202E",
        "U+2067",
        "U+200C",
        "U+E0070",
        "U+0000",
        "ESC[31m",
        "U+3164",
        "U+FE00",
    } <= chips


def test_raw_calls_of_hostile_replies_run_nothing_either(page, prey):
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    read(page, prey, PREYED)
    last = int(page.locator(".ev .id a").last.inner_text()[1:])
    read(page, prey, f"{PREYED}&event={last}")
    page.wait_for_selector(".call .raw", timeout=15_000)
    assert page.locator(".call :is(img, script, svg, iframe, form, style)").count() == 0
    assert [url for url in asked if not url.startswith((prey, prey.replace("http", "ws"), "data:", "blob:"))] == []
    assert not overflows(page)
    page.locator(".call").last.scroll_into_view_if_needed()
    picture(page, "hostile-calls")


def test_an_unknown_address_holds_nothing_of_itself_but_text(page, prey):
    read(page, prey, "transcript?episode=<img src=x onerror=alert(1)>%E2%80%AE&view=<b>")
    assert page.locator(".di img, .di b").count() == 0
    assert page.locator(".di-chip").inner_text() == "U+202E"


def test_what_is_printed_is_the_transcript_whole_and_without_controls(page, modelled_address):
    read(page, modelled_address, "transcript?episode=placebo--o_r0&event=3&fold=true")
    page.emulate_media(media="print", color_scheme="dark")
    assert not page.locator("header").first.is_visible()
    assert not page.locator(".st-key-q").is_visible()
    assert not page.locator("nav.ways").is_visible()
    assert page.evaluate("getComputedStyle(document.querySelector('.stMain')).overflow") == "visible"
    picture(page, "print", whole=True)
    PICTURES.mkdir(parents=True, exist_ok=True)
    page.pdf(path=PICTURES / "print.pdf")
    heights = page.evaluate("[...document.querySelectorAll('.ev')].map(e => e.offsetHeight)")
    assert min(heights) > 0


@pytest.mark.parametrize(
    ("name", "path", "options"),
    [
        ("page", "transcript?episode=talk--promiser_r0", {}),
        ("linked", LINKED, {}),
        ("prompt", "transcript?episode=placebo--o_r0&event=20", {}),
        ("blind", "transcript?episode=placebo--o_r0&event=3&blind=true", {}),
        ("placebo", "transcript?episode=placebo--o_r0&event=1", {}),
        ("seen-by", "transcript?episode=placebo--o_r0&event=20&view=A", {}),
        ("phone", LINKED, {"viewport": {"width": 390, "height": 844}}),
        ("dark", LINKED, {"color_scheme": "dark"}),
    ],
)
def test_pictures_and_no_sideways_scroll(browser, address, modelled_address, name, path, options):
    context = browser.new_context(**{"viewport": {"width": 1100, "height": 900}, "reduced_motion": "reduce", **options})
    page = read(context.new_page(), modelled_address if "placebo" in path else address, path)
    still(page)
    assert not overflows(page)
    picture(page, name, whole=name in {"page", "blind", "phone", "prompt", "seen-by"})
    context.close()
