"""What the pages read: the stored summary, and the tables they list."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from di_assets.tables import Damage, DamageError, Warehouse
from di_assets.tables.warehouse import SUMMARY

EPISODES = (
    "episode_id",
    "arm",
    "condition",
    "focal_model",
    "scripted",
    "status",
    "failure",
    "n_calls",
    "n_forfeits",
    "cost_usd",
)
LISTED = ("episode_id", "condition", "focal_model", "focal_capture", "cascades", "gini")


def read_summary(warehouse: Warehouse) -> dict[str, Any] | None:
    """summary.json; None if it has not been written yet.

    Raises:
        DamageError: the file exists but is not a summary.
    """
    try:
        text = warehouse.read_report("summary.json")
        found: dict[str, Any] | None = None if text is None else json.loads(text)
    except ValueError:
        raise damaged_summary(warehouse, "is no summary") from None
    if found is not None and not (isinstance(found, dict) and isinstance(found.get("questions"), dict)):
        raise damaged_summary(warehouse, "is no summary")
    return found


def damaged_summary(warehouse: Warehouse, what: str) -> DamageError:
    """The error for a damaged summary: what is wrong with it, and how to write it again."""
    return DamageError(str(warehouse), [Damage(SUMMARY, what, remedy="`di report` writes it anew")])


def read_figure(warehouse: Warehouse, name: str) -> str:
    """An SVG of the report by its file name; empty if it has not been made yet."""
    return warehouse.read_report(name) or ""


def episodes_behind(warehouse: Warehouse, *, scripted: bool) -> pl.DataFrame:
    """Measured episodes of one kind, sorted by condition and id."""
    kind = warehouse.scan("episodes").filter(pl.col("scripted") == scripted).select("episode_id")
    measured = warehouse.scan("episode_measures").select(LISTED)
    return measured.join(kind, on="episode_id", how="semi").sort("condition", "episode_id").collect()


def all_episodes(warehouse: Warehouse) -> pl.DataFrame:
    """Every stored episode, sorted by id."""
    return warehouse.scan("episodes").select(EPISODES).sort("episode_id").collect()


def matching(episodes: pl.DataFrame, where: Mapping[str, str], *, words: str, by: str, falling: bool) -> pl.DataFrame:
    """The episodes that have these values, and these words in their id.

    Args:
        episodes: sorted by id.
        where: column -> value.
        words: separated by spaces; an id must contain all of them, in upper or lower case.
        by: the column to sort by; missing values come last, and equal values are sorted by id.
        falling: sort with the largest first.
    """
    name = pl.col("episode_id").str.to_lowercase()
    wanted = [pl.col(column) == value for column, value in where.items()]
    wanted += [name.str.contains(word, literal=True) for word in words.lower().split()]
    return (episodes.filter(wanted) if wanted else episodes).sort(
        by, descending=falling, nulls_last=True, maintain_order=True
    )


def choices(episodes: pl.DataFrame, columns: Sequence[str]) -> dict[str, list[str]]:
    """By column, its values, sorted."""
    return {column: episodes[column].drop_nulls().unique().sort().to_list() for column in columns}


def are_records(value: Any) -> bool:
    """Whether the value is a list of records, which is how the summary stores a table."""
    return isinstance(value, list) and bool(value) and isinstance(value[0], dict)


def flat(value: Any, prefix: str = "") -> list[tuple[str, str]]:
    """A nested record as (dotted name, text) in its own order; missing values are a dash, numbers have three digits.

    Each record of a list is a line of its own.
    """
    if are_records(value):
        return [(prefix, "\n".join(text_of(one)[1:-1] for one in value))]
    if isinstance(value, dict):
        return [pair for key, inner in value.items() for pair in flat(inner, f"{prefix}.{key}" if prefix else key)]
    return [(prefix, text_of(value))]


def measure_of(value: Any) -> str:
    """One value of a table of measures, for people.

    A value that differs from zero only by rounding is shown as zero.
    """
    return text_of(round(value, 9) + 0.0 if isinstance(value, float) else value)


def text_of(value: Any) -> str:
    """One value of the summary, for people."""
    if value is None:
        return "—"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.3g}"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {text_of(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + ", ".join(map(text_of, value)) + "]"
    return str(value)
