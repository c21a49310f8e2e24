"""The raw calls behind an event: what was asked, what came back, what it cost."""

import json
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from dashboard.untrusted import safe
from di_assets.report.reader.replay import Prompt, Replay

FACTS = {"input_tokens": "tokens in", "cached_tokens": "of them cached", "output_tokens": "tokens out", "cost_usd": "US dollars",
         "latency_s": "seconds", "started_at": "asked at", "retried": "faults retried", "request_hash": "request hash"}  # fmt: skip
HASHES = {"prompt_hash": "the prompt files", "config_hash": "the arm or its models"}
# Replies, reasoning and prompts are longer than messages; the download has them whole.
MOST_RAW = 20_000


def calls_behind(calls: Sequence[Mapping[str, Any]], prompts: Sequence[Prompt | None], again: Replay) -> str:
    """Each call in the order it was made, the last one open."""
    if not calls:
        return "<p>No call is stored for this event.</p>"
    return "".join(
        _call(call, prompt, again, opened=at == len(calls) - 1)
        for at, (call, prompt) in enumerate(zip(calls, prompts, strict=True))
    )


def as_json(calls: Sequence[Mapping[str, Any]], prompts: Sequence[Prompt | None]) -> str:
    """The calls and their prompts whole, for a file; every character beyond ASCII escaped."""
    told = [
        {
            **call,
            "prompt": None if prompt is None else [{"role": role, "text": text} for role, text in prompt.turns],
            "prompt_hash_agrees": None if prompt is None else prompt.same_hash,
        }
        for call, prompt in zip(calls, prompts, strict=True)
    ]
    return json.dumps(told, indent=1, default=str)


def _call(call: Mapping[str, Any], prompt: Prompt | None, again: Replay, *, opened: bool) -> str:
    who = "scripted agent" if call["provider"] == "scripted" else f"over {call['provider']}"
    head = f"attempt {call['attempt'] + 1} · {call['model']}, {who} · {call['status']}"
    rows = "".join(
        f"<tr><th scope='row'>{name}</th><td>{'—' if call[column] is None else safe(str(call[column]))}</td></tr>"
        for column, name in FACTS.items()
    )
    error = (
        f"<p class='alert text'>not valid, as the model was told: {safe(call['error'])}</p>" if call["error"] else ""
    )
    return (
        f"<details class='call'{' open' if opened else ''}><summary>{safe(head)}</summary>{error}"
        f"{_asked(call, prompt, again)}{_box('Reply', call['reply_text'] or '')}"
        + (_box("Reasoning", call["reasoning_text"]) if call["reasoning_text"] else "")
        + f"<table class='facts'><tbody>{rows}</tbody></table></details>"
    )


def _asked(call: Mapping[str, Any], prompt: Prompt | None, again: Replay) -> str:
    """The prompt, made again, and whether it is the one that was sent."""
    if call["provider"] == "scripted":
        return "<p class='caption'>A scripted agent is asked in no words: it plays from what it has seen.</p>"
    if prompt is None:
        why = again.problem or "the stored replies do not lead to it"
        return f"<p class='alert text'>The prompt cannot be made again: {safe(why)}.</p>"
    lines = [("", f"  … {prompt.kept:,} lines as in this seat’s last prompt")] if prompt.kept else []
    lines += [("minus", f"- {line}") for line in prompt.gone]
    lines += [("plus", f"+ {line}") for line in prompt.new]
    # One budget for all of it, so that a flood of long lines stays small.
    left, shown = MOST_RAW, []
    for of, line in lines:
        shown.append(f"<span class='{of}'>{safe(line, most=max(0, left))}</span>")
        left -= len(line)
    whole = "\n\n".join(f"[{role}]\n{text}" for role, text in prompt.turns)
    return (
        f"<p class='sub'>Prompt: what is new in it</p>{_raw(chr(10).join(shown), 'what is new in the prompt')}{_held(prompt)}"
        f"<details class='more'><summary>The whole prompt ({len(whole):,} characters)</summary>{_raw(safe(whole, most=MOST_RAW), 'the whole prompt')}</details>"
    )


def _held(prompt: Prompt) -> str:
    if prompt.same_hash:
        return "<p class='caption'>Made again from the stored replies; its hash is the one stored when it was sent.</p>"
    changed = " and ".join(HASHES[name] for name in prompt.changed)
    why = (
        f"{changed} have changed since"
        if changed
        else "nothing that is configured has changed, so what is stored may have been"
    )
    return f"<p class='alert' role='note'>This is not what the model was asked: its hash is not the one stored when it was sent; {why}.</p>"


def _box(name: str, text: str) -> str:
    return f"<p class='sub'>{name}</p>{_raw(safe(text, most=MOST_RAW) or '<em>no text</em>', name.lower())}"


def _raw(html: str, label: str) -> str:
    return f"<div class='raw text' dir='auto' tabindex='0' role='region' aria-label='{escape(label)}'>{html}</div>"
