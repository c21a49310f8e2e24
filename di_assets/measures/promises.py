"""Promises: which were kept, which points they brought, and how often they would be kept by chance.

A promise is a message that, according to a labeller, promises its recipient a pull. Its window is the round of the
message and the `PAYBACK_WINDOW` - 1 rounds after it: messages promise "this round", "next round" or "I'll pay you
back", and a pull counts as paid back within the same number of rounds. A promise without an end ("every round from now
on") has the same window. Labels do not say whether a promise has a condition ("if you pull me"). Whether the recipient
pulled the sender is known, and is in a column of its own (`owed`).
"""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import polars as pl

from di_assets.measures.intervals import Interval, t_interval
from di_assets.measures.kinds import PAYBACK_WINDOW
from di_assets.measures.labels import LEXICAL, covered
from di_assets.measures.measure import Measure
from di_assets.tables.by_batch import PROMISES
from di_assets.tables.over_all import PROMISE_LEDGER
from di_assets.tables.words import COMPLETE, FORFEIT, NO_MESSAGES, SCRIPTED, VALID

KEPT, BROKEN, OPEN = "kept", "broken", "open"
NO_PROMISE = "no promise with an outcome"
KEY = ("episode_id", "event_id", "labeller")
ROLE = ("labeller", "condition", "model")


def promises(
    episodes: pl.DataFrame,
    seats: pl.DataFrame,
    edges: pl.DataFrame,
    messages: pl.DataFrame,
    pulls: pl.DataFrame,
    message_labels: pl.DataFrame,
) -> pl.DataFrame:
    """One row per promising message of a complete episode and labeller that labelled the whole episode.

    outcome: `kept` if the sender pulled the recipient in the window; else `broken` if the window lies within the game
    and the sender spent a pull in it, on another or on itself; else `open`: the game ended first, or every pull of the
    window was forfeited. recipient_pulled: the recipient pulled the sender in the window; points counts how often.
    owed: it did so when a round of the window was still to come, so that a promise with this condition became due.
    chance: 1 - (1 - 1/neighbours)^k, the probability that the sender's k valid pulls in the window would have kept the
    promise if each went to a random neighbour; 0 for k = 0. repeats: the same sender had promised the same recipient
    before, and the window of that promise (itself not a repeat) was not over. Windows of promises that repeat nothing
    never overlap.
    """
    complete = episodes.filter(pl.col("status") == COMPLETE).select("episode_id", "n_rounds")
    promising = message_labels.filter(pl.col("promises_pull")).join(
        covered(messages, message_labels), on=["episode_id", "labeller"], how="semi"
    )
    made = (
        messages.select("episode_id", "event_id", "round", "exchange", "sender", "recipient")
        .join(promising.select(KEY), on=["episode_id", "event_id"])
        .join(complete, on="episode_id")
        .join(_senders(seats, edges), on=["episode_id", "sender"])
        .with_columns(last=pl.min_horizontal("n_rounds", pl.col("round") + PAYBACK_WINDOW - 1))
        .with_columns(whole=pl.col("round") + PAYBACK_WINDOW - 1 <= pl.col("n_rounds"))
        .sort("round", "exchange", *KEY)
    )
    made = made.with_columns(repeats=_repeats(made)).join(_window(made, pulls), on=KEY)
    outcome = (
        pl.when(pl.col("gave") > 0)
        .then(pl.lit(KEPT))
        .when(pl.col("whole") & (pl.col("spent") > 0))
        .then(pl.lit(BROKEN))
    ).otherwise(pl.lit(OPEN))
    return PROMISES.conform(
        made.with_columns(
            outcome=outcome,
            recipient_pulled=pl.col("points") > 0,
            chance=1 - (1 - 1 / pl.col("neighbours")).pow(pl.col("valid")),
        ).select(list(PROMISES.schema))
    )


