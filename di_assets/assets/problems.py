"""A problem that a check found: a sentence, and the keys of the rows it is about."""

from dataclasses import dataclass

import dagster as dg
import polars as pl

from di_assets.assets import metadata

MOST_NAMED = 5


@dataclass(frozen=True, slots=True)
class Problem:
    """A rule that a table breaks.

    Attributes:
        sentence: what is wrong.
        table: the table with the rows.
        rows: keys of every wrong row, sorted; never text by players.
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
        """The sentence, then the keys of the first rows and how many more there are. Only the sentence without rows."""
        if self.rows.is_empty():
            return self.sentence
        more = self.rows.height - MOST_NAMED
        return f"{self.sentence}: {self.table} " + "; ".join(self.named) + (f"; and {more:,} more" if more > 0 else "")

    @property
    def _first(self) -> list[dict[str, object]]:
        return self.rows.head(MOST_NAMED).to_dicts()

    def metadata(self) -> dict[str, dg.MetadataValue]:
        """The number of wrong rows, and the first of them as a table."""
        return {
            "table": dg.MetadataValue.text(self.table),
            "rows": dg.MetadataValue.int(self.rows.height),
            "first rows": dg.MetadataValue.md(metadata.preview(self.rows.head(MOST_NAMED))),
        }


def problem(sentence: str, table: str, wrong: pl.DataFrame, *keys: str) -> Problem | None:
    """A problem with these rows, named by `keys` (by all columns if no key is given); None if there are no rows."""
    if wrong.is_empty():
        return None
    rows = wrong.select(*keys) if keys else wrong
    return Problem(sentence, table, rows.unique().sort(rows.columns))
