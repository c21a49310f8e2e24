"""Writes CSV that is safe to open: text that a spreadsheet would run as a formula gets an apostrophe in front.

What models wrote is hostile text. A spreadsheet runs a cell that begins with `=HYPERLINK(...)`, for example. With an
apostrophe the cell is plain text (https://owasp.org/www-community/attacks/CSV_Injection). Numbers are not changed.
Parquet and JSON lines are not changed either, because no program runs them.
"""

import polars as pl

# A formula begins with = + - or @, in any of their Unicode widths. Some programs skip white space, byte order marks and
# zero-width characters before it. In some programs a tab or a line break begins a new cell.
_FORMULA = (
    r"^[\s\x00-\x20\x7f-\xa0\x{ad}\x{200b}-\x{200f}\x{2028}-\x{202f}\x{2060}-\x{206f}\x{feff}]*"
    r"[=+\-@\x{ff1d}\x{ff0b}\x{ff0d}\x{ff20}\x{fe62}\x{fe63}\x{fe66}\x{fe6b}\x{2212}]"
)
_RUN = rf"(?:{_FORMULA})|^[\t\r\n]"
# The text that a page shows beside a CSV file.
SAID = "In CSV, text that a spreadsheet would run as a formula begins with an apostrophe."


def as_text(frame: pl.DataFrame) -> tuple[pl.DataFrame, int]:
    """Puts an apostrophe before each text that a spreadsheet would run; returns the frame and how many there are."""
    run = frame.select(pl.col(pl.String).str.contains(_RUN).fill_null(value=False))
    count = sum(int(run[name].sum()) for name in run.columns)
    guarded = [
        pl.when(run[name]).then(pl.concat_str(pl.lit("'"), pl.col(name))).otherwise(pl.col(name)).alias(name)
        for name in run.columns
    ]
    return frame.with_columns(guarded), count


def safe_csv(frame: pl.DataFrame) -> str:
    """The frame as CSV that is safe to open."""
    return as_text(frame)[0].write_csv()
