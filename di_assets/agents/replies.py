"""A reply as text and as moves. Reading never raises an exception.

    {"messages": [{"to": "B", "text": "..."}]}     message phase; an empty list is silence
    {"pull": "B"}                                  pull phase

If a reply cannot be used, `Reply.invalid` says why, in words that the model sees when it is asked again. Readers have
versions. A stored episode is read again by the reader that first read it, so a better reader changes no stored episode.
"""

from collections.abc import Callable
from functools import lru_cache
from json.encoder import encode_basestring as quoted
from typing import Any

from di_assets.agents import reader_1, reader_2
from di_assets.game.types import Observation, Reply
from di_assets.providers.asking import encodable

# Longer replies are searched only up to here, so that hostile input takes bounded time.
MOST_CHARS = 200_000
# Episodes stored before readers had versions were read by the first reader.
READER_VERSION = "2"
READERS: dict[str, Callable[[Observation, str, str, str], Reply]] = {
    "1": reader_1.read,
    READER_VERSION: reader_2.read,
}


def read_reply(observation: Observation, text: str, *, stop: str = "end", reader: str = READER_VERSION) -> Reply:
    """Reads the moves in a reply's text.

    Args:
        observation: the observation that the seat was asked about.
        text: the raw reply.
        stop: how the reply ended: `length` if it was cut off, `refusal` if the model refused.
        reader: version of the reader, a key of `READERS`.
    """
    wanted = "messages" if observation.turn.phase == "message" else "pull"
    return READERS[reader](observation, encodable(text[:MOST_CHARS]), wanted, stop)


def write_reply(reply: Reply) -> str:
    """A valid reply as canonical JSON."""
    if reply.pull is not None:
        return _written_pull(reply.pull)
    if not reply.messages:
        return '{"messages": []}'
    return f'{{"messages": [{", ".join([_written_message(to, text) for to, text in reply.messages])}]}}'


# The text that `json.dumps` would write, cached: scripted agents write the same replies all the time.
@lru_cache(maxsize=256)
def _written_pull(label: str) -> str:
    return f'{{"pull": {quoted(label)}}}'


@lru_cache(maxsize=8_192)
def _written_message(to: str, text: str) -> str:
    return f'{{"to": {quoted(to)}, "text": {quoted(text)}}}'


def reply_schema(observation: Observation) -> dict[str, Any]:
    """JSON schema of a valid reply. Names are in the order shown, which changes by seat and round."""
    names = list(observation.neighbours)
    if observation.turn.phase == "pull":
        keep = [observation.me] if observation.rules.outside is not None else []
        return _object({"pull": {"type": "string", "enum": names + keep}})
    message = _object({"to": {"type": "string", "enum": names}, "text": {"type": "string"}})
    return _object({"messages": {"type": "array", "items": message}})


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}
