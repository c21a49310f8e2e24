"""The pages of the static site: what the dashboard shows; widgets are replaced by what can be shown at once."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape, unescape
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

import polars as pl
from markupsafe import Markup

from dashboard.parts import Downloads, Drawing, File, Heading, Part, Rows, Title, Words, drawing
from dashboard.render import Place, Section, html_of
from dashboard.sections.arms import Problem, arms_section
from dashboard.sections.compare import compared_top, comparison_drawing, pairs_of
from dashboard.sections.downloads import downloads
from dashboard.sections.episodes import COLUMNS, counted
from dashboard.sections.events import Beyond, event_section, lane_section
from dashboard.sections.lineage import walk_of
from dashboard.sections.measured import measured_section
from dashboard.sections.question import QUESTIONS, question_page
from dashboard.sections.reader import CitedBy, Controls, FilesNote, Way, Ways, legend, reader_top
from dashboard.sections.view import LocalView
from di_assets.report.compare import Comparison, Side, caption, compare, read_known
from di_assets.report.lineage.citations import Citation, models_of
from di_assets.report.lineage.trace import TraceError, trace_model
from di_assets.report.progress.arms import ProgressError, read_progress
from di_assets.report.published import all_episodes, episodes_behind, read_figure
from di_assets.report.reader.measured import Measured
from di_assets.report.reader.transcript import Transcript
from di_assets.tables import Warehouse

# Number of rows in the table of all episodes.
MOST_ROWS = 5_000
# Number of pairs of arms that are compared; the dashboard can compare any two.
MOST_COMPARED = 6
PAGES = {**{spec.name: spec.title for spec in QUESTIONS}, "episodes": "Episodes", "arms": "Arms", "compare": "Compare",
         "lineage": "Lineage"}  # fmt: skip


_HREF = re.compile(r"""<a ([^>]*?)href=(['"])(.*?)\2([^>]*)>(.*?)</a>""", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Folded:
    """Sections under a line that unfolds them."""

    template: ClassVar[str] = "folded"
    summary: str
    opened: bool
    body: Markup


@dataclass(frozen=True, slots=True)
class Uncached:
    """What a question page reads from a warehouse, without a cache."""

    warehouse: Warehouse

    def figure(self, name: str) -> str:
        """An SVG of the report."""
        return read_figure(self.warehouse, name)

    def behind(self, *, scripted: bool) -> pl.DataFrame:
        """The episodes behind a question."""
        return episodes_behind(self.warehouse, scripted=scripted)

    def summary(self) -> str:
        """summary.json as published."""
        return self.warehouse.read_report("summary.json") or ""

    def table(self, name: str) -> pl.DataFrame:
        """A table of the contract."""
        return self.warehouse.read(name)

    def files(self, summary: Mapping[str, Any] | None) -> dict[str, File]:
        """The downloads that pages offer: name -> file."""
        if summary is None:
            return {}
        of = (
            downloads(spec.name, spec.tables, summary, self) for spec in QUESTIONS if spec.name in summary["questions"]
        )
        return {file.name: file for offered in of for file in offered.bundled().files}


def pages_of(
    summary: dict[str, Any] | None, warehouse: Warehouse, configs: Path, place: Place
) -> Iterator[tuple[str, list[Section]]]:
    """Every page except the transcripts: its name and its sections."""
    for spec in QUESTIONS:
        yield spec.name, placed(question_page(spec, summary, Uncached(warehouse)), place)
    yield "episodes", placed([Title("Episodes"), *_episodes(all_episodes(warehouse))], place)
    yield "arms", [Title("Arms"), *_arms(warehouse, configs)]
    yield "compare", [Title("Compare"), *_compare(warehouse, place)]
    yield "lineage", [Title("Lineage"), *_lineage(summary, warehouse, place)]


def placed(parts: Iterable[Part], place: Place) -> list[Section]:
    """Parts as sections: links of figures lead to files, and of a long table only the first rows are shown."""
    sections: list[Section] = []
    for part in parts:
        if isinstance(part, Rows):
            heading = [Heading(part.title)] if part.title else []
            sections += [*heading, part.table(0, MOST_ROWS), *_more(part.frame.height)]
        elif isinstance(part, Drawing):
            sections.append(drawing(_linked(part.wide, place), _linked(part.narrow, place), part.alt))
        else:
            sections.append(part.bundled() if isinstance(part, Downloads) else part)
    return sections


def _linked(svg: str, place: Place) -> str:
    """A figure whose dashboard links become links to files. Marks of episodes without a file lose their link."""

    def made(found: re.Match[str]) -> str:
        before, _, address, after, text = found.groups()
        parts = urlsplit(unescape(address))
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if parts.scheme or parts.netloc or parts.path not in {"transcript", "compare"}:
            raise ValueError(f"a figure links to nothing in the report: {address[:80]}")
        if parts.path == "transcript":
            to = place.episode(asked["episode"], int(asked["event"]) if "event" in asked else None)
        else:
            to = place.page("compare", **asked)
        return text if to is None else f"<a {before}href='{escape(to)}'{after}>{text}</a>"

    return _HREF.sub(made, svg)


def _more(n: int) -> list[Section]:
    if n <= MOST_ROWS:
        return []
    return [Words(f"The first {MOST_ROWS:,} of {n:,};", "caption", command="di export", after=" writes all.")]


def _episodes(every: pl.DataFrame) -> list[Part]:
    if every.is_empty():
        return [Words("No episode has been played yet.")]
    return [counted(every, live=False), Rows(every, COLUMNS)]


def _arms(warehouse: Warehouse, configs: Path) -> list[Section]:
    """How far the arms had come, without what is still to come: only what stays true is written."""
    try:
        arms = read_progress(configs, warehouse, estimates={})
    except ProgressError as problem:
        return [Problem(str(problem))]
    return arms_section(arms, None, pending=False, where={})


def _compare(warehouse: Warehouse, place: Place) -> list[Section]:
    """Arms that share seeds; all except the first two are folded."""
    of = [compare(warehouse, Side(left), Side(right)) for left, right in read_known(warehouse).shared[:MOST_COMPARED]]
    comparisons: list[Section] = [_comparison(one, place, first=one is of[0]) for one in of if one.gap is not None]
    return comparisons or [Words("Nothing can be compared yet.")]


def _comparison(found: Comparison, place: Place, *, first: bool) -> Folded:
    body: list[Part] = [
        compared_top(found),
        comparison_drawing(found),
        Words(caption(found), "caption"),
        pairs_of(found, 0, MOST_ROWS),
        *_more(found.pairs.height),
    ]
    return _folded(f"{found.left.name} beside {found.right.name}", body, place, opened=first)


def _lineage(summary: Mapping[str, Any] | None, warehouse: Warehouse, place: Place) -> list[Section]:
    """The trace of every model under every question, folded."""
    walks: list[Section] = []
    for name, question in (summary or {"questions": {}})["questions"].items():
        for model in models_of(question):
            try:
                walked: list[Section] = walk_of(trace_model(warehouse, name, model))
            except TraceError as problem:
                walked = [Problem(str(problem))]
            walks.append(_folded(f"{PAGES[name]}: {model}", walked, place, opened=False))
    return walks or [Words("There is no number to trace back yet.")]


def _folded(summary: str, parts: Iterable[Part], place: Place, *, opened: bool) -> Folded:
    return Folded(summary, opened, Markup(html_of(placed(parts, place), place)))  # noqa: S704 -- of templates


def transcript_of(
    found: Transcript,
    cited: Sequence[Citation],
    measured: Sequence[Measured],
    *,
    before: str | None,
    after: str | None,
) -> list[Section]:
    """The page of an episode; complete also if scripts do not run.

    Args:
        found: the episode.
        cited: what in the report rests on it.
        measured: what is shown of its measures.
        before: file of the previous episode.
        after: file of the next episode.
    """
    view = LocalView(found.episode["episode_id"])
    onward = [Way("← previous episode", before, "p"), Way("next episode →", after, "n")]
    return [
        reader_top(found, view),
        Ways("episodes", onward),
        Controls(),
        *([lane_section(found, view)] if found.events else []),
        CitedBy(view, cited),
        # The pulls that a message brought are not listed with it: each of these pulls names the message.
        event_section(found, found.events, view, Beyond(brought=False)),
        legend(found.events),
        *measured_section(measured),
        FilesNote(),
    ]
