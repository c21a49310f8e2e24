"""What a materialisation shows in the Dagster UI: rows, a preview, and the columns with their lineage."""

import os
from collections.abc import Iterable, Mapping, Sequence
from functools import cache

import dagster as dg
import polars as pl

from di_assets.tables import TABLES, episode_set

PREVIEW_ROWS, INTERVAL_ROWS, MOST_CELL_CHARS = 5, 40, 60
OWNERS = ("team:benchmark",)
# Replies of models cost money and cannot be computed again. Everything else can, at no cost.
PLAYED, COMPUTED = {"origin": "played"}, {"origin": "computed"}


def of_table(
    name: str, frame: pl.DataFrame, upstream: Iterable[str] = (), *, rows: int | None = None
) -> dict[str, dg.MetadataValue]:
    """Metadata of a table that was just written. `rows` is its number of rows if the frame is only its first rows."""
    intervals = interval_table(name, frame)
    return {
        "dagster/row_count": dg.MetadataValue.int(frame.height if rows is None else rows),
        "grain": dg.MetadataValue.text(TABLES[name].grain),
        **({"intervals": dg.MetadataValue.md(intervals)} if intervals else {}),
        "preview": dg.MetadataValue.md(preview(frame)),
        "dagster/column_schema": column_schema(name),
        "dagster/column_lineage": column_lineage(name, tuple(upstream)),
    }


def of_stored(name: str, stored: pl.LazyFrame) -> dict[str, dg.MetadataValue]:
    """The same metadata for a table on disk; only what is shown is read."""
    rows: int = stored.select(pl.len()).collect().item()
    return of_table(name, stored.head(PREVIEW_ROWS).collect(), rows=rows)


def of_episodes(episodes: pl.DataFrame) -> dict[str, dg.MetadataValue]:
    """Metadata about the episodes (a frame with their ids) behind a result: their number, their set, a link."""
    return of_episode_set(episodes.height, episode_set(episodes["episode_id"]))


def of_episode_set(n: int, name: str) -> dict[str, dg.MetadataValue]:
    """The same metadata for a set of episodes that already has a name."""
    return {
        "episodes": dg.MetadataValue.int(n),
        "episode set": dg.MetadataValue.text(name),
        "episodes page": dg.MetadataValue.url(f"{dashboard()}/episodes"),
    }


def players(*, scripted: bool) -> dict[str, dg.MetadataValue]:
    """Metadata that says who played the episodes that this was made from."""
    return {"players": dg.MetadataValue.text("scripted agents, not language models" if scripted else "language models")}


def dashboard() -> str:
    """The address of the dashboard: DI_DASHBOARD, or where `di ui` serves it."""
    return (os.environ.get("DI_DASHBOARD") or "http://127.0.0.1:8501").rstrip("/")


def preview(frame: pl.DataFrame) -> str:
    """The first rows as a Markdown table. Text by players is shown as code, where Markdown has no effect."""
    head = frame.head(PREVIEW_ROWS)
    return _markdown(head.columns, [[_cell(value) for value in row] for row in head.iter_rows()])


def interval_table(name: str, frame: pl.DataFrame) -> str | None:
    """Each row's keys, n, values with their intervals, and p, as Markdown; None if the table has no intervals."""
    names = list(TABLES[name].schema)
    lows = [column for column in names if column.endswith("_low")]
    if not lows:
        return None
    # The value comes before its interval; in the table of looks, alpha is between the two.
    values = {low: before if (before := names[names.index(low) - 1]) != "alpha" else "lift" for low in lows}
    facts = [column for column in names if column in {"n", "n_pairs", "observed_mean"} or column.startswith("p_")]
    keys = TABLES[name].keys
    shown = [
        [*(_cell(row[key]) for key in keys), *(_interval(row, values[low], low) for low in lows),
         *(_cell(row[fact]) for fact in facts)]
        for row in frame.head(INTERVAL_ROWS).iter_rows(named=True)
    ]  # fmt: skip
    return _markdown([*keys, *(f"{values[low]} [{_ends(values[low])}]" for low in lows), *facts], shown)


@cache
def column_schema(name: str) -> dg.TableSchemaMetadataValue:
    """The columns of a table with types and meanings, from the table contract."""
    columns = [
        dg.TableColumn(
            name=column.name,
            type=str(column.dtype),
            description=column.meaning,
            constraints=dg.TableColumnConstraints(nullable=column.nullable),
        )
        for column in TABLES[name].columns
    ]
    return dg.MetadataValue.table_schema(dg.TableSchema(columns=columns))


@cache
def column_lineage(name: str, upstream: tuple[str, ...]) -> dg.TableColumnLineageMetadataValue:
    """The columns that come from a column of the same name in an input table."""
    above = [u for u in upstream if u in TABLES]
    deps: Mapping[str, list[dg.TableColumnDep]] = {
        column: [
            dg.TableColumnDep(asset_key=dg.AssetKey(u), column_name=column) for u in above if column in TABLES[u].schema
        ]
        for column in TABLES[name].schema
    }
    return dg.MetadataValue.column_lineage(dg.TableColumnLineage({c: d for c, d in deps.items() if d}))


def _markdown(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (heads, ["---"] * len(heads), *rows))


def _ends(value: str) -> str:
    return "2.5%, 97.5% of the null's means" if value == "null_mean" else "95% CI"


def _interval(row: Mapping[str, object], value: str, low: str) -> str:
    ends = [row[low], row[low.removesuffix("low") + "high"]]
    return _cell(row[value]) + ("" if None in ends else f" [{', '.join(map(_cell, ends))}]")


def _cell(value: object) -> str:
    text = "—" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)
    text = text.replace("`", "'").replace("|", "¦").replace("\n", " ")[:MOST_CELL_CHARS]
    return f"`{text}`" if isinstance(value, str) and text else text
