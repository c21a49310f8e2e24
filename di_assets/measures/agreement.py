"""How far labellers agree beyond chance: Cohen's kappa for each pair of them; messages are clustered in episodes."""

import itertools
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from di_assets.measures.intervals import Interval, clustered_t
from di_assets.measures.labels import LABELS
from di_assets.measures.measure import Measure
from di_assets.tables.over_all import LABEL_AGREEMENT
from di_assets.tables.words import SCRIPTED

NONE_SHARED, ONE_ANSWER = "no message labelled by both", "both give all of them the same one answer"
BLOCK = ("condition", "focal_model", "seed")

Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Kappa:
    """Cohen's kappa with its interval. If there is no interval, its method says why."""

    kappa: float | None
    interval: Interval


def kappa(one: Bools, other: Bools, blocks: NDArray[np.integer]) -> Kappa:
    """Cohen's kappa (Cohen 1960) between two labellers' answers on the same messages, in [-1, 1].

    kappa = (o - e) / (1 - e). Here o is the share of messages on which they agree, and e the share expected by chance:
    e = p q + (1 - p)(1 - q), with p and q their shares of yes. Undefined without messages, and if e = 1, that is, if
    both give all messages the same answer.

    The interval is Student's t over G blocks of messages that are not independent. Each message i moves kappa by

        psi_i = (agree_i - o) / (1 - e) - (1 - o) / (1 - e)^2 [(2q - 1)(one_i - p) + (2p - 1)(other_i - q)]

    so the interval is that of the mean of kappa + psi_i, with values in blocks. With one message per block its variance
    is, except for the factor G / (G - 1), the large-sample variance of Fleiss, Cohen & Everitt (1969). Cut to [-1, 1].

    Args:
        one: yes or no for each message.
        other: the same of the other labeller.
        blocks: the block of each message.
    """
    agree, n = one == other, len(one)
    if n == 0:
        return Kappa(None, Interval(None, None, NONE_SHARED))
    # In integers, so that agreement exactly as by chance gives exactly 0.
    agreed, yes, other_yes = (int(x.sum()) for x in (agree, one, other))
    chance = yes * other_yes + (n - yes) * (n - other_yes)
    if chance == n**2:
        return Kappa(None, Interval(None, None, ONE_ANSWER))
    found = (n * agreed - chance) / (n**2 - chance)
    o, p, q, e = agreed / n, yes / n, other_yes / n, chance / n**2
    moved = (agree - o) / (1 - e) - (1 - o) / (1 - e) ** 2 * ((2 * q - 1) * (one - p) + (2 * p - 1) * (other - q))
    # Values are shifted to lie around 1, so that rounding around a kappa of 0 is not mistaken for variance.
    about_one = clustered_t((1 + moved).tolist(), blocks.tolist())
    if about_one.low is None or about_one.high is None:
        return Kappa(found, about_one)
    low, high = (bound - 1 + found for bound in (about_one.low, about_one.high))
    return Kappa(found, replace(about_one, low=max(-1.0, low), high=min(1.0, high)))


def label_agreement(
    episodes: pl.DataFrame, seats: pl.DataFrame, messages: pl.DataFrame, message_labels: pl.DataFrame
) -> pl.DataFrame:
    """One row per pair of labellers (each in one version), label and kind of sender; none if only one has labelled.

    Messages by scripted agents are counted separately, because their few phrases say little about a rule. A pair that
    shares no message also has a row. Episodes of one condition, focal model and seed are one block.
    """
    labels = _with_blocks(episodes, seats, messages, message_labels)
    who = labels.select("labeller", "version").unique().sort("labeller", "version").rows()
    by = dict(labels.group_by("labeller", "version", "scripted"))
    rows: list[tuple[object, ...]] = []
    for (one, other), scripted in itertools.product(
        itertools.combinations(who, 2), labels["scripted"].unique().sort().to_list()
    ):
        if one[0] == other[0]:
            continue
        frames = (by.get((*labeller, scripted), labels.clear()) for labeller in (one, other))
        both = _shared(*frames)
        rows += [(*one, *other, label, scripted, *_row(both, label)) for label in LABELS]
    return LABEL_AGREEMENT.frame(rows)


def _with_blocks(
    episodes: pl.DataFrame, seats: pl.DataFrame, messages: pl.DataFrame, labels: pl.DataFrame
) -> pl.DataFrame:
    senders = seats.select("episode_id", sender="seat", scripted=pl.col("kind") == SCRIPTED)
    written = messages.select("episode_id", "event_id", "sender").join(senders, on=["episode_id", "sender"])
    blocks = episodes.select("episode_id", block=pl.struct(BLOCK).rank("dense"))
    return labels.join(written, on=["episode_id", "event_id"]).join(blocks, on="episode_id")


def _shared(one: pl.DataFrame, other: pl.DataFrame) -> pl.DataFrame:
    """Messages that both labelled, in order, with the labels of both."""
    event = ["episode_id", "event_id"]
    return one.join(other.select(*event, *LABELS), on=event, suffix="_other").sort(event)


def _row(both: pl.DataFrame, label: str) -> tuple[object, ...]:
    one, other = both[label], both[f"{label}_other"]
    found = kappa(one.to_numpy(), other.to_numpy(), both["block"].to_numpy())
    shares = ((one == other).mean(), one.mean(), other.mean())
    return (
        both.height,
        both["block"].n_unique(),
        *shares,
        found.kappa,
        found.interval.low,
        found.interval.high,
        found.interval.method,
    )


MEASURE = Measure(
    label_agreement,
    LABEL_AGREEMENT,
    reads={
        "episodes": ("episode_id", *BLOCK),
        "seats": ("episode_id", "seat", "kind"),
        "messages": ("episode_id", "event_id", "sender"),
        "message_labels": ("episode_id", "event_id", "labeller", "version", *LABELS),
    },
)
