"""`di show`: the messages and pulls of an episode."""

import json
from collections.abc import Sequence
from typing import Any

import click

from di_assets.cli.command import Verb
from di_assets.cli.endings import BadInput
from di_assets.cli.stored import no_episode, warehouse_of
from di_assets.report.reader.transcript import Event, read_transcript
from di_assets.tables.words import SCRIPTED


@click.command(cls=Verb)
@click.argument("episode")
@click.option("--event", type=click.IntRange(min=0), help="Only this event.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object an event.")
@click.pass_obj
def show(options: dict[str, str], episode: str, event: int | None, as_json: bool) -> None:
    """Print an episode's messages and pulls. Control characters are shown escaped."""
    warehouse = warehouse_of(options)
    found = read_transcript(warehouse, episode)
    if found is None:
        raise BadInput(no_episode(warehouse, episode))
    if not found.events:
        raise BadInput(f"{episode} has no events: it is {found.episode['status']} ({found.episode['failure']})")
    if event is not None and event >= len(found.events):
        raise BadInput(f"{episode} has no event {event}; they run from 0 to {len(found.events) - 1}")
    for one in found.events if event is None else found.events[event : event + 1]:
        shown = _record(one, found.seats)
        click.echo(json.dumps(shown) if as_json else _line(shown))


def _record(one: Event, seats: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """One event, for people and scripts: seats by letter, the sender by model and kind."""
    sender = seats[one.seat]
    return {
        "event_id": one.event_id,
        "round": one.round,
        "kind": one.kind,
        "from": sender["label"],
        "model": sender["model"],
        "played_by": sender["kind"],
        "to": None if one.other is None else seats[one.other]["label"],
        "text": one.text,
        "status": one.status or None,
    }


def _line(event: dict[str, Any]) -> str:
    """One event as a line; text by models is escaped."""
    who = f"{event['model']}, scripted" if event["played_by"] == SCRIPTED else event["model"]
    head = f"#{event['event_id']:<4} r{event['round']:<3} {event['from']} ({who}) -> {event['to'] or '—'}  "
    message = event["text"]
    return head + (json.dumps(message, ensure_ascii=True) if message is not None else f"pull, {event['status']}")
