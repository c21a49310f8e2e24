"""The raw calls behind an event: what was asked, what came back, what it cost."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from dashboard.sections.events import points_of
from dashboard.sections.view import View
from di_assets.report.reader.replay import Prompt, Replay
from di_assets.report.reader.transcript import Event, Transcript
from di_assets.tables.words import MESSAGE, SCRIPTED

FACTS = {"input_tokens": "tokens in", "cached_tokens": "of them cached", "output_tokens": "tokens out",
         "cost_usd": "US dollars", "latency_s": "seconds", "started_at": "asked at", "retried": "faults retried",
         "request_hash": "request hash"}  # fmt: skip
HASHES = {"prompt_hash": "the prompt files", "config_hash": "the arm or its models"}
# Replies, reasoning and prompts are longer than messages; the download has them whole.
MOST_RAW = 20_000


@dataclass(frozen=True, slots=True)
class Behind:
    """What is shown for the linked event: points, what its seats knew, and why its calls are hidden if they are.

    Attributes:
        points: points when its round began; empty if they may not be shown.
        knew: letter -> address of what the seat knew; the event's own seat comes first.
        hidden: why its calls are hidden.
    """

    template: ClassVar[str] = "behind"
    event_id: int
    round: int
    points: Sequence[tuple[str, float]]
    knew: Mapping[str, str]
    hidden: str


@dataclass(frozen=True, slots=True)
class NewInPrompt:
    """A line of a prompt. `kind` is plus or minus; empty for lines that are left out.

    Attributes:
        most: the number of characters that are shown.
    """

    kind: str
    line: str
    most: int


@dataclass(frozen=True, slots=True)
class Call:
    """A call.

    Attributes:
        head: attempt, model, provider and status in one line.
        error: why its reply is not valid.
        scripted: no prompt was sent.
        problem: why its prompt can't be made again; empty if it can.
        new: lines that were added to the seat's previous prompt, or removed from it.
        prompt: the whole prompt.
        doubt: why the prompt may differ from what was sent; empty if it does not.
        facts: name -> value.
    """

    head: str
    error: str
    scripted: bool
    problem: str
    new: Sequence[NewInPrompt]
    prompt: str
    doubt: str
    reply: str
    reasoning: str
    facts: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Calls:
    """The calls in the order in which they were made; the last one is unfolded."""

    template: ClassVar[str] = "calls"
    calls: Sequence[Call]
    most: int = MOST_RAW


def behind(found: Transcript, linked: Event, view: View) -> Behind:
    """What is shown for the linked event. Its calls are hidden in blind mode and in a seat's view."""
    own = found.labels[linked.seat]
    seats = [own]
    if linked.kind == MESSAGE and linked.other is not None:
        seats.append(found.labels[linked.other])
    before = found.scores.get(linked.round - 1, (0,) * len(found.labels))
    why = "they name the model" if view.blind else "no seat sees them" if view.seat is not None else ""
    return Behind(
        event_id=linked.event_id,
        round=linked.round,
        points=points_of(found, before) if view.seat is None else [],
        knew={label: view.link(linked.event_id, view=label) for label in seats},
        hidden=why,
    )


def calls_behind(calls: Sequence[Mapping[str, Any]], prompts: Sequence[Prompt | None], again: Replay) -> Calls:
    """The calls of an event, each with its prompt if it can be made again."""
    return Calls([_call(call, prompt, again) for call, prompt in zip(calls, prompts, strict=True)])


def as_json(calls: Sequence[Mapping[str, Any]], prompts: Sequence[Prompt | None]) -> str:
    """The calls with their whole prompts, as a file. Every non-ASCII character is escaped."""
    written = [
        {
            **call,
            "prompt": None if prompt is None else [{"role": role, "text": text} for role, text in prompt.turns],
            "prompt_hash_agrees": None if prompt is None else prompt.same_hash,
        }
        for call, prompt in zip(calls, prompts, strict=True)
    ]
    return json.dumps(written, indent=1, default=str)


def _call(call: Mapping[str, Any], prompt: Prompt | None, again: Replay) -> Call:
    scripted = call["provider"] == SCRIPTED
    who = "scripted agent" if scripted else f"over {call['provider']}"
    lost = again.problem or "the stored replies do not lead to this call"
    return Call(
        head=f"attempt {call['attempt'] + 1} · {call['model']}, {who} · {call['status']}",
        error=call["error"] or "",
        scripted=scripted,
        problem=lost if prompt is None else "",
        new=[] if prompt is None else _new(prompt),
        prompt="" if prompt is None else "\n\n".join(f"[{role}]\n{text}" for role, text in prompt.turns),
        doubt="" if prompt is None or prompt.same_hash else _doubt(prompt),
        reply=call["reply_text"] or "",
        reasoning=call["reasoning_text"] or "",
        facts={name: "—" if call[column] is None else str(call[column]) for column, name in FACTS.items()},
    )


def _new(prompt: Prompt) -> list[NewInPrompt]:
    """What is new in a prompt. One limit of characters holds for all lines, so that many long lines stay small."""
    lines = [("", f"  … {prompt.kept:,} lines as in this seat’s last prompt")] if prompt.kept else []
    lines += [("minus", f"- {line}") for line in prompt.gone]
    lines += [("plus", f"+ {line}") for line in prompt.new]
    left, shown = MOST_RAW, []
    for kind, line in lines:
        shown.append(NewInPrompt(kind, line, max(0, left)))
        left -= len(line)
    return shown


def _doubt(prompt: Prompt) -> str:
    changed = " and ".join(HASHES[name] for name in prompt.changed)
    if changed:
        return f"{changed} have changed since"
    return "the configuration has not changed, so the stored episode may have been changed"