def promise_ledger(
    episodes: pl.DataFrame, seats: pl.DataFrame, message_labels: pl.DataFrame, promises: pl.DataFrame
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
    theirs = promises.join(roster.drop("kind"), on=["episode_id", "labeller", "model"])
    counts = theirs.group_by(*ROLE).agg(messages=pl.len(), **_counts(~pl.col("repeats")))
    blocks = _blocks(theirs)
    ledger = whole.join(counts, on=ROLE, how="left").with_columns(pl.col(counts.columns[len(ROLE) :]).fill_null(0))
    rows = [
        {**row, **_shares(blocks.filter(pl.all_horizontal(pl.col(name) == row[name] for name in ROLE)))}
        for row in ledger.sort(ROLE).iter_rows(named=True)
    ]
    table = PROMISE_LEDGER
    return table.conform(pl.DataFrame(rows, schema_overrides=table.schema) if rows else table.empty())


def _senders(seats: pl.DataFrame, edges: pl.DataFrame) -> pl.DataFrame:
    """The model of each sender, and the number of neighbours it can pull."""
    ends = pl.concat([edges.select("episode_id", sender=end) for end in ("seat_a", "seat_b")])
    near = ends.group_by("episode_id", "sender").agg(neighbours=pl.len())
    roster = seats.select("episode_id", "model", sender="seat", scripted=pl.col("kind") == SCRIPTED)
    return roster.join(near, on=["episode_id", "sender"])


def _repeats(made: pl.DataFrame) -> pl.Series:
    """For promises in order: whether the pair's last promise that is not a repeat is still in its window.

    Computed round by round, because whether a promise is a repeat depends on the earlier ones; for all pairs of all
    episodes at once.
    """
    pair = made.select(pl.struct("episode_id", "labeller", "sender", "recipient").rank("dense")).to_series().to_numpy()
    until = np.zeros(int(pair.max()) + 1 if len(pair) else 1, dtype=np.int64)
    round_, repeats = made["round"].to_numpy(), np.zeros(len(pair), dtype=bool)
    for rows in _at_once(made):
        repeats[rows] = until[pair[rows]] >= round_[rows]
        fresh = np.arange(rows.start, rows.stop)[~repeats[rows]]
        until[pair[fresh]] = round_[fresh] + PAYBACK_WINDOW - 1
    return pl.Series(repeats)


def _at_once(made: pl.DataFrame) -> Iterator[slice]:
    """Slices of rows of one exchange of one round, in which no pair occurs twice."""
    sizes = made.group_by("round", "exchange", maintain_order=True).len()["len"].to_list()
    starts = np.cumsum([0, *sizes]).tolist()
    return (slice(start, stop) for start, stop in pairwise(starts))


def _window(made: pl.DataFrame, pulls: pl.DataFrame) -> pl.DataFrame:
    """What sender and recipient did in the window of each promise: one row per promise, whatever they did."""
    rounds = made.select(
        *KEY, "sender", "recipient", "last", made_in="round", round=pl.int_ranges("round", pl.col("last") + 1)
    ).explode("round")
    done = pulls.select("episode_id", "round", "puller", "target", "status")
    valid, at = pl.col("status") == VALID, ["episode_id", "round"]
    own = rounds.join(done, left_on=[*at, "sender"], right_on=[*at, "puller"], how="left")
    theirs = rounds.join(done, left_on=[*at, "recipient"], right_on=[*at, "puller"], how="left")
    back = valid & (pl.col("target") == pl.col("sender"))
    gave = own.group_by(KEY).agg(
        spent=(pl.col("status") != FORFEIT).sum(),
        valid=valid.sum(),
        gave=(valid & (pl.col("target") == pl.col("recipient"))).sum(),
    )
    got = theirs.group_by(KEY).agg(points=back.sum(), owed=(back & (pl.col("round") < pl.col("last"))).any())
    return gave.join(got, on=KEY)


def _judged(episodes: pl.DataFrame, labels: pl.DataFrame) -> pl.DataFrame:
    """(episode_id, labeller) for complete labels. The lexical rule labels every episode, also one without messages."""
    others = covered(labels.filter(pl.col("labeller") == LEXICAL), labels.filter(pl.col("labeller") != LEXICAL))
    return pl.concat([episodes.select("episode_id", labeller=pl.lit(LEXICAL)), others])


def _counts(made: pl.Expr) -> dict[str, pl.Expr]:
    outcome, owed = pl.col("outcome"), pl.col("owed")
    return {
        "made": made.sum(),
        **{name: (made & (outcome == name)).sum() for name in (KEPT, BROKEN, OPEN)},
        "owed": (made & owed).sum(),
        "owed_kept": (made & owed & (outcome == KEPT)).sum(),
        "points_kept": pl.col("points").filter(made & (outcome == KEPT)).sum(),
        "points_broken": pl.col("points").filter(made & (outcome == BROKEN)).sum(),
    }


def episode_shares(theirs: pl.DataFrame) -> pl.DataFrame:
    """Each share of the ledger in single episodes: one row per labeller, condition, model and episode.

    A row needs a decided promise: one that was kept or broken and whose window lies within the game. Repeats do not
    count.

    Args:
        theirs: rows of `promises` with the condition and the seed of their episode.

    Returns:
        labeller, condition, model, seed, episode_id, n (decided promises), and the shares as in `promise_ledger`; a
        share is null if no promise defines it.
    """
    decided = theirs.filter(~pl.col("repeats") & pl.col("whole") & (pl.col("outcome") != OPEN)).sort(KEY)
    kept = pl.col("outcome") == KEPT
    shares = {
        "kept_share": kept.mean(),
        "chance_share": pl.mean("chance"),
        "owed_kept_share": kept.filter(pl.col("owed")).mean(),
        "points_a_kept": pl.col("points").filter(kept).mean(),
        "points_a_broken": pl.col("points").filter(~kept).mean(),
    }
    return decided.group_by(*ROLE, "seed", "episode_id", maintain_order=True).agg(n=pl.len(), **shares)


def _blocks(theirs: pl.DataFrame) -> pl.DataFrame:
    """Each share's mean over the episodes of a block; null if none defines it."""
    episodes = episode_shares(theirs).drop("n", "episode_id")
    return episodes.group_by(*ROLE, "seed", maintain_order=True).agg(pl.exclude(*ROLE, "seed").mean())


def _shares(blocks: pl.DataFrame) -> dict[str, object]:
    means = {name: blocks[name].mean() for name in blocks.columns[len(ROLE) + 1 :]}
    interval = t_interval(blocks["kept_share"].to_list()) if blocks.height else Interval(None, None, NO_PROMISE)
    bounds = {"ci_low": interval.low, "ci_high": interval.high, "ci_method": interval.method}
    return {"n": blocks.height, **means, **bounds}


OF_BATCHES = Measure(
    promises,
    PROMISES,
    reads={
        "episodes": ("episode_id", "status", "n_rounds"),
        "seats": ("episode_id", "seat", "model", "kind"),
        "edges": ("episode_id", "seat_a", "seat_b"),
        "messages": ("episode_id", "event_id", "round", "exchange", "sender", "recipient"),
        "pulls": ("episode_id", "round", "puller", "target", "status"),
        "message_labels": ("episode_id", "event_id", "labeller", "promises_pull"),
    },
)
OVER_ALL = Measure(
    promise_ledger,
    PROMISE_LEDGER,
    reads={
        "episodes": ("episode_id", "status", "channel", "condition", "seed"),
        "seats": ("episode_id", "model", "kind"),
        "message_labels": ("episode_id", "labeller"),
        "promises": (*KEY, "model", "repeats", "outcome", "whole", "owed", "points", "chance"),
    },
)
