"""The reader's list of events, round by round, and the lanes above it, as HTML."""

from collections.abc import Mapping, Sequence
from html import escape
from itertools import groupby
from typing import Any

from dashboard.reader_view import View
from dashboard.untrusted import safe
from di_assets.report.named import named
from di_assets.report.reader.choosing import Cell, first_events, lanes
from di_assets.report.reader.seen import Seen
from di_assets.report.reader.transcript import Event, Transcript

LANES = 6
# Of a message that is not the linked one; longer than any that the usual rules let through.
MOST_LISTED, MOST_LINES = 1_200, 30


def lane_table(found: Transcript, view: View) -> str:
    """A lane a seat: whom it pulled in each round, how many messages it wrote before, and its points in the end."""
    now = found.events[view.marked].round if view.marked is not None else None
    starts, table, points = first_events(found), lanes(found), found.scores.get(found.rounds[-1], ())
    head = "".join(
        f"<th scope='col'{_now(number, now)}><a href='{view.link(starts[number], round='')}' target='_self' aria-label='round {number}'>{number}</a></th>"
        for number in found.rounds
    )
    rows = []
    for seat, label in sorted(enumerate(found.labels), key=lambda one: one[1]):
        cells = "".join(
            f"<td{_now(number, now)}>{_cell(found, view, cell, label, number)}</td>"
            for number, cell in zip(found.rounds, table[seat], strict=True)
        )
        score = f"<td class='n'>{points[seat]:g}</td>" if points else ""
        rows.append(
            f"<tr class='lane{seat % LANES}'><th scope='row'><b>{escape(label)}</b>{_model(found, seat, view)}</th>{cells}{score}</tr>"
        )
    return (
        "<div class='scroll' tabindex='0' role='region' aria-label='pulls by seat and round'><table class='lanes'>"
        f"<thead><tr><th scope='col'>seat</th>{head}<th scope='col' class='n'>points</th></tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
        "<p class='caption'>Whom each seat pulled, round by round; below each letter, how many messages the seat had written in that round.</p>"
    )


def _cell(found: Transcript, view: View, cell: Cell | None, label: str, number: int) -> str:
    if cell is None:
        return "—"
    target = "–" if cell.target is None else found.labels[cell.target]
    lane = "" if cell.target is None else f" class='lane{cell.target % LANES}'"
    told = (
        f"round {number}: {label} {'forfeits' if cell.target is None else 'pulls ' + target}, {cell.messages} messages"
    )
    # The list below holds the same links; a stop for each would bury what comes after.
    return (
        f"<a href='{view.link(cell.event_id, round='')}' target='_self' tabindex='-1'{lane} aria-label='{escape(told)}'>{escape(target)}</a>"
        f"<small>{cell.messages or ''}</small>"
    )


def _now(number: int, now: int | None) -> str:
    return " class='now'" if number == now else ""


def _model(found: Transcript, seat: int, view: View) -> str:
    """The model behind a letter, with what is scripted labelled so; nothing while it is judged blind."""
    if view.blind:
        return ""
    one = found.seats[seat]
    return f"<small>{safe(named(one['model'], scripted=one['kind'] == 'scripted'))}</small>"


def event_list(
    found: Transcript,
    shown: Sequence[Event],
    view: View,
    *,
    seen: Seen | None,
    written: Mapping[int, str],
    cited: Mapping[int, Sequence[str]],
) -> str:
    """Every event that is shown, in its round, with the points after it as far as they are told."""
    now = found.events[view.marked].round if view.marked is not None else None
    parts = []
    for number, events in groupby(shown, key=lambda event: event.round):
        rows = "".join(
            _event(found, event, view, seen=seen, written=written, cited=cited.get(event.event_id, ()))
            for event in events
        )
        closed = view.fold and number != now
        parts.append(
            f"<details class='round'{'' if closed else ' open'}><summary><h3>Round {number}</h3></summary>{rows}{_score(found, number, seen, now)}</details>"
        )
    return "".join(parts) or "<p>No event matches.</p>"


def _score(found: Transcript, number: int, seen: Seen | None, now: int | None) -> str:
    """Points after a round; in a seat's view only what it had been told."""
    hides = seen is not None and (seen.points is None or (now is not None and number >= now))
    if number not in found.scores or hides:
        return ""
    points = sorted(zip(found.labels, found.scores[number], strict=True))
    told = ", ".join(f"{label} {score:g}" for label, score in points)
    return f"<p class='score'>Points after round {number}: {escape(told)}</p>"


