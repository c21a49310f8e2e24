"""Checks the fields that a model's `params` and `rename` put into a request, under the names by which they are sent.

Budgets assume one reply of at most `max_tokens` tokens, which is read as a whole, and that only we send a call again. A
field that asks for more is refused when the configuration is read.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from di_assets.arms.field_kinds import Kind, holds_settings, kind_of

# Fields that a request has without `params`, in one dialect or the other.
OWN_FIELDS = {"model", "messages", "system", "max_tokens", "seed"}
OWN_FIELDS |= {"cache_control", "output_config", "response_format", "prompt_cache_key"}


def sent_problem(params: Mapping[str, Any], rename: Mapping[str, str], max_tokens: int) -> str | None:
    """What is wrong with the fields of a request, as one line that names the key; None if nothing is.

    Args:
        params: further fields of the body; one that is None is not sent.
        rename: the names by which fields are sent, if they are others.
        max_tokens: the most tokens of a reply, which budgets use.
    """
    return next(_problems(params, rename, max_tokens), None)


def _problems(params: Mapping[str, Any], rename: Mapping[str, str], max_tokens: int) -> Iterator[str]:
    for name, value in params.items():
        sent = rename.get(name, name)
        yield from _of_field(f"params.{name}", sent, value, max_tokens, renamed=sent != name)
    for name, sent in rename.items():
        kind = kind_of(sent)
        # A field of the request itself. Its value is not known here, so its kind has to stay what it is.
        if name not in params and kind is not None and kind_of(name) != kind:
            yield f"rename.{name}: `{sent}` {_MEANING[kind]}; leave it out"
    names = [*rename.values(), *({*OWN_FIELDS, *params} - set(rename))]
    for name in names:
        if not name or names.count(name) > 1:
            yield f"rename: two fields would be sent as {name!r}" if name else "rename: a name is empty"
    for name, sent in rename.items():
        is_sent = name not in params or params[name] is not None
        if is_sent and kind_of(name) == "limit" and kind_of(sent) != "limit":
            yield (
                f"rename.{name}: `{sent}` is not known as a limit of a reply's tokens; "
                f"if it is, use `params: {{{name}: null, {sent}: {max_tokens}}}`"
            )


_MEANING: Mapping[Kind, str] = {
    "limit": "limits the tokens of a reply: use `max_tokens:`",
    "thinking": "limits the tokens of thinking: give it under `params`",
    "replies": "asks for several replies, and only one is read",
    "retries": "makes a gateway send a call again, which budgets don't see: use `max_retries:`",
    "stream": "is never sent: a reply is read as a whole",
}


def _of_field(path: str, sent: str, value: Any, max_tokens: int, *, renamed: bool = False) -> Iterator[str]:
    """Problems of a field and of the fields inside it; `sent` is the name by which it is sent."""
    if value is None:
        return
    kind, start = kind_of(sent), f"{path}: {f'is sent as `{sent}`, which' if renamed else ''}".rstrip()
    whole = isinstance(value, int) and not isinstance(value, bool)
    inside = _inside(value)
    if kind == "retries" and isinstance(inside, dict):  # Portkey: {retry: {attempts: 5}}
        kind = None
    if (
        kind == "stream"
        or (kind == "replies" and not (whole and value == 1))
        or (kind == "retries" and value not in (0, False))
    ):
        yield f"{start} {_MEANING[kind]}; leave it out"
    elif kind == "limit" and not (whole and value >= 1):
        yield f"{start} limits the tokens of a reply, and its value is no whole number above 0; use `max_tokens:`"
    elif kind == "thinking" and not whole:
        yield f"{start} limits the tokens of thinking, and its value is no whole number"
    elif kind in {"limit", "thinking"} and value > max_tokens:
        yield f"{start} is above `max_tokens`, which budgets go by; set `max_tokens:` to {value}"
    elif kind is None and holds_settings(sent):
        of_text = isinstance(inside, dict) and "string" in _listed(inside.get("type"))  # then it is a JSON schema
        for key, item in inside.items() if isinstance(inside, dict) else enumerate(inside):
            if not (of_text and key == "maxLength"):
                # An item of a list is a part of the field that has the list.
                yield from _of_field(f"{path}.{key}", str(key) if isinstance(inside, dict) else "", item, max_tokens)


def _inside(value: Any) -> dict[str, Any] | list[Any]:
    """The object or list that a value is, or that it holds as JSON text; an empty list if it is neither."""
    if isinstance(value, str) and value.lstrip()[:1] in {"{", "["}:
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return []
    return value if isinstance(value, dict | list) else []


def _listed(value: Any) -> Iterable[Any]:
    return value if isinstance(value, list) else [value]
