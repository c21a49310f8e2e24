"""Reads the value of a reply's key as moves, or says why it is not a move. Every reader of replies ends with this."""

import re
from typing import Any

from di_assets.game.types import Observation, Reply
from di_assets.providers.asking import encodable

_PLAYER = re.compile(r"^(?:player\s+)?([a-z])$", re.IGNORECASE)


def moves(observation: Observation, wanted: str, value: Any) -> Reply:
    """Reads the value under the wanted key (`messages` or `pull`) as a reply."""
    return _messages(observation, value) if wanted == "messages" else _pull(observation, value)


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
    """The label in a name: `Player B`, `player b` and `B` give B. Any other text stays as it is, but shortened."""
    match = _PLAYER.match(text.strip().strip("\"'*.,"))
    return match[1].upper() if match else text[:40]


def _unreachable(observation: Observation, name: str, given: str, what: str) -> Reply | None:
    """Why this player cannot be chosen; None if it can."""
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
    return Reply(invalid=f"there is no player {given[:40]!r}; name one of {near}", kind="no_such_player")
