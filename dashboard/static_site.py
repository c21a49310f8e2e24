"""The report as files that open from disk: `di report --site DIR`. No server, no network, and whole without scripts.

The same pages as the dashboard's, of the same pieces; links are made to lead from file to file as they are written, and
one that leads nowhere is an error here, not a dead link there.
"""

import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from html import escape, unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import polars as pl

from dashboard.arms import standing
from dashboard.compare import above_figure as above_comparison
from dashboard.compare import pairs_of
from dashboard.episodes import COLUMNS
from dashboard.lineage import walk_of
from dashboard.question import (
    EPISODES,
    QUESTIONS,
    about_episodes,
    above_figure,
    below_figure,
    frame_of,
    nothing_yet,
)
from dashboard.static_reader import transcript_of
from dashboard.style import SITE, page, sheet, web
from dashboard.tables import rows_of
from dashboard.transcript import CHANNELS
from di_assets.report.compare import Comparison, Side, caption, compare, drawing, read_known, sentence
from di_assets.report.figures import png
from di_assets.report.lineage.citations import Citation, citations, models_of
from di_assets.report.lineage.trace import TraceError, trace_model
from di_assets.report.progress.arms import ProgressError, read_progress
from di_assets.report.published import all_episodes, episodes_behind, read_figure, read_summary
from di_assets.report.questions.question import Question
from di_assets.report.reader.episode_index import read_shelf
from di_assets.report.reader.transcript import read_transcript
from di_assets.tables import Warehouse
from di_assets.tables.spreadsheet import SAID, safe_csv

STYLESHEET, SCRIPT = "assets/site.css", "assets/reader.js"
MARKER = ".delegated-influence-site"
# Of more episodes than this only those have a transcript that a mark, a quote or a claim rests on.
MOST_TRANSCRIPTS = 2_000
# Rows of a table of all episodes.
MOST_ROWS = 5_000
# Pairs of arms that are compared; the dashboard compares any two.
MOST_COMPARED = 6
PAGES = {**{spec.name: spec.title for spec in QUESTIONS}, "episodes": "Episodes", "arms": "Arms", "compare": "Compare",
         "lineage": "Lineage"}  # fmt: skip
FILES = {name: "index.html" if name == "q1" else f"{name}.html" for name in PAGES}
_HREF = re.compile(r"""<a ([^>]*?)href=(['"])(.*?)\2([^>]*)>(.*?)</a>""", re.DOTALL)


class SiteError(ValueError):
    """The folder can't be written to; one line that says why."""

    exit_code = 2


def check_folder(folder: Path) -> None:
    """Passes where a report may be written to this folder.

    Raises:
        SiteError: the folder holds something else.
    """
    if folder.exists() and not (folder / MARKER).exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise SiteError(f"--site {folder}: holds something else than a report written here; choose another folder")


def write_site(warehouse: Warehouse, configs: Path, folder: Path) -> int:
    """Writes the whole report into a folder, which is replaced at once; how many files it has.

    Raises:
        SiteError: the folder holds something else.
    """
    folder = folder.absolute()
    check_folder(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}.") as temporary:
        new, old = Path(temporary) / "new", Path(temporary) / "old"
        n = 0
        for name, content in files_of(warehouse, configs):
            path = new / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
            n += 1
        if folder.exists():
            folder.rename(old)
        new.rename(folder)
        shutil.rmtree(old, ignore_errors=True)
    return n


def files_of(warehouse: Warehouse, configs: Path) -> Iterator[tuple[str, str | bytes]]:
    """Every file of the site: its name, and what it holds. The same tables and report give the same bytes."""
    summary = read_summary(warehouse)
    shelf = read_shelf(warehouse)
    every = all_episodes(warehouse)
    kept = transcripts(summary, shelf["episode_id"].to_list())
    site = _Site(names={episode: file_of(episode) for episode in kept})
    yield MARKER, "written by di report --site\n"
    yield STYLESHEET, sheet(SITE)
    yield SCRIPT, web("site_reader.js")
    for spec in QUESTIONS:
        yield FILES[spec.name], site.page(spec.name, _question(spec, summary, warehouse))
        if summary is not None:
            yield from _downloads(spec, summary, warehouse)
    yield FILES["episodes"], site.page("episodes", _episodes(every))
    yield FILES["arms"], site.page("arms", "<h1 class='lesser'>Arms</h1>" + _arms(warehouse, configs))
    yield FILES["compare"], site.page("compare", "<h1 class='lesser'>Compare</h1>" + _compare(warehouse))
    yield FILES["lineage"], site.page("lineage", "<h1 class='lesser'>Lineage</h1>" + _lineage(summary, warehouse))
    order = [(row["episode_id"], row["batch"]) for row in shelf.iter_rows(named=True) if row["episode_id"] in kept]
    for at, (episode, batch) in enumerate(order):
        found = read_transcript(warehouse, episode, batch=batch)
        if found is None:
            continue
        before, after = (site.names[order[to][0]] if 0 <= to < len(order) else None for to in (at - 1, at + 1))
        cited: list[Citation] = citations(warehouse, summary, found.episode)
        body = transcript_of(found, cited, before=before, after=after, about=CHANNELS)
        yield f"transcript/{site.names[episode]}", site.page(None, body, title=episode, up="../", script=SCRIPT)


