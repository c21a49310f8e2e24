"""Finds the text and the reasoning of a message, in all the formats that servers use."""

import json
from collections.abc import Iterator
from typing import Any

from di_assets.providers.body import BadBodyError

_TEXT = {"text", "output_text", "input_text", None}
_THINKING = {
    "thinking",
    "reasoning",
    "reasoning.text",
    "reasoning.summary",
    "summary_text",
    "reasoning_text",
    "thought",
}
_REASONING = ("reasoning_content", "reasoning", "thinking", "thought", "reasoning_details")
_CALLS = {"function", "tool_use", "tool_call", "custom", None}
_INNER = ("text", "thinking", "reasoning", "summary", "content", "parts")


def spoken(content: Any) -> str:
    """The text of a message's content: text as it is, the text parts of a list joined, an object as JSON.

    Raises:
        BadBodyError: it is none of these.
    """
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "".join(_text_of(part) for part in content)
    if isinstance(content, dict):
        if isinstance(content.get("parts"), list):
            return spoken(content["parts"])
        return _text_of(content) if isinstance(content.get("text"), str) else json.dumps(content, ensure_ascii=False)
    raise BadBodyError("status 200 with content that is no text")


def thought(message: dict[str, Any]) -> str | None:
    """The reasoning in a message: from a separate field, or from the parts of its content; None if there is none."""
    for field in _REASONING:
        found = "\n".join(_thoughts(message.get(field)))
        if found:
            return found
    content = message.get("content")
    parts = content.get("parts") if isinstance(content, dict) else content
    kept = [text for part in parts if _thinks(part) for text in _thoughts(part)] if isinstance(parts, list) else []
    return "\n".join(kept) or None


def called(calls: Any) -> str:
    """The arguments of tool calls, one per line. If the model must call a tool, its reply is in them."""
    found = (_arguments(call) for call in calls) if isinstance(calls, list) else iter(())
    return "\n".join(text for text in found if text)


def _text_of(part: Any) -> str:
    if isinstance(part, str):
        return part
    if not isinstance(part, dict):
        raise BadBodyError("status 200 with a part that is no text")
    kind = part.get("type")
    if not (kind is None or isinstance(kind, str)) or kind not in _TEXT or part.get("thought") is True:
        return ""
    text = part.get("text")
    if isinstance(text, dict):  # {"value": ..., "annotations": [...]}
        text = text.get("value")
    if text is not None and not isinstance(text, str):
        raise BadBodyError("status 200 with a part that is no text")
    return text or ""


def _thinks(part: Any) -> bool:
    return isinstance(part, dict) and (part.get("type") in _THINKING or part.get("thought") is True)


def _thoughts(value: Any) -> Iterator[str]:
    """Yields every text inside a value, however deep."""
    if isinstance(value, str):
        if value:
            yield value
    elif isinstance(value, list):
        for inner in value:
            yield from _thoughts(inner)
    elif isinstance(value, dict):
        for field in _INNER:
            yield from _thoughts(value.get(field))


def _arguments(call: Any) -> str:
    if not isinstance(call, dict) or call.get("type") not in _CALLS:
        return ""
    inner = call.get("function") or call.get("custom") or call
    given = inner.get("arguments", inner.get("input")) if isinstance(inner, dict) else None
    if isinstance(given, str):
        return given
    return json.dumps(given, ensure_ascii=False) if isinstance(given, (dict, list)) else ""
