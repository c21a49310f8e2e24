"""The report as files: every link leads somewhere, what models wrote is inert, and nothing of it needs a network."""

import re
import shutil
from html import unescape
from html.parser import HTMLParser
from urllib.parse import unquote, urlsplit

import pytest
from click.testing import CliRunner

from dashboard.static_site import FILES, MARKER, MOST_TRANSCRIPTS, SiteError, file_of, transcripts, write_site
from di_assets.cli.verbs import main
from di_assets.report.published import read_summary
from tests.conftest import ROOT
from tests.dashboard.conftest import HOSTILE

ALLOWED = {
    "a",
    "article",
    "b",
    "body",
    "blockquote",
    "button",
    "caption",
    "circle",
    "code",
    "defs",
    "del",
    "desc",
    "details",
    "div",
    "em",
    "figcaption",
    "figure",
    "footer",
    "form",
    "g",
    "h1",
    "h2",
    "h3",
    "head",
    "header",
    "html",
    "i",
    "input",
    "kbd",
    "label",
    "legend",
    "li",
    "line",
    "link",
    "main",
    "meta",
    "nav",
    "option",
    "ol",
    "p",
    "path",
    "rect",
    "script",
    "section",
    "select",
    "small",
    "span",
    "summary",
    "svg",
    "table",
    "tbody",
    "td",
    "text",
    "th",
    "thead",
    "title",
    "tr",
    "tspan",
    "ul",
}


