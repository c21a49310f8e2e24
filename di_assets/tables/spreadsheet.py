"""CSV that is safe to open: text that a spreadsheet would run as a formula begins with an apostrophe there.

What models wrote is hostile text, and `=HYPERLINK(...)` at the start of a cell is run by whoever opens the file. The
apostrophe makes the cell text (https://owasp.org/www-community/attacks/CSV_Injection). Numbers stay as they are, and so
do Parquet and JSON lines, which nobody runs.
"""

import polars as pl

# A formula begins with one of these, in any of their widths; white space, marks of byte order and characters without
# width before it are passed over by some programs. A tab and line breaks begin a cell of their own in some.
_FORMULA = (
    r"^[\s\x00-\x20\x7f-\xa0\x{ad}\x{200b}-\x{200f}\x{2028}-\x{202f}\x{2060}-\x{206f}\x{feff}]*"
    r"[=+\-@\x{ff1d}\x{ff0b}\x{ff0d}\x{ff20}\x{fe62}\x{fe63}\x{fe66}\x{fe6b}\x{2212}]"
)
_RUN = rf"(?:{_FORMULA})|^[\t\r\n]"
# What a page says beside a file of CSV.
SAID = "In CSV, text that a spreadsheet would run as a formula begins with an apostrophe."


def as_text(frame: pl.DataFrame) -> tuple[pl.DataFrame, int]:
    """The frame with an apostrophe before every text that a spreadsheet would run, and how many those are."""
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
