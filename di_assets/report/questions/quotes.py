"""Quotes: one message per page, with the address of its event.

A message is untrusted: shown as text, never as markup.
"""

import polars as pl

from di_assets.measures.labels import LEXICAL
from di_assets.report.questions.part import Quote
from di_assets.report.questions.scope import Frames


def quoted(frames: Frames, episode_id: str, event_id: int) -> Quote | None:
    """A message, with its sender and recipient; None if the event is not a message."""
    found = frames["messages"].filter((pl.col("episode_id") == episode_id) & (pl.col("event_id") == event_id))
    if found.is_empty():
        return None
    message = found.row(0, named=True)
    seats = frames["seats"].filter(pl.col("episode_id") == episode_id)
    names = {s["seat"]: (s["label"], s["model"]) for s in seats.iter_rows(named=True)}
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


def asking(frames: Frames, ranked: pl.DataFrame) -> Quote | None:
    """The first message that asks for a pull, from the first of these episodes that has one.

    Args:
        frames: messages, their labels, seats.
        ranked: episodes, the most telling first. If an episode has a focal seat, only that seat's messages are quoted.
    """
    asks = frames["message_labels"].filter(pl.col("asks_for_pull") & (pl.col("labeller") == LEXICAL))
    messages = frames["messages"].join(asks.select("episode_id", "event_id").unique(), on=["episode_id", "event_id"])
    order = ranked.select("episode_id", "focal_seat").with_row_index("place")
    asking_messages = messages.join(order, on="episode_id").filter(
        pl.col("focal_seat").is_null() | (pl.col("sender") == pl.col("focal_seat"))
    )
    if asking_messages.is_empty():
        return None
    first = asking_messages.sort("place", "event_id").row(0, named=True)
    return quoted(frames, first["episode_id"], first["event_id"])
