"""Checks the fields that a model's `params` and `rename` put into a request, under the names by which they are sent.

Budgets assume one reply of at most `max_tokens` tokens, which is read as a whole. A field that asks for more is refused
when the configuration is read. Servers write the same name in several ways, so `maxTokens` and `max_tokens` are one.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Literal

Kind = Literal["limit", "thinking", "replies", "stream"]

# Names without underscores and in lower case. The first line that fits counts.
_KINDS: tuple[tuple[re.Pattern[str], Kind], ...] = (
    (re.compile(r"(?:is)?stream(?:ing)?"), "stream"),
    (re.compile(r"n|bestof|candidatecount"), "replies"),
    (
        re.compile(r"(?:n|num|numberof)(?:return)?(?:sequences|completions|generations|candidates|choices)"),
        "replies",
    ),
    (re.compile(r"(?:n|num|numberof)(?:return)?(?:samples|outputs|responses|replies)"), "replies"),
    (re.compile(r".*(?:think|reason).*budget.*|budgettok.*|max(?:think|reason).*"), "thinking"),
    (re.compile(r".*max.*(?:tok|gen|len|out|compl).*|n(?:um)?predict"), "limit"),
    (re.compile(r"(?:out|compl|gen|reply|response).*(?:limit|budget|max)"), "limit"),
)
# Limits of something else than the reply.
_NO_LIMIT = re.compile(r"input|prompt|context|model|image|source|history|search|tool|query|logprob")
# Objects whose keys are no settings: JSON schemas, and notes that the server only keeps.
_NO_SETTINGS = {"properties", "patternproperties", "$defs", "definitions", "schema", "inputschema", "jsonschema"}
_NO_SETTINGS |= {"guidedjson", "metadata", "logitbias"}
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
        kind = _kind(sent)
        # A field of the request itself. Its value is not known here, so its kind has to stay what it is.
        if name not in params and kind is not None and _kind(name) != kind:
            yield f"rename.{name}: `{sent}` {_MEANING[kind]}; leave it out"
    names = [*rename.values(), *({*OWN_FIELDS, *params} - set(rename))]
    for name in names:
        if not name or names.count(name) > 1:
            yield f"rename: two fields would be sent as {name!r}" if name else "rename: a name is empty"


_MEANING: Mapping[Kind, str] = {
    "limit": "limits the tokens of a reply: use `max_tokens:`",
    "thinking": "limits the tokens of thinking: give it under `params`",
    "replies": "asks for several replies, and only one is read",
    "stream": "is never sent: a reply is read as a whole",
}


def _of_field(path: str, sent: str, value: Any, max_tokens: int, *, renamed: bool = False) -> Iterator[str]:
    """Problems of a field and of the fields inside it; `sent` is the name by which it is sent."""
    if value is None:
        return
    kind, start = _kind(sent), f"{path}: {f'is sent as `{sent}`, which' if renamed else ''}".rstrip()
    whole = isinstance(value, int) and not isinstance(value, bool)
    if kind == "stream" or (kind == "replies" and not (whole and value == 1)):
        yield f"{start} {_MEANING[kind]}; leave it out"
    elif kind == "limit" and not (whole and value >= 1):
        yield f"{start} limits the tokens of a reply, and its value is no whole number above 0; use `max_tokens:`"
    elif kind == "thinking" and not whole:
        yield f"{start} limits the tokens of thinking, and its value is no whole number"
    elif kind in {"limit", "thinking"} and value > max_tokens:
        yield f"{start} is above `max_tokens`, which budgets go by; set `max_tokens:` to {value}"
    elif kind is None and _plain(sent) not in _NO_SETTINGS:
        inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        for key, item in inside:
            # An item of a list is a part of the field that has the list.
            yield from _of_field(f"{path}.{key}", str(key) if isinstance(value, dict) else "", item, max_tokens)


def _kind(name: str) -> Kind | None:
    """What a field of this name asks for; None if it is none of the kinds that are checked."""
    plain = _plain(name)
    kind = next((kind for pattern, kind in _KINDS if pattern.fullmatch(plain)), None)
    return None if kind == "limit" and _NO_LIMIT.search(plain) else kind


def _plain(name: str) -> str:
    return re.sub(r"[\s_.-]", "", name).lower()
