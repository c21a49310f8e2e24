"""The question pages: one module, a specification each. They read what is published and compute nothing."""

import json
from collections.abc import Callable, Mapping
from html import escape
from io import BytesIO
from typing import Any

import polars as pl
import streamlit as st

from dashboard import data
from dashboard.components import figure
from dashboard.style import page
from dashboard.tables import boxed, linked_table
from dashboard.untrusted import reader_link, safe
from di_assets.report.figures import png
from di_assets.report.published import are_records, flat, text_of
from di_assets.report.questions import registry
from di_assets.report.questions.question import Question, Section, SectionTable
from di_assets.tables import Warehouse
from di_assets.tables.spreadsheet import SAID, safe_csv

EPISODES = {"episode_id": "episode", "condition": "condition", "focal_model": "focal model", "focal_capture": "capture (by focal)",
            "cascades": "cascades", "gini": "gini"}  # fmt: skip
QUESTIONS = tuple(registry.QUESTIONS.values())


def page_of(spec: Question) -> Callable[[], None]:
    """What draws a question's page."""
    return lambda: show(spec)


def show(spec: Question) -> None:
    """The page, top to bottom; an empty warehouse gives the same page with what it needs."""
    warehouse = data.warehouse()
    root, version = str(warehouse), warehouse.version()
    summary = data.summary(root, version)
    if summary is None or spec.name not in summary["questions"]:
        st.html(page(nothing_yet(spec)))
        return
    question = summary["questions"][spec.name]
    st.html(page(above_figure(spec, summary)))
    figure(
        data.rendering(root, version, f"{spec.name}.wide.svg"),
        data.rendering(root, version, f"{spec.name}.narrow.svg"),
        question["alt"],
    )
    st.html(page(below_figure(spec, question)))
    st.html(page("<h3>Episodes</h3>"))
    frame = data.behind(root, version, summary["provenance"]["scripted"])
    linked_table(frame, EPISODES, key="page")
    st.html(page(about_episodes(frame.height) + "<h3>Downloads</h3>"))
    _downloads(spec, summary, warehouse, version)


def above_figure(spec: Question, summary: dict[str, Any]) -> str:
    """Title, provenance, the question and its headline."""
    return _top(summary) + _question(spec, summary["questions"][spec.name])


def below_figure(spec: Question, question: dict[str, Any]) -> str:
    """Caption, reading, claims and statistics."""
    body = (
        _evidence(spec),
        _reading(question),
        _claims(question),
        *(_section(section, question) for section in spec.sections),
        _statistics(spec, question),
    )
    return f"<p class='caption'>{escape(question['caption'])}</p>{''.join(body)}"


def about_episodes(n: int) -> str:
    """What the table of episodes holds."""
    return (
        f"<p class='caption'>All episodes measured so far ({n}), sorted by condition then id; "
        "episode links open the transcript reader.</p>"
    )


def nothing_yet(spec: Question) -> str:
    """A page before anything is published."""
    return (
        f"<h1>Delegated Influence</h1><p class='kicker'>{spec.title}</p><h2>{escape(spec.asks)}</h2>"
        "<p class='headline'>Nothing has been published yet: run <code>di demo</code>, or materialise an arm and the report.</p>"
    )


def _top(summary: dict[str, Any]) -> str:
    origin = summary["provenance"]
    line = f"<code>{escape(origin['commit'])}</code> · generated {escape(origin['generated'][:10])} · {origin['n_episodes']} episodes"
    line += " · scripted agents" if origin["scripted"] else ""
    line += f" · {origin['scripted_left_out']} scripted episodes left out" if origin["scripted_left_out"] else ""
    return (
        f"<h1>{escape(summary['title'])}</h1><p class='sub'>{escape(summary['subtitle'])}</p>"
        f"<p class='provenance'>{line} · {escape(origin['status'])}</p>"
    )


def _question(spec: Question, question: dict[str, Any]) -> str:
    label = "<p class='scripted'>scripted agents, not language models</p>" if question["scripted"] else ""
    return (
        f"<p class='kicker'>{spec.title}</p><h2>{escape(question['question'])}</h2>{label}"
        f"<p class='headline'>{safe(question['headline'])}</p>"
    )


def _evidence(spec: Question) -> str:
    return (
        f"<h3 class='small'>Evidence links</h3><p>Every {spec.mark} is backed by a transcript: it opens the reader at that episode’s event, by "
        "mouse or by Tab and Enter. The same episodes are listed in the table below.</p>"
    )


def _reading(question: dict[str, Any]) -> str:
    first, *rest = [f"<p>{escape(paragraph)}</p>" for paragraph in question["reading"]]
    return f"<h3>Reading</h3>{first}{_quote(question['quote'])}{''.join(rest)}"


