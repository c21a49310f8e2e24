"""The promise ledger: promises added up for each model, and how many would be kept by chance."""

import polars as pl

from di_assets.measures.intervals import Interval, t_interval
from di_assets.measures.labels import covered
from di_assets.measures.measure import Measure
from di_assets.tables.over_all import PROMISE_LEDGER
from di_assets.tables.words import COMPLETE, LEXICAL, NO_MESSAGES, SCRIPTED

NO_PROMISE = "no promise with an outcome"
ROLE = ("labeller", "condition", "model")
COUNTS = ("messages", "made", "kept", "broken", "open", "owed", "owed_kept", "points_kept", "points_broken")
SHARES = ("kept_share", "chance_share", "owed_kept_share", "points_a_kept", "points_a_broken")


def promise_ledger(
    episodes: pl.DataFrame, seats: pl.DataFrame, message_labels: pl.DataFrame, promise_shares: pl.DataFrame
) -> pl.DataFrame:
    """One row per labeller, condition with messages and model that sat there (focal or not), with all its promises.

    `messages` counts promising messages. All other columns count a promise once, however often it was repeated in its
    window. Shares and means use promises that were kept or broken and whose window lies within the game: near the end
    of the game only kept promises can be decided, which would make shares too high. Each value is a mean of episodes'
    means (all seats of the model together). Episodes of one seed are one block, and the interval is Student's t over
    the `n` blocks in which the value is defined. Only episodes that the labeller labelled completely count; the lexical
    rule labels all.
    """
    talked = episodes.filter((pl.col("status") == COMPLETE) & (pl.col("channel") != NO_MESSAGES))
    roster = (
        talked.select("episode_id", "condition", "seed")
        .join(_judged(talked, message_labels), on="episode_id")
        .join(seats.select("episode_id", "model", "kind").unique(), on="episode_id")
    )
    whole = roster.group_by(*ROLE).agg(
        scripted=(pl.col("kind") == SCRIPTED).all(), n_episodes=pl.n_unique("episode_id")
    )
    theirs = promise_shares.join(roster.drop("kind"), on=["episode_id", "labeller", "model"])
    counts = theirs.group_by(*ROLE).agg(pl.sum(*COUNTS))
    blocks = _blocks(theirs)
    ledger = whole.join(counts, on=ROLE, how="left").with_columns(pl.col(counts.columns[len(ROLE) :]).fill_null(0))
    rows = [
        {**row, **_shares(blocks.filter(pl.all_horizontal(pl.col(name) == row[name] for name in ROLE)))}
        for row in ledger.sort(ROLE).iter_rows(named=True)
    ]
    table = PROMISE_LEDGER
    return table.conform(pl.DataFrame(rows, schema_overrides=table.schema) if rows else table.empty())


def _judged(episodes: pl.DataFrame, labels: pl.DataFrame) -> pl.DataFrame:
    """(episode_id, labeller) for complete labels. The lexical rule labels every episode, also one without messages."""
    others = covered(labels.filter(pl.col("labeller") == LEXICAL), labels.filter(pl.col("labeller") != LEXICAL))
    return pl.concat([episodes.select("episode_id", labeller=pl.lit(LEXICAL)), others])


def _blocks(theirs: pl.DataFrame) -> pl.DataFrame:
    """Each share's mean over the episodes of a block; null if none defines it. Episodes have a decided promise."""
    episodes = theirs.filter(pl.col("n") > 0).sort("episode_id").select(*ROLE, "seed", *SHARES)
    return episodes.group_by(*ROLE, "seed", maintain_order=True).agg(pl.exclude(*ROLE, "seed").mean())


def _shares(blocks: pl.DataFrame) -> dict[str, object]:
    means = {name: blocks[name].mean() for name in blocks.columns[len(ROLE) + 1 :]}
    interval = t_interval(blocks["kept_share"].to_list()) if blocks.height else Interval(None, None, NO_PROMISE)
    bounds = {"ci_low": interval.low, "ci_high": interval.high, "ci_method": interval.method}
    return {"n": blocks.height, **means, **bounds}


MEASURE = Measure(
    promise_ledger,
    PROMISE_LEDGER,
    reads={
        "episodes": ("episode_id", "status", "channel", "condition", "seed"),
        "seats": ("episode_id", "model", "kind"),
        "message_labels": ("episode_id", "labeller"),
        "promise_shares": ("episode_id", "labeller", "model", "n", *COUNTS, *SHARES),
    },
)
