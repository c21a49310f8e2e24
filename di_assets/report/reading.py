"""What the pages read: the summary as stored, and the tables they list."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from di_assets.tables import Warehouse

LISTED = ("episode_id", "condition", "focal_model", "focal_capture", "cascades", "gini")


def read_summary(warehouse: Warehouse) -> dict[str, Any] | None:
    """summary.json; None where it has not been written yet."""
    text = warehouse.read_report("summary.json")
    found: dict[str, Any] | None = None if text is None else json.loads(text)
    return found


def read_figure(warehouse: Warehouse, name: str) -> str:
    """An SVG of the report by its file name; empty where it has not been made yet."""
    return warehouse.read_report(name) or ""


def episodes_behind(warehouse: Warehouse, *, scripted: bool) -> pl.DataFrame:
    """Measured episodes of one kind, by condition then id."""
    kind = warehouse.read("episodes").filter(pl.col("scripted") == scripted).select("episode_id")
    return warehouse.read("episode_measures").join(kind, on="episode_id").select(LISTED).sort("condition", "episode_id")


def all_episodes(warehouse: Warehouse, where: Mapping[str, str]) -> pl.DataFrame:
    """Every stored episode that has these values (column -> value), by id."""
    frame = warehouse.scan("episodes").select(
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
    for column, value in where.items():
        frame = frame.filter(pl.col(column) == value)
    return frame.collect().sort("episode_id")


def choices(warehouse: Warehouse, column: str) -> list[str]:
    """Values of a column of `episodes`, sorted."""
    return (
        warehouse.scan("episodes").select(pl.col(column).unique()).collect().drop_nulls().sort(column)[column].to_list()
    )


def flat(value: Any, prefix: str = "") -> list[tuple[str, str]]:
    """A nested record as (dotted name, text) in its own order; missing values as a dash, numbers to three digits."""
    if isinstance(value, dict):
        return [pair for key, inner in value.items() for pair in flat(inner, f"{prefix}.{key}" if prefix else key)]
    return [(prefix, text_of(value))]


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
