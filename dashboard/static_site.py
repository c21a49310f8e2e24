"""The report as files that open from disk: `di report --site DIR`. No server, no network, no scripts needed.

It has the same pages as the dashboard, made of the same sections. Links lead from file to file; a link that would lead
nowhere becomes text.
"""

import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, ClassVar

from markupsafe import Markup

from dashboard.render import Section, html_of
from dashboard.static_pages import PAGES, Uncached, pages_of, transcript_of
from dashboard.style import SITE, page, sheet, web
from di_assets.report.lineage.citations import citations
from di_assets.report.published import read_summary
from di_assets.report.reader.episode_index import read_index
from di_assets.report.reader.measured import read_measured
from di_assets.report.reader.transcript import read_transcript
from di_assets.tables import Warehouse

STYLESHEET, SCRIPT = "assets/site.css", "assets/reader.js"
MARKER = ".delegated-influence-site"
# If there are more episodes, only those behind a mark, a quote or a claim have a transcript.
MOST_TRANSCRIPTS = 2_000
# Pages load only the site's own style sheet and script.
POLICY = "; ".join(
    [
        "default-src 'none'",
        "style-src 'self' file: 'unsafe-inline'",
        "script-src 'self' file:",
        "img-src data:",
        "base-uri 'none'",
        "form-action 'none'",
    ]
)
FILES = {name: "index.html" if name == "q1" else f"{name}.html" for name in PAGES}


class SiteError(ValueError):
    """The folder can't be written to; the message is one line that says why."""

    exit_code = 2


def check_folder(folder: Path) -> None:
    """Checks that a report may be written to this folder.

    Raises:
        SiteError: the folder holds something else.
    """
    if folder.exists() and not (folder / MARKER).exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise SiteError(f"--site {folder}: holds something else than a report written here; choose another folder")


def write_site(warehouse: Warehouse, configs: Path, folder: Path) -> int:
    """Writes the whole report into a folder, which is replaced in one step; returns the number of files.

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
    """Every file of the site: its name and its content. The same tables and report give the same bytes."""
    summary = read_summary(warehouse)
    index = read_index(warehouse)
    shown = transcripts(summary, index["episode_id"].to_list())
    names = {episode: file_of(episode) for episode in shown}
    yield MARKER, "written by di report --site\n"
    yield STYLESHEET, sheet(SITE)
    yield SCRIPT, web("site_reader.js")
    for name, sections in pages_of(summary, warehouse, configs, Files(names)):
        yield FILES[name], _file(sections, Files(names), name=name)
    for file in Uncached(warehouse).files(summary).values():
        yield f"downloads/{file.name}", file.made()
    order = [(row["episode_id"], row["batch"]) for row in index.iter_rows(named=True) if row["episode_id"] in shown]
    for at, (episode, batch) in enumerate(order):
        found = read_transcript(warehouse, episode, batch=batch)
        if found is None:
            continue
        before, after = (names[order[to][0]] if 0 <= to < len(order) else None for to in (at - 1, at + 1))
        cited, measured = citations(warehouse, summary, found.episode), read_measured(warehouse, found)
        body = transcript_of(found, cited, measured, before=before, after=after)
        yield f"transcript/{names[episode]}", _file(body, Files(names, up="../"), title=episode, script=SCRIPT)


def transcripts(summary: Mapping[str, Any] | None, episodes: Sequence[str]) -> set[str]:
    """The episodes with a transcript: all if there are few, otherwise those that the report rests on."""
    if len(episodes) <= MOST_TRANSCRIPTS:
        return set(episodes)
    known, cited = set(episodes), set[str]()
    for question in (summary or {"questions": {}})["questions"].values():
        quote = [question["quote"]] if question["quote"] else []
        cited |= {one["episode_id"] for one in (*question["marks"], *quote, *question["rows"]) if "episode_id" in one}
    return cited & known


def file_of(episode_id: str) -> str:
    """The file name for an episode: valid on every system and unique, whatever the id contains."""
    plain = re.sub(r"[^a-z0-9._-]+", "_", episode_id.lower())[:80].strip(".")
    return f"{plain}-{sha256(episode_id.encode()).hexdigest()[:8]}.html"


@dataclass(frozen=True, slots=True)
class Files:
    """Addresses of pages that are files.

    Attributes:
        names: episode -> file of its transcript.
        up: path from the page's folder to the site's folder.
    """

    names: Mapping[str, str] = field(default_factory=dict)
    up: str = ""
    served: bool = False

    def episode(self, episode_id: str, event_id: int | None = None) -> str | None:
        """The file of an episode, and the place of its event in it; None for an episode without a transcript."""
        name = self.names.get(episode_id)
        event = "" if event_id is None else f"#e-{event_id}"
        return None if name is None else f"{self.up}transcript/{name}{event}"

    def page(self, name: str, **query: str) -> str | None:
        """The file of a page; None for two transcripts side by side, which only the dashboard has."""
        return None if name == "compare" and query else f"{self.up}{FILES[name]}"


@dataclass(frozen=True, slots=True)
class Whole:
    """A complete HTML file."""

    template: ClassVar[str] = "whole"
    title: str
    name: str
    pages: Mapping[str, str]
    stylesheet: str
    script: str
    body: Markup
    policy: str = POLICY


def _file(sections: Sequence[Section], place: Files, *, name: str = "", title: str = "", script: str = "") -> str:
    body = page(html_of(sections, place))
    return html_of(
        [
            Whole(
                title=title or PAGES[name],
                name=name,
                pages=PAGES,
                stylesheet=place.up + STYLESHEET,
                script=place.up + script if script else "",
                body=Markup(body),  # noqa: S704 -- of templates
            )
        ],
        place,
    )
