"""What a check found wrong: a sentence, and the keys of the rows it is about."""

from dataclasses import dataclass

import dagster as dg
import polars as pl

from di_assets.assets import metadata

MOST_NAMED = 5


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that does not hold of a table.

    Attributes:
        sentence: what is wrong.
        table: where the rows are.
        rows: keys of every row that is wrong, sorted; never what players wrote.
    """

    sentence: str
    table: str
    rows: pl.DataFrame

    @property
    def named(self) -> list[str]:
        """The first few rows, as `column=value, ...`."""
        return [", ".join(f"{key}={value}" for key, value in row.items()) for row in self._first]

    @property
    def description(self) -> str:
        """The sentence, and where: the first rows by their keys, and how many more there are; alone without rows."""
        if self.rows.is_empty():
            return self.sentence
        more = self.rows.height - MOST_NAMED
        return f"{self.sentence}: {self.table} " + "; ".join(self.named) + (f"; and {more:,} more" if more > 0 else "")

    @property
    def _first(self) -> list[dict[str, object]]:
        return self.rows.head(MOST_NAMED).to_dicts()

    def metadata(self) -> dict[str, dg.MetadataValue]:
        """How many rows are wrong, and the first of them as a table."""
        return {
            "table": dg.MetadataValue.text(self.table),
            "rows": dg.MetadataValue.int(self.rows.height),
            "first rows": dg.MetadataValue.md(metadata.preview(self.rows.head(MOST_NAMED))),
        }


def problem(sentence: str, table: str, wrong: pl.DataFrame, *keys: str) -> Problem | None:
    """The problem of these rows, named by `keys` (by all columns, when none is given); None without any row."""
    if wrong.is_empty():
        return None
    rows = wrong.select(*keys) if keys else wrong
    return Problem(sentence, table, rows.unique().sort(rows.columns))
