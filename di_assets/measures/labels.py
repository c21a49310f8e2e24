"""Which messages ask for a pull and which promise one: a table of its own, so that labellers can be compared."""

import polars as pl

from di_assets.agents.asking import asks_for_pull, promises_pull
from di_assets.tables import TABLES

LEXICAL, VERSION = "lexical", "1"


def message_labels(messages: pl.DataFrame) -> pl.DataFrame:
    """One row a message: what the documented lexical rule says of it. Each distinct text is read once."""
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
    return TABLES["message_labels"].conform(labelled.with_columns(labeller=pl.lit(LEXICAL), version=pl.lit(VERSION)))


def kappa(one: pl.Series, other: pl.Series) -> float | None:
    """Cohen's kappa between two labellers' answers on the same messages (Cohen 1960), in [-1, 1].

    None where it is undefined: no messages, or both always give the same one answer.
    """
    if len(one) == 0:
        return None
    agreed = float((one == other).sum()) / len(one)
    yes_one, yes_other = float(one.sum()) / len(one), float(other.sum()) / len(one)
    chance = yes_one * yes_other + (1 - yes_one) * (1 - yes_other)
    return None if chance == 1 else (agreed - chance) / (1 - chance)