def transcripts(summary: Mapping[str, Any] | None, episodes: Sequence[str]) -> set[str]:
    """Episodes that have a transcript of their own: all of a few, and of many those that the report rests on."""
    if len(episodes) <= MOST_TRANSCRIPTS:
        return set(episodes)
    known, cited = set(episodes), set[str]()
    for question in (summary or {"questions": {}})["questions"].values():
        quote = [question["quote"]] if question["quote"] else []
        cited |= {one["episode_id"] for one in (*question["marks"], *quote, *question.get("heat", ()))}
    return cited & known


def file_of(episode_id: str) -> str:
    """A file's name for an episode: safe on every system, and no other's, whatever the id holds."""
    plain = re.sub(r"[^a-z0-9._-]+", "_", episode_id.lower())[:80].strip(".")
    return f"{plain}-{sha256(episode_id.encode()).hexdigest()[:8]}.html"


class _Site:
    """Pages that know where every other one is."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self.names = names

    def page(self, name: str | None, body: str, *, title: str = "", up: str = "", script: str = "") -> str:
        """A whole file."""
        ways = "".join(
            f"<a href='{up}{FILES[one]}'{' aria-current=page' if one == name else ''}>{words}</a>"
            for one, words in PAGES.items()
        )
        policy = "default-src 'none'; style-src 'self' file: 'unsafe-inline'; script-src 'self' file:; img-src data:; base-uri 'none'; form-action 'none'"
        return (
            f"<!doctype html><html lang='en'><head><meta charset='utf-8'><meta http-equiv='Content-Security-Policy' content=\"{policy}\">"
            "<meta name='viewport' content='width=device-width, initial-scale=1'><meta name='referrer' content='no-referrer'>"
            f"<title>{escape(title or PAGES[name or 'q1'])} · Delegated Influence</title><link rel='stylesheet' href='{up}{STYLESHEET}'></head>"
            f"<body class='stApp'><header class='site'><nav aria-label='pages'>{ways}</nav></header><main>{page(self._linked(body, up))}</main>"
            + (f"<script src='{up}{script}'></script>" if script else "")
            + "</body></html>\n"
        )

    def _linked(self, body: str, up: str) -> str:
        """The body with every link of the dashboard made one to a file; those to episodes left out become plain text."""

        def made(found: re.Match[str]) -> str:
            before, _, address, after, text = found.groups()
            to = self._place(unescape(address), up)
            if to is None:
                return text
            return f"<a {before}href='{escape(to)}'{after.replace(' target=' + chr(39) + '_self' + chr(39), '')}>{text}</a>"

        return _HREF.sub(made, body)

    def _place(self, address: str, up: str) -> str | None:
        parts = urlsplit(address)
        if parts.scheme or parts.netloc:
            raise ValueError(f"a page links beyond the report: {address[:80]}")
        if parts.path == "transcript":
            asked = parse_qs(parts.query)
            file = self.names.get(asked["episode"][0])
            event = f"#e-{asked['event'][0]}" if "event" in asked else ""
            return None if file is None else f"{up}transcript/{file}{event}"
        if parts.path == "compare" and parts.query:
            return None  # two transcripts side by side are the dashboard's alone
        if parts.path in FILES:
            return f"{up}{FILES[parts.path]}"
        if parts.path.startswith("downloads/") or address.startswith("#") or parts.path in self.names.values():
            return address
        raise ValueError(f"a page links to nothing in the report: {address[:80]}")


def _question(spec: Question, summary: Mapping[str, Any] | None, warehouse: Warehouse) -> str:
    if summary is None or spec.name not in summary["questions"]:
        return nothing_yet(spec)
    question = summary["questions"][spec.name]
    wide, narrow = (read_figure(warehouse, f"{spec.name}.{width}.svg") for width in ("wide", "narrow"))
    figure = _figure(wide, narrow, question["alt"])
    behind = episodes_behind(warehouse, scripted=summary["provenance"]["scripted"])
    files = [name for name, _ in _downloads(spec, summary, warehouse, named=True)]
    offered = " · ".join(f"<a href='{name}' download>{name.removeprefix('downloads/')}</a>" for name in files)
    return (
        above_figure(spec, dict(summary))
        + figure
        + below_figure(spec, question)
        + f"<h3>Episodes</h3>{rows_of(behind.head(MOST_ROWS), EPISODES)}{_more(behind.height)}{about_episodes(behind.height)}"
        + f"<h3>Downloads</h3><p>{offered}</p>"
        + (f"<p class='caption'>{SAID}</p>" if any(name.endswith(".csv") for name in files) else "")
    )


def _figure(wide: str, narrow: str, alt: str) -> str:
    renderings = f"<div class='wide'>{wide}</div><div class='narrow'>{narrow}</div>"
    return f"<div class='figure' role='group' aria-label='{escape(alt)}'>{renderings}</div>"


def _more(n: int) -> str:
    return (
        f"<p class='caption'>The first {MOST_ROWS:,} of {n:,}; <code>di export</code> writes all.</p>"
        if n > MOST_ROWS
        else ""
    )


def _downloads(
    spec: Question, summary: Mapping[str, Any], warehouse: Warehouse, *, named: bool = False
) -> Iterator[tuple[str, str | bytes]]:
    """The figure, the summary, and the tables behind the page, each file once; `named` for the names of all it offers."""
    svg = read_figure(warehouse, f"{spec.name}.svg")
    if svg:
        yield f"downloads/{spec.name}.svg", svg
        yield f"downloads/{spec.name}.png", b"" if named else png(svg)
    if spec.name == "q1" or named:
        yield "downloads/summary.json", warehouse.read_report("summary.json") or ""
    rows = summary["questions"][spec.name].get("rows")
    if rows:
        yield f"downloads/{spec.name}.csv", "" if named else safe_csv(frame_of(rows))
    for table in spec.tables:
        first = next(one for one in QUESTIONS if table in one.tables)
        if named or first is spec:
            yield f"downloads/{table}.csv", "" if named else safe_csv(warehouse.read(table))


def _episodes(every: pl.DataFrame) -> str:
    if every.is_empty():
        return "<h1 class='lesser'>Episodes</h1><p>No episode has been played yet.</p>"
    return f"<h1 class='lesser'>Episodes</h1><p class='sub'>{every.height:,} episodes</p>{rows_of(every.head(MOST_ROWS), COLUMNS)}{_more(every.height)}"


def _arms(warehouse: Warehouse, configs: Path) -> str:
    try:
        return standing(read_progress(configs, warehouse, estimates={}))
    except ProgressError as problem:
        return f"<p role='alert' class='text'>{escape(str(problem))}</p>"


def _compare(warehouse: Warehouse) -> str:
    """Arms that share seeds; all but the first two folded."""
    found = [
        compare(warehouse, Side(left), Side(right)) for left, right in read_known(warehouse).shared[:MOST_COMPARED]
    ]
    told = [_comparison(one, first=one is found[0]) for one in found if one.gap is not None]
    return "".join(told) or "<p>Nothing can be compared yet.</p>"


def _comparison(found: Comparison, *, first: bool) -> str:
    figure = drawing(found)
    return (
        f"<details class='more'{' open' if first else ''}><summary>{escape(found.left.name)} beside {escape(found.right.name)}</summary>"
        f"{above_comparison(found)}{_figure(figure.wide, figure.narrow, sentence(found))}<p class='caption'>{escape(caption(found))}</p>"
        f"{pairs_of(found, 0, MOST_ROWS, linked=False)}{_more(found.pairs.height)}</details>"
    )


def _lineage(summary: Mapping[str, Any] | None, warehouse: Warehouse) -> str:
    """Every model's walk under every question, folded."""
    walks = []
    for name, question in (summary or {"questions": {}})["questions"].items():
        for model in models_of(question):
            try:
                walked = walk_of(trace_model(warehouse, name, model))
            except TraceError as problem:
                walked = f"<p role='alert' class='text'>{escape(str(problem))}</p>"
            walks.append(
                f"<details class='more'><summary>{escape(PAGES[name])}: {escape(model)}</summary>{walked}</details>"
            )
    return "".join(walks) or "<p>There is no number to walk back from yet.</p>"
