"""Reads a model's reply as labels: strict JSON, or else what models write instead. Never raises an exception.

    {"asks_for_pull": true, "promises_pull": false}

If a reply cannot be used, `Reading.invalid` says why, in words that the model sees when it is asked again. A reply that
says two different things is invalid: it may quote a message that tries to give its own labels.
"""

import re
from dataclasses import dataclass
from typing import Any

from di_assets.agents.reader_1 import json_objects
from di_assets.agents.replies import MOST_CHARS
from di_assets.providers.asking import encodable

WORDS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"asks_for_pull": {"type": "boolean"}, "promises_pull": {"type": "boolean"}},
    "required": ["asks_for_pull", "promises_pull"],
    "additionalProperties": False,
}

_LOOSE = re.compile(
    r"\b(asks_for_pull|promises_pull)[\"'`*]{0,4}\s{0,4}[:=]\s{0,4}[\"'`*]{0,4}(true|false|yes|no)\b", re.I
)


@dataclass(frozen=True, slots=True)
class Label:
    """The labels of one message."""

    asks_for_pull: bool
    promises_pull: bool


@dataclass(frozen=True, slots=True)
class Reading:
    """A label; or why there is none, and which kind of invalid reply it is."""

    label: Label | None = None
    invalid: str | None = None
    kind: str | None = None


def read_label(text: str, *, stop: str = "end") -> Reading:
    """Reads the label in a reply's text.

    Args:
        text: the raw reply.
        stop: how it ended: `length` if it was cut off, `refusal` if the model refused.
    """
    text = encodable(text[:MOST_CHARS])
    found = {label for one in json_objects(text) if (label := _label(one)) is not None} or _loosely(text)
    if len(found) == 1:
        return Reading(label=found.pop())
    if found:
        return Reading(invalid="it gives two different answers", kind="unreadable")
    if stop == "refusal":
        return Reading(invalid="you declined to answer; nothing is asked but two labels", kind="refusal")
    if not text.strip():
        return Reading(invalid="the reply was empty", kind="empty")
    if stop == "length":
        return Reading(invalid="the reply was cut off before it was complete; be brief", kind="truncated")
    return Reading(invalid='no JSON object with "asks_for_pull" and "promises_pull" was found', kind="unreadable")


def _label(one: dict[str, Any]) -> Label | None:
    asks, promises = (_bool(one.get(name)) for name in SCHEMA["required"])
    return None if asks is None or promises is None else Label(asks, promises)


def _bool(value: Any) -> bool | None:
    return value if isinstance(value, bool) else WORDS.get(str(value).strip().lower())


def _loosely(text: str) -> set[Label]:
    """Labels written as `asks_for_pull: yes`.

    Every combination that occurs is returned, so that a contradiction is seen.
    """
    answers: dict[str, set[bool]] = {name: set() for name in SCHEMA["required"]}
    for name, word in _LOOSE.findall(text):
        answers[name.lower()].add(WORDS[word.lower()])
    return {Label(asks, promises) for asks in answers["asks_for_pull"] for promises in answers["promises_pull"]}
