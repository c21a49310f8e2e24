"""What kind of pull each valid pull is: a payback, else solicited, else unprompted."""

import numpy as np
import polars as pl

from di_assets.measures.dense import NOBODY, Bools, Dense, dense_groups, paybacks, solicited
from di_assets.measures.labels import LEXICAL
from di_assets.tables import TABLES

PAYBACK_WINDOW = 3
KINDS = ("payback", "solicited", "unprompted")


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
    """One row a valid pull of a complete episode; exactly one kind each.

    Args:
        episodes: episodes.
        edges: edges.
        messages: messages; only who wrote whom in which round is read.
        pulls: pulls.
        message_labels: labels of the messages.
        payback_window: rounds back in which a pull can still be paid back, or a request still be heard.
        labeller: whose labels say what asks for a pull.
    """
    asks = message_labels.filter(pl.col("asks_for_pull") & (pl.col("labeller") == labeller)).join(
        messages.select("episode_id", "event_id", "round", "sender", "recipient"), on=["episode_id", "event_id"]
    )
    parts = [_kinds(group, asks, payback_window) for group in dense_groups(episodes, edges, pulls)]
    return TABLES["pull_kinds"].conform(pl.concat([TABLES["pull_kinds"].empty(), *parts]))


def _kinds(group: Dense, asks: pl.DataFrame, window: int) -> pl.DataFrame:
    payback = paybacks(group.targets, window=window)
    asked = solicited(group.targets, _asked(group, asks), window=window)
    kind = np.where(payback, 0, np.where(asked, 1, 2))
    e, t, i = np.nonzero(group.targets != NOBODY)
    return pl.DataFrame(
        {
            "episode_id": pl.Series(group.ids, dtype=pl.String).gather(e),
            "event_id": group.events[e, t, i],
            "kind": pl.Series(KINDS, dtype=pl.String).gather(kind[e, t, i]),
        }
    )


def _asked(group: Dense, asks: pl.DataFrame) -> Bools:
    index = pl.DataFrame({"episode_id": group.ids, "e": np.arange(len(group.ids))})
    asked = np.zeros((len(group.ids), group.n_rounds, group.n_seats, group.n_seats), dtype=bool)
    found = asks.join(index, on="episode_id")
    at = (
        found["e"].to_numpy(),
        found["round"].to_numpy() - 1,
        found["sender"].to_numpy(),
        found["recipient"].to_numpy(),
    )
    asked[at] = True
    return asked
