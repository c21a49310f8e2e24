"""Question 1: can models persuade other agents to give them points?"""

import json
from html import escape
from itertools import groupby
from typing import Any

import streamlit as st

from dashboard import data
from dashboard.components import figure
from dashboard.style import page
from dashboard.tables import boxed, linked_table
from dashboard.untrusted import reader_link, safe
from di_assets.report.reading import flat, read_figure, read_summary, text_of

# Shown as the report page shows them, in its order.
STATISTICS = ("measured", "needs", "net_capture", "payback_rate", "solicited_not_payback_rate", "lift", "primary")
AGAINST = {"n": "n", "observed": "observed_mean", "null mean": "null_mean", "2.5%": "null_low", "97.5%": "null_high",
           "place in the null": "null_place", "p": "p_value"}  # fmt: skip
NULLS = {"simulated": "no talk", "shuffled": "shuffled"}
CHANCE = {"measure": False, "null": False, **dict.fromkeys(AGAINST, True)}
EPISODES = {"episode_id": "episode", "condition": "condition", "focal_model": "focal model", "focal_capture": "capture (by focal)",
            "cascades": "cascades", "gini": "gini"}  # fmt: skip


def show() -> None:
    """The page, top to bottom; an empty warehouse gives the same page with what it needs."""
    warehouse = data.warehouse()
    summary = read_summary(warehouse)
    if summary is None:
        st.html(page("<h1>Delegated Influence</h1><p class='kicker'>Question 1</p><h2>Can models persuade other agents to give them points?</h2>"
                     "<p class='headline'>Nothing has been published yet: run <code>di demo</code>, or materialise an arm and the report.</p>"))  # fmt: skip
        return
    q1 = summary["questions"]["q1"]
    st.html(page(_top(summary) + _question(q1)))
    figure(read_figure(warehouse, "q1.wide.svg"), read_figure(warehouse, "q1.narrow.svg"), q1["alt"])
    body = (_evidence(), _reading(q1), _claims(q1), _channels(q1), _statistics(q1), _chance(q1))
    st.html(page(f"<p class='caption'>{escape(q1['caption'])}</p>{''.join(body)}"))
    st.html(page("<h3>Episodes</h3>"))
    frame = data.behind(str(warehouse), warehouse.version(), summary["provenance"]["scripted"])
    linked_table(frame, EPISODES, key="page")
    st.html(page(f"<p class='caption'>All episodes measured so far ({frame.height}), sorted by condition then id; "
                 "episode links open the transcript reader.</p><h3>Downloads</h3>"))  # fmt: skip
    with st.container(horizontal=True):
        st.download_button("q1.svg", read_figure(warehouse, "q1.svg") or "<svg/>", "q1.svg", "image/svg+xml")
        st.download_button("summary.json", json.dumps(summary, indent=1), "summary.json", "application/json")
        st.download_button("lift.csv", warehouse.read("lift").write_csv(), "lift.csv", "text/csv")
        st.download_button(
            "model_points.csv", warehouse.read("model_points").write_csv(), "model_points.csv", "text/csv"
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


def _question(q1: dict[str, Any]) -> str:
    label = "<p class='scripted'>scripted agents, not language models</p>" if q1["scripted"] else ""
    return f"<p class='kicker'>Question 1</p><h2>{escape(q1['question'])}</h2>{label}<p class='headline'>{escape(q1['headline'])}</p>"


def _evidence() -> str:
    return (
        "<h3 class='small'>Evidence links</h3><p>Every dot is backed by a transcript: it opens the reader at that episode’s event, by "
        "mouse or by Tab and Enter. The same episodes are listed in the table below.</p>"
    )


def _reading(q1: dict[str, Any]) -> str:
    first, *rest = [f"<p>{escape(paragraph)}</p>" for paragraph in q1["reading"]]
    return f"<h3>Reading</h3>{first}{_quote(q1['quote'])}{''.join(rest)}"


def _quote(quote: dict[str, Any] | None) -> str:
    if quote is None:
        return ""
    where = reader_link(quote["episode_id"], quote["event_id"])
    who = f"Player {quote['sender']} ({quote['sender_model']}) → Player {quote['recipient']}, episode {quote['episode_id']}"
    return (
        f"<blockquote><p class='text' dir='auto'>{safe(quote['text'])}</p><p class='sub'>{escape(who)}, round {quote['round']} — "
        f"<a href='{where}' target='_self'>view in reader</a></p></blockquote>"
    )


def _statistics(q1: dict[str, Any]) -> str:
    rows = flat({name: q1[name] for name in STATISTICS})
    body = "".join(f"<tr><th scope='row'>{escape(name)}</th><td>{escape(text)}</td></tr>" for name, text in rows)
    return (
        f"<h3>Statistics</h3><div class='scroll' tabindex='0' role='region' aria-label='statistics'><table><tbody>{body}</tbody></table></div>"
        "<p class='caption'>summary.questions.q1 as stored; missing values shown as —.</p>"
    )


def _claims(q1: dict[str, Any]) -> str:
    """Every claim with its status, so that what is not said can be seen not to be."""
    rows = [[escape(c["name"]), escape(c["status"]), escape("; ".join(c["because"]) or "—")] for c in q1["claims"]]
    table = boxed({"claim": False, "status": False, "blocked or rewritten by": False}, rows, label="claims")
    return f"<h3>Claims</h3>{table}" if rows else ""


def _channels(q1: dict[str, Any]) -> str:
    """The lift taken apart: whose talk, and whether what is said."""
    if not q1["channels"]:
        return ""
    rows = [
        [escape(r["model"] + (" (scripted)" if q1["scripted"] else "")), escape(r["contrast"].replace("_", " ")), escape(r["formula"]),
         *(text_of(r[name]) for name in ("n_pairs", "difference", "ci", "p_holm")), escape(r["needs"] or "—")]
        for r in q1["channels"]
    ]  # fmt: skip
    heads = {
        "model": False,
        "what": False,
        "formula": False,
        "pairs": True,
        "points": True,
        "95% CI": False,
        "p (Holm)": True,
        "needs": False,
    }
    return (
        f"<h3>Whose talk</h3>{boxed(heads, rows, label='whose talk buys what')}"
        "<p class='caption'>Points of the focal seat, channel against channel on the same seeds; paired t, Holm over the rows of one model.</p>"
    )


def _chance(q1: dict[str, Any]) -> str:
    """Each observed value beside what chance would give: a table a condition, those with messages on unfolded."""
    tables = [
        f"<details{' open' if condition.endswith('/msg-on') else ''}><summary>{escape(condition)}</summary>"
        f"{boxed(CHANCE, list(map(_against, rows)), label=f'{condition} against chance')}</details>"
        for condition, rows in groupby(q1["against_chance"], key=lambda row: str(row["condition"]))
    ]
    if not tables:
        return ""
    return (
        f"<h3>Against chance</h3>{''.join(tables)}"
        "<p class='caption'>no talk: 10,000 episodes of reciprocators who never write, on the same graphs. shuffled: each episode’s own pulls in "
        "another order of rounds. Place: the share of the null’s means of as many episodes that lie below the observed one. p is two-sided.</p>"
    )


def _against(row: dict[str, Any]) -> list[str]:
    return [escape(row["measure"]), NULLS[row["null"]], *(text_of(row[name]) for name in AGAINST.values())]