def _quote(quote: dict[str, Any] | None) -> str:
    if quote is None:
        return ""
    where = reader_link(quote["episode_id"], quote["event_id"])
    who = f"Player {quote['sender']} ({quote['sender_model']}) → Player {quote['recipient']}, episode {quote['episode_id']}"
    return (
        f"<blockquote><p class='text' dir='auto'>{safe(quote['text'])}</p><p class='sub'>{escape(who)}, round {quote['round']} — "
        f"<a href='{where}' target='_self'>view in reader</a></p></blockquote>"
    )


def _claims(question: dict[str, Any]) -> str:
    """Every claim with its status, so that what is not said can be seen not to be."""
    rows = [
        [escape(c["name"]), escape(c["status"]), escape("; ".join(c["because"]) or "—")] for c in question["claims"]
    ]
    table = boxed({"claim": False, "status": False, "blocked or rewritten by": False}, rows, label="claims")
    return f"<h3>Claims</h3>{table}" if rows else ""


def _section(section: Section, question: dict[str, Any]) -> str:
    """A further section; nothing where it has no tables."""
    tables = "".join(map(_section_table, section.tables(question)))
    return f"<h3>{escape(section.heading)}</h3>{tables}<p class='caption'>{escape(section.note)}</p>" if tables else ""


def _section_table(table: SectionTable) -> str:
    body = boxed(table.columns, [list(map(escape, row)) for row in table.rows], label=table.label)
    if table.folded is None:
        return body
    return f"<details{' open' if table.unfolded else ''}><summary>{escape(table.folded)}</summary>{body}</details>"


def _statistics(spec: Question, question: dict[str, Any]) -> str:
    lists = {name: question[name] for name in spec.statistics if are_records(question[name])}
    rows = flat({name: question[name] for name in spec.statistics if name not in lists})
    body = "".join(f"<tr><th scope='row'>{escape(name)}</th><td>{escape(text)}</td></tr>" for name, text in rows)
    return (
        f"<h3>Statistics</h3><div class='scroll statistics' tabindex='0' role='region' aria-label='statistics'><table><tbody>{body}</tbody></table></div>"
        f"{''.join(_records(name, records) for name, records in lists.items())}"
        f"<p class='caption'>summary.questions.{spec.name} as stored; missing values shown as —.</p>"
    )


def _records(name: str, records: list[dict[str, Any]]) -> str:
    """Records as a folded table, a column a key."""
    columns = {key: any(isinstance(record[key], int | float) for record in records) for key in records[0]}
    rows = [[escape(text_of(record[key])) for key in columns] for record in records]
    return f"<details><summary>{escape(name)} ({len(records)})</summary>{boxed(columns, rows, label=name)}</details>"


def _downloads(spec: Question, summary: dict[str, Any], warehouse: Warehouse, version: str) -> None:
    """The figure, the summary, the table behind the figure and those that it was made from; each made when asked for."""
    rows, name, root = summary["questions"][spec.name].get("rows"), spec.name, str(warehouse)
    with st.container(horizontal=True):
        _offer(f"{name}.svg", "image/svg+xml", lambda: data.rendering(root, version, f"{name}.svg") or "<svg/>")
        _offer(f"{name}.png", "image/png", lambda: png(data.rendering(root, version, f"{name}.svg")))
        _offer("summary.json", "application/json", lambda: json.dumps(summary, indent=1))
        frames: dict[str, Callable[[], pl.DataFrame]] = {} if rows is None else {name: lambda: frame_of(rows)}
        frames |= {table: _reader(warehouse, table) for table in spec.tables}
        for file, made in frames.items():
            _offer(f"{file}.csv", "text/csv", csv_of(made))
            _offer(f"{file}.parquet", "application/vnd.apache.parquet", parquet_of(made))
    if frames:
        st.caption(SAID)


def _offer(file: str, kind: str, made: Callable[[], str | bytes]) -> None:
    st.download_button(file, made, file, kind, on_click="ignore", key=file)


def _reader(warehouse: Warehouse, table: str) -> Callable[[], pl.DataFrame]:
    return lambda: warehouse.read(table)


def frame_of(rows: list[Mapping[str, Any]]) -> pl.DataFrame:
    """The table behind a figure, as the summary has it."""
    return pl.DataFrame(rows, infer_schema_length=None)


def csv_of(made: Callable[[], pl.DataFrame]) -> Callable[[], str]:
    """What writes a table as CSV once it is asked for; text that a spreadsheet would run begins with an apostrophe."""
    return lambda: safe_csv(made())


def parquet_of(made: Callable[[], pl.DataFrame]) -> Callable[[], bytes]:
    """What writes a table as Parquet once it is asked for."""

    def written() -> bytes:
        buffer = BytesIO()
        made().write_parquet(buffer)
        return buffer.getvalue()

    return written
