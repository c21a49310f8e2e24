"""Promises: which were kept, which points they brought, and how often they would be kept by chance.

A promise is a message that, according to a labeller, promises its recipient a pull. Its window is the round of the
message and the `PAYBACK_WINDOW` - 1 rounds after it: messages promise "this round", "next round" or "I'll pay you
back", and a pull counts as paid back within the same number of rounds. A promise without an end ("every round from now
on") has the same window. Labels do not say whether a promise has a condition ("if you pull me"). Whether the recipient
pulled the sender is known, and is in a column of its own (`owed`).
"""

import numpy as np
import polars as pl

from di_assets.measures.dense import NOBODY, Bools, Ints
from di_assets.measures.labels import covered, labelled
from di_assets.measures.measure import Measure
from di_assets.measures.row_spans import by_seat, spans
from di_assets.tables.by_batch import PROMISES
from di_assets.tables.words import COMPLETE, PAYBACK_WINDOW, SCRIPTED

KEPT, BROKEN, OPEN = "kept", "broken", "open"
OUTCOMES = pl.Series([KEPT, BROKEN, OPEN])
KEY = ("episode_id", "event_id", "labeller")


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
    complete = episodes.filter(pl.col("status") == COMPLETE).sort("episode_id").with_row_index("e")
    made = _promising(messages, message_labels).join(complete.select("episode_id", "e", "n_rounds"), on="episode_id")
    first, n_rounds = made["round"].to_numpy(), made["n_rounds"].to_numpy()
    last, whole = np.minimum(first + PAYBACK_WINDOW - 1, n_rounds), first + PAYBACK_WINDOW - 1 <= n_rounds
    targets = _targets(complete, pulls)
    done = _done(made, targets, last)
    outcome = np.where(done["gave"] > 0, 0, np.where(whole & (done["spent"] > 0), 1, 2))
    ids, n_seats, at = complete["episode_id"], targets.shape[2], (made["e"].to_numpy(), made["sender"].to_numpy())
    names = seats["model"].unique().sort()
    coded = seats.select(
        "episode_id",
        "seat",
        model=pl.col("model").cast(pl.Enum(names)).to_physical(),
        scripted=pl.col("kind") == SCRIPTED,
    )
    return PROMISES.conform(
        made.select(*KEY, "round", "sender", "recipient").with_columns(
            names.gather(by_seat(coded, ids, "model", n_seats=n_seats)[at]).alias("model"),
            scripted=by_seat(coded, ids, "scripted", n_seats=n_seats)[at],
            last=last,
            whole=whole,
            repeats=_repeats(made, last),
            outcome=OUTCOMES.gather(outcome),
            recipient_pulled=done["points"] > 0,
            owed=done["owed"] > 0,
            points=done["points"],
            chance=1 - (1 - 1 / _neighbours(edges, ids, n_seats)[at]) ** done["valid"],
        )
    )


def _promising(messages: pl.DataFrame, message_labels: pl.DataFrame) -> pl.DataFrame:
    """The promising messages by each labeller, in the episodes that it labelled completely."""
    heads = messages.select("episode_id", "event_id", "round", "exchange", "sender", "recipient")
    parts = []
    for labeller in message_labels["labeller"].unique().sort():
        labels = message_labels.filter(pl.col("labeller") == labeller)
        found = labelled(heads, labels, "promises_pull", labeller=labeller)
        if len(labels) < len(heads):
            found = found.join(covered(messages, labels), on="episode_id", how="semi")
        parts.append(found.with_columns(labeller=pl.lit(labeller)))
    return pl.concat([heads.clear().with_columns(labeller=pl.lit("")), *parts])


def _targets(complete: pl.DataFrame, pulls: pl.DataFrame) -> Ints:
    """(e, t, i): the seat that i pulled; i itself for a kept pull, NOBODY for a forfeit."""
    theirs = spans(pulls, complete["episode_id"]).cut(0, len(complete))
    longest, largest = (complete[name].to_numpy().max(initial=0) for name in ("n_rounds", "n_seats"))
    targets = np.full((len(complete), longest, largest), NOBODY, dtype=np.int16)
    at = (theirs.episode, theirs.column("round") - 1, theirs.column("puller"))
    targets[at] = theirs.frame["target"].fill_null(NOBODY).to_numpy()
    return targets


def _done(made: pl.DataFrame, targets: Ints, last: Ints) -> dict[str, Ints]:
    """How often each promise's window, up to the round `last`, has a round of each kind.

    spent: the sender spent its pull; valid: on somebody else; gave: on the recipient; points: the recipient pulled the
    sender; owed: it did before the window's last round.
    """
    e, sender, recipient, first = (made[name].to_numpy() for name in ("e", "sender", "recipient", "round"))
    done: dict[str, Ints] = {}
    for lag in range(PAYBACK_WINDOW):
        now = np.minimum(first + lag, last)
        own, theirs = targets[e, now - 1, sender], targets[e, now - 1, recipient]
        found = {
            "spent": own != NOBODY,
            "valid": (own != NOBODY) & (own != sender),
            "gave": own == recipient,
            "points": theirs == sender,
            "owed": (theirs == sender) & (now < last),
        }
        done = {name: done.get(name, 0) + (one & (first + lag <= last)).astype(np.int64) for name, one in found.items()}
    return done


def _neighbours(edges: pl.DataFrame, ids: pl.Series, n_seats: int) -> Ints:
    """(e, i): how many seats i can pull."""
    theirs = spans(edges, ids).cut(0, len(ids))
    ends = [theirs.episode * n_seats + theirs.column(end) for end in ("seat_a", "seat_b")]
    return np.bincount(np.concatenate(ends), minlength=len(ids) * n_seats).reshape(len(ids), n_seats)


def _repeats(made: pl.DataFrame, last: Ints) -> Bools:
    """Whether the pair's last promise that is not a repeat is still in its window.

    Computed round by round, because whether a promise is a repeat depends on the earlier ones; for all pairs of all
    episodes at once. A pair writes one message an exchange.

    Args:
        made: promises.
        last: the last round of their windows.
    """
    pair = made.select(pl.struct("e", "labeller", "sender", "recipient").rank("dense")).to_series().to_numpy()
    until, repeats = np.zeros(len(made) + 1, dtype=np.int64), np.zeros(len(made), dtype=bool)
    first, exchange = made["round"].to_numpy(), made["exchange"].to_numpy()
    order = np.lexsort((exchange, first))
    turns = np.flatnonzero(np.diff(first[order], prepend=0) | np.diff(exchange[order], prepend=0))
    for rows in np.split(order, turns[1:]):
        repeats[rows] = until[pair[rows]] >= first[rows]
        fresh = rows[~repeats[rows]]
        until[pair[fresh]] = last[fresh]
    return repeats


MEASURE = Measure(
    promises,
    PROMISES,
    reads={
        "episodes": ("episode_id", "status", "n_seats", "n_rounds"),
        "seats": ("episode_id", "seat", "model", "kind"),
        "edges": ("episode_id", "seat_a", "seat_b"),
        "messages": ("episode_id", "event_id", "round", "exchange", "sender", "recipient"),
        "pulls": ("episode_id", "round", "puller", "target"),
        "message_labels": ("episode_id", "event_id", "labeller", "promises_pull"),
    },
)
