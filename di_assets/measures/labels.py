"""Which messages ask for a pull, and which promise one. A table of its own, so that labellers can be compared."""

import polars as pl

from di_assets.agents.asking import asks_for_pull, promises_pull
from di_assets.measures.measure import Measure
from di_assets.tables.by_batch import MESSAGE_LABELS
from di_assets.tables.words import LEXICAL

VERSION = "1"
LABELS = ("asks_for_pull", "promises_pull")


def message_labels(messages: pl.DataFrame, *, given: pl.DataFrame | None = None) -> pl.DataFrame:
    """One row per message and labeller: the lexical rule labels every message, other labellers some messages.

    Args:
        messages: messages; the rule reads each distinct text once.
        given: rows of this table given by models and persons; they are added unchanged.
    """
    texts = messages["text"].unique().sort()
    read = pl.DataFrame(
        {
            "text": texts,
            "asks_for_pull": pl.Series([asks_for_pull(text) for text in texts], dtype=pl.Boolean),
            "promises_pull": pl.Series([promises_pull(text) for text in texts], dtype=pl.Boolean),
        },
        schema_overrides={"text": pl.String()},
    )
    labelled = messages.select("episode_id", "event_id", "text").join(read, on="text").drop("text")
    by_rule = labelled.with_columns(labeller=pl.lit(LEXICAL), version=pl.lit(VERSION))
    table = MESSAGE_LABELS
    return table.conform(pl.concat([by_rule, table.empty() if given is None else given]))


def labelled(messages: pl.DataFrame, labels: pl.DataFrame, label: str, *, labeller: str) -> pl.DataFrame:
    """The messages to which a labeller gives this label, in the order of `messages`.

    Args:
        messages: episode_id, event_id and any other columns.
        labels: rows of `message_labels`.
        label: asks_for_pull or promises_pull.
        labeller: the labeller; labels of others do not count.
    """
    theirs = labels if (labels["labeller"] == labeller).all() else labels.filter(pl.col("labeller") == labeller)
    if len(theirs) == len(messages) and all(theirs[key].equals(messages[key]) for key in ("event_id", "episode_id")):
        return messages.filter(theirs[label])
    found = theirs.filter(label).select("episode_id", "event_id")
    return messages.join(found, on=["episode_id", "event_id"], how="semi", maintain_order="left")


def covered(messages: pl.DataFrame, labels: pl.DataFrame) -> pl.DataFrame:
    """(episode_id, labeller) for each episode in which a labeller labelled every message.

    Args:
        messages: episode_id and event_id of every message.
        labels: rows of `message_labels`.
    """
    sizes = messages.group_by("episode_id").agg(n=pl.len())
    counts = labels.group_by("episode_id", "labeller").agg(n=pl.len())
    return counts.join(sizes, on=["episode_id", "n"]).select("episode_id", "labeller").sort("episode_id", "labeller")


MEASURE = Measure(
    message_labels,
    MESSAGE_LABELS,
    reads={"messages": ("episode_id", "event_id", "text")},
    settings=("given",),
    version=VERSION,
)
