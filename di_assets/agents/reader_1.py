"""Reader 1 of replies, unchanged. Episodes that it read are replayed with it, so nothing here may be improved.

It takes the first object with the wanted key, wherever it is. New episodes are read by Reader 2 (`reader_2`).
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from di_assets.agents.moves import moves
from di_assets.game.types import Observation, Reply

MOST_OBJECTS = 50

_THINKING = re.compile(r"<think>.*?</think>", re.DOTALL)
_BARE_NAME = re.compile(r'("?\b(?:pull|to)"?\s*:\s*)((?:[Pp]layer\s+)?[A-Za-z])(?=\s*[,}\]\n]|\s*$)')
_BARE_KEY = re.compile(r"([{,]\s*)(pull|messages|to|text)(\s*:)")


def read(observation: Observation, text: str, wanted: str, stop: str) -> Reply:
    """The moves in a reply's text: see `replies.read_reply`."""
    other = "pull" if wanted == "messages" else "messages"
    found = list(json_objects(text))
    for candidate in found:
        if wanted in candidate:
            return moves(observation, wanted, candidate[wanted])
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


def json_objects(text: str) -> Iterator[dict[str, Any]]:
    """JSON objects of the text, in order. Thinking is left out; bare names are quoted if nothing else can be read."""
    aloud = _THINKING.sub("", text) if "<think>" in text else text
    seen = False
    for found in _scan(aloud):
        seen = True
        yield found
    if not seen:
        yield from _scan(_BARE_KEY.sub(r'\1"\2"\3', _BARE_NAME.sub(r'\1"\2"', aloud)))


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