def _event(
    found: Transcript, event: Event, view: View, *, seen: Seen | None, written: Mapping[int, str], cited: Sequence[str]
) -> str:
    """One event; in a seat's view without what no seat knows."""
    label = found.labels[event.seat]
    other = "—" if event.other is None else found.labels[event.other]
    on = event.event_id == view.marked
    body = escape(pull_words(event, other)) if event.text is None else listed_text(event.text, whole=on)
    if seen is None:
        more = _wrote(written.get(event.event_id), label, whole=on) + _note(
            " · ".join([*notes_of(event, view), *_citing(cited, view)])
        )
        model, tokens = _model(found, event.seat, view), _tokens(event)
    else:
        more = _note(_news(event, seen)) if on else ""
        model = tokens = ""
    state = " on' aria-current='true' tabindex='-1" if on else ""
    return (
        f"<div class='ev lane{event.seat % LANES}{state}' role='article' aria-label='event {event.event_id}, {event.kind}, {escape(label)} to {escape(other)}'>"
        f"<span class='id'><a href='{view.link(event.event_id)}' target='_self'>#{event.event_id}</a> r{event.round}</span>"
        f"<span class='who'><b>{escape(label)}</b> → {escape(other)}{model}</span>"
        f"<div class='say'><div class='text' dir='auto'>{body}</div>{more}</div>{tokens}</div>"
    )


def listed_text(text: str, *, whole: bool) -> str:
    """A message; the linked one as long as any text is shown."""
    return safe(text) if whole else safe(text, most=MOST_LISTED, lines=MOST_LINES)


def _wrote(text: str | None, label: str, *, whole: bool) -> str:
    """What the sender wrote, where something else arrived."""
    if text is None:
        return ""
    note = _note(f"Above is what arrived, filler of the same length. {escape(label)} wrote:")
    return f"<div class='wrote'>{note}<div class='text' dir='auto'>{listed_text(text, whole=whole)}</div></div>"


def _news(event: Event, seen: Seen) -> str:
    """Why the linked event stands among what a seat knew, although nobody knew of it yet."""
    own = event.seat == seen.seat
    return "its own, in answer to what stands above" if own else "not known to it at that moment: it came afterwards"


def _note(html: str) -> str:
    return f"<span class='note'>{html}</span>" if html else ""


def notes_of(event: Event, view: View) -> list[str]:
    """What is said of an event, as HTML; events that belong to it are links."""
    notes = [safe(label) for label in event.labels]
    notes += [event.pull_kind] if event.pull_kind else []
    notes += ["cut to the most a message may hold"] if event.status == "cut" else []
    for words, events in (
        ("asked for in", event.answers.asked_in),
        ("repays", event.answers.repays),
        ("brought", event.answers.brought),
    ):
        links = [f"<a href='{view.link(other, round='')}' target='_self'>#{other}</a>" for other in events]
        notes += [f"{words} {' '.join(links)}"] if links else []
    return notes


def _citing(cited: Sequence[str], view: View) -> list[str]:
    """What cites an event; blind, only that something does, for it names models."""
    if view.blind and cited:
        return ["cited"]
    return [f"cited by {safe(what)}" for what in cited]


def _tokens(event: Event) -> str:
    """Tokens that the model wrote for it; nothing where no server told any, or none were written."""
    return f"<span class='tok'>{event.output_tokens:,} tok</span>" if event.output_tokens else ""


def pull_words(event: Event, other: str) -> str:
    """What a pull does, in words."""
    return {"valid": f"pulls for {other} (+1)", "kept": "keeps the pull", "forfeit": "forfeits the pull"}[event.status]


def legend(counts: Mapping[str, int], names: Mapping[str, str]) -> str:
    """What the chips on the page stand for; nothing where there are none."""
    if not counts:
        return ""
    told = "".join(
        f"<li><code class='di-chip'>{escape(label)}</code> {escape(names[label])}, {n:,} time{'s' if n > 1 else ''}</li>"
        for label, n in sorted(counts.items())[:50]
    )
    return f"<details class='more'><summary>Hidden characters that are shown as labels ({len(counts)})</summary><ul>{told}</ul></details>"


def failure_of(episode: Mapping[str, Any]) -> str:
    """Why an unfinished episode is unfinished."""
    if episode["status"] == "complete":
        return ""
    return f"<p role='alert' class='alert text'>{escape(episode['status'])}: {safe(episode['failure'] or 'no reason is stored')}</p>"
