"""The kind of each valid pull: payback; if not, solicited; if neither, unprompted."""

from collections.abc import Mapping

import numpy as np
import polars as pl

from di_assets.measures.dense import NEEDED, NOBODY, Bools, Dense, dense_groups, paybacks, solicited
from di_assets.measures.labels import labelled
from di_assets.measures.measure import Measure
from di_assets.tables.by_batch import PULL_KINDS
from di_assets.tables.words import LEXICAL, PAYBACK_WINDOW

KINDS = ("payback", "solicited", "unprompted")
# The columns that `asking` needs of each table.
ASKING: Mapping[str, tuple[str, ...]] = {
    "messages": ("episode_id", "event_id", "round", "sender", "recipient"),
    "message_labels": ("episode_id", "event_id", "asks_for_pull", "labeller"),
}


def pull_kinds(
    episodes: pl.DataFrame,
    edges: pl.DataFrame,
    messages: pl.DataFrame,
    pulls: pl.DataFrame,
    message_labels: pl.DataFrame,
    *,
    payback_window: int = PAYBACK_WINDOW,
    labeller: str = LEXICAL,
) -> pl.DataFrame:
    """One row per valid pull of a complete episode, with exactly one kind.

    Args:
        episodes: episodes.
        edges: edges.
        messages: messages; only sender, recipient and round are read.
        pulls: pulls.
        message_labels: labels of the messages.
        payback_window: rounds after which a pull can no longer be paid back, nor a request be answered.
        labeller: the labeller that decides which messages ask for a pull.
    """
    asks = asking(messages, message_labels, labeller=labeller)
    parts = [_rows(group, payback_window) for group in dense_groups(episodes, edges, pulls, asks)]
    return PULL_KINDS.conform(pl.concat([PULL_KINDS.empty(), *parts]))


def asking(messages: pl.DataFrame, message_labels: pl.DataFrame, *, labeller: str = LEXICAL) -> pl.DataFrame:
    """episode_id, event_id, round, sender, recipient of the messages that ask for a pull according to this labeller."""
    asks = labelled(messages, message_labels, "asks_for_pull", labeller=labeller)
    return asks.select(ASKING["messages"])


def kinds_of(group: Dense, *, window: int = PAYBACK_WINDOW) -> tuple[Bools, Bools, Bools]:
    """Three arrays (e, t, i), in the order of KINDS: whether i made a pull of this kind in round t."""
    assert group.asked is not None
    valid, payback = group.targets != NOBODY, paybacks(group.targets, window=window)
    asked = solicited(group.targets, group.asked, window=window) & ~payback
    return payback, asked, valid & ~payback & ~asked


def _rows(group: Dense, window: int) -> pl.DataFrame:
    _, asked, unprompted = kinds_of(group, window=window)
    assert group.events is not None
    e, t, i = np.nonzero(group.targets != NOBODY)
    kind = (asked + 2 * unprompted.astype(np.int8))[e, t, i]
    return pl.DataFrame(
        {
            "episode_id": pl.Series(group.ids, dtype=pl.String).gather(e),
            "event_id": group.events[e, t, i],
            "kind": pl.Series(KINDS, dtype=pl.String).gather(kind),
        }
    )


MEASURE = Measure(pull_kinds, PULL_KINDS, reads={**NEEDED, **ASKING, "pulls": (*NEEDED["pulls"], "event_id")})
