"""A reply as text and as moves: strict JSON first, then what models write instead of it; never an exception.

    {"messages": [{"to": "B", "text": "..."}]}     message phase; an empty list is silence
    {"pull": "B"}                                  pull phase

What cannot be used says why in `Reply.invalid`, in words that are told to the model when it is asked again.
"""

import json
import re
from collections.abc import Iterator
from functools import lru_cache
from json.encoder import encode_basestring as quoted
from typing import Any

from di_assets.game.types import Observation, Reply

# Longer replies are not searched past this; bounded time on hostile input.
MOST_CHARS = 200_000
MOST_OBJECTS = 50

_THINKING = re.compile(r"<think>.*?</think>", re.DOTALL)
_BARE_NAME = re.compile(r'("?\b(?:pull|to)"?\s*:\s*)((?:[Pp]layer\s+)?[A-Za-z])(?=\s*[,}\]\n]|\s*$)')
_BARE_KEY = re.compile(r"([{,]\s*)(pull|messages|to|text)(\s*:)")
_PLAYER = re.compile(r"^(?:player\s+)?([a-z])$", re.IGNORECASE)


def read_reply(observation: Observation, text: str, *, stop: str = "end") -> Reply:
    """The moves in a reply's text.

    Args:
        observation: what the seat was asked on.
        text: the reply as it came.
        stop: how the reply ended: `length` when it was cut off, `refusal` when the model refused.
    """
    text = encodable(text[:MOST_CHARS])
    wanted, other = ("messages", "pull") if observation.turn.phase == "message" else ("pull", "messages")
    found = list(json_objects(text))
    for candidate in found:
        if wanted in candidate:
            read = _messages if wanted == "messages" else _pull
            return read(observation, candidate[wanted])
    if stop == "refusal":
        return Reply(invalid="you declined to answer; this is a game, and a move is needed", kind="refusal")
    if not text.strip():
        return Reply(invalid="the reply was empty", kind="empty")
    if stop == "length":
        return Reply(invalid="the reply was cut off before it was complete; be brief", kind="truncated")
    if any(other in candidate for candidate in found):
        asked = "messages" if wanted == "messages" else "a pull"
        return Reply(invalid=f'this phase asks for {asked}: the key must be "{wanted}"', kind="wrong_phase")
    return Reply(invalid=f'no JSON object with the key "{wanted}" was found', kind="unreadable")


def encodable(text: str) -> str:
    """The text with lone surrogates, which JSON can smuggle in and no file can hold, replaced by U+FFFD."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def write_reply(reply: Reply) -> str:
    """A valid reply as canonical JSON."""
    if reply.pull is not None:
        return _written_pull(reply.pull)
    if not reply.messages:
        return '{"messages": []}'
    return f'{{"messages": [{", ".join([_written_message(to, text) for to, text in reply.messages])}]}}'


# As `json.dumps` would write them; scripted agents write the same ones all the time.
@lru_cache(maxsize=256)
def _written_pull(label: str) -> str:
    return f'{{"pull": {quoted(label)}}}'


@lru_cache(maxsize=8_192)
def _written_message(to: str, text: str) -> str:
    return f'{{"to": {quoted(to)}, "text": {quoted(text)}}}'


def reply_schema(observation: Observation) -> dict[str, Any]:
    """JSON schema of a valid reply; names in the order shown, which changes by seat and round."""
    names = list(observation.neighbours)
    if observation.turn.phase == "pull":
        keep = [observation.me] if observation.rules.outside is not None else []
        return _object({"pull": {"type": "string", "enum": names + keep}})
    message = _object({"to": {"type": "string", "enum": names}, "text": {"type": "string"}})
    return _object({"messages": {"type": "array", "items": message}})


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def json_objects(text: str) -> Iterator[dict[str, Any]]:
    """JSON objects in the text, in order; thinking aloud left out, bare names mended where nothing else is found."""
    spoken = _THINKING.sub("", text) if "<think>" in text else text
    seen = False
    for found in _scan(spoken):
        seen = True
        yield found
    if not seen:
        yield from _scan(_BARE_KEY.sub(r'\1"\2"\3', _BARE_NAME.sub(r'\1"\2"', spoken)))


def _scan(text: str) -> Iterator[dict[str, Any]]:
    decoder = json.JSONDecoder(strict=False)
    position = text.find("{")
    for _ in range(MOST_OBJECTS):
        if position < 0:
            return
        try:
            value, end = decoder.raw_decode(text, position)
        except (ValueError, RecursionError):
            end = position + 1
        else:
            if isinstance(value, dict):
                yield value
        position = text.find("{", end)


def _messages(observation: Observation, value: Any) -> Reply:
    if isinstance(value, dict):  # {"B": "text"} or one message without its list
        value = [value] if set(value) == {"to", "text"} else [{"to": k, "text": v} for k, v in value.items()]
    if not isinstance(value, list):
        return Reply(invalid='"messages" must be a list', kind="unreadable")
    if len(value) > len(observation.neighbours):
        most = len(observation.neighbours)
        return Reply(
            invalid=f"at most one message to each neighbour ({most}), found {len(value)}", kind="too_many_messages"
        )
    sent: dict[str, str] = {}
    for item in value:
        if not (isinstance(item, dict) and isinstance(item.get("text"), str) and isinstance(item.get("to"), str)):
            return Reply(invalid='each message needs "to" and "text", both text', kind="unreadable")
        name = _name(item["to"])
        problem = _unreachable(observation, name, item["to"], "message")
        if problem is not None:
            return problem
        if name in sent:
            return Reply(invalid=f"more than one message to {name}", kind="too_many_messages")
        if item["text"].strip():
            sent[name] = encodable(item["text"])
    return Reply(messages=tuple(sent.items()))


def _pull(observation: Observation, value: Any) -> Reply:
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if not isinstance(value, str):
        return Reply(invalid='"pull" must be the name of one neighbour', kind="unreadable")
    name = _name(value)
    if name == observation.me and observation.rules.outside is not None:
        return Reply(pull=name)
    return _unreachable(observation, name, value, "pull") or Reply(pull=name)


def _name(text: str) -> str:
    """`Player B`, `player b` and `B` are all B; what is no such name stays as it is, cut short."""
    match = _PLAYER.match(text.strip().strip("\"'*.,"))
    return match[1].upper() if match else text[:40]


def _unreachable(observation: Observation, name: str, said: str, what: str) -> Reply | None:
    """Why this player cannot be named; None when it can."""
    if name in observation.neighbours:
        return None
    near = ", ".join(observation.neighbours)
    if name == observation.me:
        return Reply(
            invalid=f"you cannot {what} yourself; name one of {near}",
            kind="self_pull" if what == "pull" else "self_message",
        )
    if name in observation.players:
        return Reply(invalid=f"{name} is not your neighbour; name one of {near}", kind="not_a_neighbour")
    return Reply(invalid=f"there is no player {said[:40]!r}; name one of {near}", kind="no_such_player")
