"""Quotes: one message per page, with the address of its event.

A message is untrusted: shown as text, never as markup.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any

import polars as pl
from pydantic import Field
from typing_extensions import TypedDict

RowsOf = Callable[[str, str], Sequence[Mapping[str, Any]]]
"""Reads the rows of one episode: (table, episode_id) -> the rows, sorted by key."""


class Quote(TypedDict):
    """One message. It is untrusted text and is shown as text."""

    text: str
    sender: str
    sender_model: str
    recipient: str
    recipient_model: str
    episode_id: str
    event_id: Annotated[int, Field(ge=0)]
    round: Annotated[int, Field(ge=1)]


def quoted(rows_of: RowsOf, episode_id: str, event_id: int) -> Quote | None:
    """A message, with its sender and recipient; None if the event is not a message."""
    message = next((row for row in rows_of("messages", episode_id) if row["event_id"] == event_id), None)
    if message is None:
        return None
    names = {seat["seat"]: (seat["label"], seat["model"]) for seat in rows_of("seats", episode_id)}
    sender, recipient = names[message["sender"]], names[message["recipient"]]
    return {
        "text": message["text"],
        "sender": sender[0],
        "sender_model": sender[1],
        "recipient": recipient[0],
        "recipient_model": recipient[1],
        "episode_id": episode_id,
        "event_id": event_id,
        "round": message["round"],
    }


def asking(ranked: pl.DataFrame) -> tuple[str, int] | None:
    """The first message that asks for a pull, from the first of these episodes that has one; (episode_id, event_id).

    Args:
        ranked: episodes of the scope, the most telling first. If an episode has a focal seat, only that seat's messages
            are quoted.
    """
    found = ranked.select("episode_id", "asking_message").drop_nulls().head(1)
    return None if found.is_empty() else found.row(0)
