"""A transcript as a file: as small as it can be, for a bundle holds hundreds, and whole where no script runs."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from html import escape
from itertools import groupby

from dashboard.reader_events import LANES, legend, listed_text, notes_of, pull_words
from dashboard.reader_view import View
from dashboard.untrusted import hidden, name_of, safe
from di_assets.report.lineage.citations import Citation
from di_assets.report.named import named
from di_assets.report.reader.choosing import Wanted, lanes
from di_assets.report.reader.transcript import Event, Transcript

KEYS = (
    "<p class='keys'>Keys: <kbd>j</kbd> next event, <kbd>k</kbd> the one before; with <kbd>Shift</kbd>, of the same seat; <kbd>n</kbd> next "
    "episode, <kbd>p</kbd> the one before; <kbd>/</kbd> search; <kbd>b</kbd> judge blind</p>"
)
CONTROLS = (
    "<form class='only-script' role='search'><label>search <input id='q' maxlength='200' autocomplete='off'></label> "
    "<label>by or to <select id='seat'></select></label> <label>kind <select id='kind'><option value=''>all</option><option>message</option>"
    "<option>pull</option></select></label> <label><input type='checkbox' id='blind'> judge blind</label> <span id='found' role='status'></span></form>"
)


class LocalView(View):
    """An episode whose events are on this page."""

    __slots__ = ()

    def link(self, event_id: int | None = None, *, episode_id: str | None = None, **changed: str) -> str:
        """The event's place on the page."""
        del episode_id, changed
        return "#" if event_id is None else f"#e-{event_id}"


def transcript_of(
    found: Transcript, cited: Sequence[Citation], *, before: str | None, after: str | None, about: Mapping[str, str]
) -> str:
    """The whole page of an episode.

    Args:
        found: the episode.
        cited: what in the report rests on it.
        before: file of the episode before it.
        after: file of the one after it.
        about: channel -> what is said of it.
    """
    episode = found.episode
    view = LocalView(episode["episode_id"], None, None, blind=False, fold=False, wanted=Wanted(), seat=None, filters={})
    label = "<p class='scripted'>played by scripted agents</p>" if episode["scripted"] else ""
    if not episode["scripted"] and any(seat["kind"] == "scripted" for seat in found.seats):
        label = "<p class='scripted'>scripted agents play among the models</p>"
    facts = (
        f"{episode['condition']} · seed {episode['seed']} · {episode['n_rounds']} rounds · {episode['n_calls']:,} calls"
    )
    facts += f" · {episode['n_forfeits']} forfeits · ${episode['cost_usd']:.4f}"
    channel = about.get(episode["channel"], "")
    counts = sum((hidden(event.text or "") for event in found.events), start=hidden(""))
    return (
        f"<h1 class='lesser text named'>{safe(episode['episode_id'])}</h1>{label}<p class='provenance'>{safe(facts)}</p>"
        + (f"<p>{channel}</p>" if channel else "")
        + f"<nav aria-label='episodes' class='ways'>{_way(before, '← previous episode', 'p')}{_way(after, 'next episode →', 'n')}</nav>"
        + f"{KEYS}{CONTROLS}{_lanes(found)}{_cited(cited)}{_events(found, view)}"
        + legend(counts, {one: name_of(one) for one in counts})
        + "<p class='caption'>Raw calls and prompts are in the tables: <code>di trace EPISODE</code> and the dashboard show them.</p>"
    )


def _way(file: str | None, words: str, key: str) -> str:
    return f"<a href='{file}' data-key='{key}'>{words}</a>" if file else f"<span class='off'>{words}</span>"


def _cited(cited: Sequence[Citation]) -> str:
    rows = "".join(
        f"<li>{'' if one.event_id is None else f'<a href=#e-{one.event_id}>#{one.event_id}</a> '}{safe(one.what)}</li>"
        for one in cited
    )
    return (
        f"<details class='more named'><summary>Cited by ({len(cited)})</summary><ul>{rows}</ul></details>"
        if cited
        else ""
    )


def _lanes(found: Transcript) -> str:
    """A lane a seat: whom it pulled in each round, each a link to the pull; and its points in the end."""
    if not found.events:
        return ""
    table, points = lanes(found), found.scores.get(found.rounds[-1], ())
    head = "".join(f"<th scope='col'>{number}</th>" for number in found.rounds)
    rows = []
    for seat, label in sorted(enumerate(found.labels), key=lambda one: one[1]):
        one = found.seats[seat]
        model = safe(named(one["model"], scripted=one["kind"] == "scripted"))
        cells = "".join(
            "<td>—" if cell is None
            else f"<td><a href=#e-{cell.event_id}>{'–' if cell.target is None else escape(found.labels[cell.target])}</a>"
            for cell in table[seat]
        )  # fmt: skip
        score = f"<td class=n>{points[seat]:g}" if points else ""
        rows.append(
            f"<tr class=lane{seat % LANES}><th scope=row><b>{escape(label)}</b><small class=named>{model}</small>{cells}{score}"
        )
    return (
        "<div class='scroll' tabindex='0' role='region' aria-label='pulls by seat and round'><table class='lanes'><thead><tr><th scope='col'>seat</th>"
        f"{head}<th scope='col' class='n'>points</th></tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
        "<p class='caption'>Whom each seat pulled, round by round.</p>"
    )


def _events(found: Transcript, view: View) -> str:
    parts = []
    for number, events in groupby(found.events, key=lambda event: event.round):
        rows = "".join(_event(found, event, view) for event in events)
        score = ""
        if number in found.scores:
            told = ", ".join(
                f"{label} {score:g}" for label, score in sorted(zip(found.labels, found.scores[number], strict=True))
            )
            score = f"<p class=score>Points after round {number}: {escape(told)}"
        parts.append(f"<section class=round><h2 class=round>Round {number}</h2>{rows}{score}</section>")
    return "".join(parts) or "<p>No event is stored: events are stored when an episode is complete.</p>"


def _event(found: Transcript, event: Event, view: View) -> str:
    """One event, in as few bytes as HTML allows."""
    label = escape(found.labels[event.seat])
    other = "—" if event.other is None else escape(found.labels[event.other])
    body = pull_words(event, other) if event.text is None else listed_text(event.text, whole=True)
    # What a message brought stands at each pull it was asked in.
    brief = replace(event, answers=replace(event.answers, brought=()))
    notes = re.sub(r"href='(#e-\d+)' target='_self'", r"href=\1", " · ".join(notes_of(brief, view)))
    return (
        f"<div class='ev lane{event.seat % LANES}{'' if event.text is not None else ' pull'}' id=e-{event.event_id}><a class=id href=#e-{event.event_id}>#{event.event_id}</a>"
        f"<b>{label}</b> → {other}<p>{body}</p>{f'<i>{notes}</i>' if notes else ''}</div>"
    )