class Reading(HTMLParser):
    """Elements, ids and links of a page."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.ids, self.links, self.attributes = set(), set(), [], set()
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.elements.add(tag)
        for name, value in attributes:
            self.attributes.add(name)
            if name == "id":
                self.ids.add(value)
            if name in {"href", "src"}:
                self.links.append(value)


def pages_of(folder):
    return {path: Reading(path.read_text()) for path in sorted(folder.rglob("*.html"))}


def dead_links(folder):
    """Links that lead to no file, or to no place in it."""
    pages, dead = pages_of(folder), []
    for path, read in pages.items():
        for link in read.links:
            parts = urlsplit(link)
            to = path if not parts.path else (path.parent / unquote(parts.path)).resolve()
            if (
                parts.scheme
                or parts.netloc
                or not to.is_file()
                or (parts.fragment and parts.fragment not in pages[to].ids)
            ):
                dead.append((path.name, link))
    return dead


@pytest.fixture(scope="module")
def sites(warehouses, small_configs, tmp_path_factory):
    """Size of the warehouse -> the site of it."""
    folder = tmp_path_factory.mktemp("sites")
    for size, warehouse in warehouses.items():
        write_site(warehouse, small_configs.root, folder / size)
    return folder


@pytest.mark.parametrize("size", ["empty", "one", "full"])
def test_every_link_leads_to_a_place_that_is_there(sites, size):
    assert dead_links(sites / size) == []
    assert {path.name for path in (sites / size).glob("*.html")} == set(FILES.values())


def test_every_mark_quote_and_row_leads_to_its_event_in_a_transcript(sites, warehouses):
    summary = read_summary(warehouses["full"])
    for name, question in summary["questions"].items():
        links = Reading((sites / "full" / FILES[name]).read_text()).links
        for mark in question["marks"]:
            if mark.get("value", 0) is not None:
                assert f"transcript/{file_of(mark['episode_id'])}#e-{mark['event_id']}" in links, (name, mark)
        if question["quote"]:
            assert f"transcript/{file_of(question['quote']['episode_id'])}#e-{question['quote']['event_id']}" in links
    assert len(list((sites / "full" / "transcript").iterdir())) == 24


def test_nothing_is_loaded_from_elsewhere_and_what_models_wrote_is_text(sites, preyed, tmp_path):
    write_site(preyed.warehouse, preyed.configs.root, tmp_path / "prey")
    for folder in (sites / "full", tmp_path / "prey"):
        for path, read in pages_of(folder).items():
            text = path.read_text()
            assert read.elements <= ALLOWED, (path.name, read.elements - ALLOWED)
            assert not [
                name for name in read.attributes if name.startswith("on") or name in {"style", "srcdoc", "formaction"}
            ]
            assert "default-src 'none'" in unescape(text)
            assert not re.search(r"(?:href|src|action)=.?(?:https?:|//|javascript:|data:)", text), path.name
            assert text.count("<script") == (1 if path.parent.name == "transcript" else 0)
            assert text.count("<link ") == 1
    assert not re.search(r"https?://(?!www\.w3\.org)", (sites / "full" / "assets" / "site.css").read_text())
    shown = (sites / "full" / "transcript" / file_of("talk--promiser_r0")).read_text()
    assert HOSTILE not in shown
    assert dead_links(tmp_path / "prey") == []


def test_scripted_agents_are_called_so_on_every_page_that_shows_them(sites):
    for path in (sites / "full").rglob("*.html"):
        assert "scripted" in path.read_text(), path.name


def test_the_same_tables_give_the_same_bytes(sites, warehouses, small_configs, tmp_path):
    write_site(warehouses["full"], small_configs.root, tmp_path / "again")
    one, other = (
        {p.relative_to(f): p.read_bytes() for p in f.rglob("*") if p.is_file()}
        for f in (sites / "full", tmp_path / "again")
    )
    assert one == other


def test_a_folder_is_replaced_whole_and_somebody_elses_is_left_alone(warehouses, small_configs, tmp_path):
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.tex").write_text("mine")
    with pytest.raises(SiteError, match="holds something else than a report written here"):
        write_site(warehouses["one"], small_configs.root, mine)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]
    site = tmp_path / "site"
    site.mkdir()  # an empty folder is nobody's
    write_site(warehouses["one"], small_configs.root, site)
    (site / "stale.html").write_text("old")
    write_site(warehouses["one"], small_configs.root, site)
    assert not (site / "stale.html").exists()
    assert (site / MARKER).exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine", "site"]


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "a/b\\c", "x" * 500, "CON", "..", "\x00\n", "Ünïcode ☃", "A--b_R0"]
)
def test_a_files_name_is_safe_and_no_other_episodes(name):
    file = file_of(name)
    assert re.fullmatch(r"[a-z0-9_][a-z0-9._-]*-[0-9a-f]{8}\.html|-?[0-9a-f-]{8,}\.html", file), file
    assert len(file) < 120
    assert "/" not in file
    assert file != file_of(name.swapcase() + "x")
    assert file_of("A") != file_of("a")


def test_of_very_many_episodes_those_have_transcripts_that_the_report_rests_on():
    many = [f"e{k}" for k in range(MOST_TRANSCRIPTS + 1)]
    squares = [{"what": "pulls a round", "episode_id": "e3"}, {"what": "capture", "episode_id": None}, {"model": "m"}]
    summary = {
        "questions": {"q": {"marks": [{"episode_id": "e7"}], "quote": {"episode_id": "e9"}, "rows": squares}},
    }
    assert transcripts(summary, many) == {"e3", "e7", "e9"}
    assert transcripts(None, many[:-1]) == set(many[:-1])


@pytest.mark.slow
def test_the_verb_writes_it_and_says_where(played, tmp_path):
    warehouse = tmp_path / "w"
    shutil.copytree(played.warehouse.root, warehouse)
    at = [
        "--warehouse",
        str(warehouse),
        "--configs",
        str(played.configs.root),
        "report",
        "--site",
        str(tmp_path / "site"),
    ]
    done = CliRunner().invoke(main, at)
    assert done.exit_code == 0, done.output
    assert f"open {tmp_path / 'site' / 'index.html'}" in done.output
    assert dead_links(tmp_path / "site") == []
    (tmp_path / "foreign").mkdir()
    (tmp_path / "foreign" / "x").touch()
    refused = CliRunner().invoke(main, [*at[:-1], str(tmp_path / "foreign")])
    assert refused.exit_code == 2
    assert "holds something else" in refused.output


# What stands on the page that is rebuilt, top to bottom, in the words of its kind.
ELEMENTS = [
    r"<h1>Delegated Influence</h1>",
    r"<p class='sub'>",
    r"<code>[^<]+</code> · generated \d{4}-\d\d-\d\d · 24 episodes",
    r"private draft — not for citation",
    r"Question 1",
    r"Can models persuade other agents to give them points\?",
    r"<p class='headline'>[^<]*\d+\.\d[^<]*points per episode",
    r"one point = one pull",
    r"95% interval",
    r"Evidence links",
    r"Every dot is backed by a transcript",
    r"listed in the table below",
    r"<h3>Reading</h3>",
    r"<blockquote>",
    r"Player [A-E] \([^)]+\) → Player [A-E], episode \S+, round \d+ — ",
    r"view in reader</a>",
    r"<h3>Statistics</h3>",
    *(rf"<th scope='row'>{re.escape(name)}</th>" for name in (
        "measured", "needs", "net_capture.value", "net_capture.ci", "net_capture.n", "payback_rate.value", "payback_rate.ci", "payback_rate.n",
        "solicited_not_payback_rate.value", "solicited_not_payback_rate.ci", "solicited_not_payback_rate.n", "lift.messages_on", "lift.messages_off", "lift.needs")),
    r"summary.questions.q1 as stored; missing values shown as —",
    r"<h3>Episodes</h3>",
    *(rf"<th scope='col'[^>]*>{re.escape(name)}</th>" for name in ("episode", "condition", "focal model", "capture (by focal)", "cascades", "gini")),
    r"All episodes measured so far \(24\), sorted by condition then id; episode links open the transcript reader\.",
    r"<h3>Downloads</h3>",
]  # fmt: skip


@pytest.mark.parametrize("where", ["site", "dashboard"])
def test_every_element_of_the_page_that_is_rebuilt_is_there_in_its_order(sites, open_page, where):
    html = (sites / "full" / "index.html").read_text() if where == "site" else open_page("q1", "full")
    html = " ".join(html.replace(" target='_self'", "").split())
    at = 0
    for element in ELEMENTS:
        found = re.compile(element, re.DOTALL).search(html, at if element.startswith("<h") else 0)
        assert found, element
        at = found.end() if element.startswith("<h") else at
    if where == "site":
        assert "downloads/q1.svg" in html
        assert "downloads/summary.json" in html
        assert "possible" in html  # the axis


@pytest.mark.slow
@pytest.mark.browser
def test_in_a_browser_from_disk_a_mark_leads_to_its_event_and_keys_go_on(sites, preyed, tmp_path, browser):
    from axe_playwright_python.sync_playwright import Axe

    write_site(preyed.warehouse, preyed.configs.root, tmp_path / "prey")
    pictures = ROOT / ".artifacts"
    pictures.mkdir(exist_ok=True)
    context = browser.new_context(viewport={"width": 1000, "height": 900})
    page = context.new_page()
    asked, said, dialogs = [], [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    page.on("dialog", lambda dialog: dialogs.append(dialog.message) or dialog.dismiss())
    page.goto((sites / "full" / "index.html").as_uri())
    mark = next(link for link in page.locator(".figure a").all() if link.is_visible())
    to = mark.get_attribute("href")
    mark.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/transcript/**")
    event = to.split("#")[1]
    assert page.evaluate("document.activeElement.id") == event
    page.keyboard.press("j")
    assert page.evaluate("document.activeElement.id") == f"e-{int(event[2:]) + 1}"
    page.keyboard.press("/")
    page.keyboard.type("promise")
    shown = page.locator(".ev:visible").count()
    assert 0 < shown < page.locator(".ev").count()
    assert f"{shown} of" in page.locator("#found").inner_text()
    page.goto((sites / "full" / "index.html").as_uri())
    for folder in (sites / "full", tmp_path / "prey"):
        transcript = sorted((folder / "transcript").iterdir())[0]
        for path in [*(folder / file for file in FILES.values()), transcript]:
            page.goto(path.as_uri())
            page.wait_for_timeout(50)
    assert not said
    assert not dialogs
    assert not [url for url in asked if not url.startswith("file://")]
    context.close()
    for scheme, width in (("light", 1000), ("dark", 1000), ("light", 390)):
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        page = context.new_page()
        for path in [
            *((sites / "full") / file for file in FILES.values()),
            sorted((sites / "full" / "transcript").iterdir())[0],
        ]:
            page.goto(path.as_uri())
            if width == 390:
                assert page.evaluate("document.documentElement.scrollWidth") <= width, path.name
            else:
                found = Axe().run(page).response["violations"]
                assert not found, (path.name, [(one["id"], one["nodes"][0]["html"]) for one in found])
            page.screenshot(path=pictures / f"site-{scheme}-{width}-{path.stem[:20]}.png")
        context.close()
