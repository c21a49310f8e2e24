"""Reads the bill of a provider or gateway into one frame, whatever names its columns have.

Column names are recognised in the usage and cost exports of OpenAI and Anthropic, OpenRouter's activity, LiteLLM's
spend logs, and files with similar names. A row of a bill is one request or a sum of many. Some bills have costs, others
only tokens.
"""

import re
from collections.abc import Mapping
from pathlib import Path

import polars as pl

SCHEMA = {
    "request_id": pl.String(),
    "day": pl.Date(),
    "model": pl.String(),
    "requests": pl.Int64(),
    "input_tokens": pl.Int64(),
    "output_tokens": pl.Int64(),
    "usd": pl.Float64(),
}
# Names of a bill's columns, in lower case, letters and digits only. The first name that exists is used.
NAMES: Mapping[str, tuple[str, ...]] = {
    "request_id": ("generationid", "requestid", "responseid", "completionid", "messageid", "callid", "id"),
    "time": (
        "createdat", "starttimeiso", "starttime", "usagedateutc", "dateutc", "usagedate", "timestamp", "created",
        "bucketstarttime", "startedat", "datetime", "date", "day", "time",
    ),
    "model": (
        "modelpermaslug", "modelversion", "modelname", "model", "modelid", "modelgroup", "lineitem", "description",
    ),
    "requests": ("nummodelrequests", "numrequests", "requestcount", "requests", "apirequests", "ncalls"),
    "input_tokens": (
        "prompttokens", "tokensprompt", "inputtokens", "usageinputtokens", "tokensin", "nativetokensprompt",
    ),
    "output_tokens": (
        "completiontokens", "tokenscompletion", "outputtokens", "usageoutputtokens", "tokensout",
        "nativetokenscompletion", "generatedtokens",
    ),
    "usd": ("spend", "costtotal", "totalcost", "costusd", "amountvalue", "amountusd", "responsecost", "cost", "amount",
            "totalusd", "usd", "usage", "costcents", "costincents", "amountcents", "amountincents", "spendcents"),
}  # fmt: skip
# Columns of bills that split input tokens into parts (not cached, written to the cache, read from it); they are added.
IN_PARTS = (
    ("usageinputtokensnocache", "uncachedinputtokens"),
    ("usageinputtokenscachewrite5m", "usageinputtokenscachewrite"),
    ("usageinputtokenscachewrite1h",),
    ("usageinputtokenscacheread", "cachereadinputtokens"),
)
CENTS = re.compile(r"cents?$")
# Formats of times; the first that fits is used. A time without a zone is UTC.
TIMES = ("%+", "%Y-%m-%d %H:%M:%S%.f%:z", "%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d %H:%M")
MILLISECONDS_FROM = 100_000_000_000


class BillError(ValueError):
    """A file that cannot be read as a bill. The message says what is missing, and which option names its column."""

    exit_code = 2


def read_bill(path: Path, named: Mapping[str, str] | None = None) -> pl.DataFrame:
    """Reads a bill: one row per row of the file, with the columns of `SCHEMA`; values that the bill lacks are null.

    Args:
        path: a CSV file, separated by commas, semicolons or tabs.
        named: names of the file's columns that cannot be guessed, by the keys of `NAMES`.

    Raises:
        BillError: the file does not exist, is no CSV or has no rows; it has neither request ids nor times and models;
            it has neither costs nor tokens; or a cell cannot be read.
    """
    raw = _read(path)
    by_fold: dict[str, str] = {}
    for name in raw.columns:
        by_fold.setdefault(_fold(name), name)
    columns = {what: _column(path, raw, by_fold, what, (named or {}).get(what)) for what in NAMES}
    parts = [part for names in IN_PARTS if (part := _first(by_fold, names)) is not None]
    frame = raw.select(
        request_id=_text(columns["request_id"]),
        day=_day(columns["time"]),
        model=_text(columns["model"]),
        requests=_count(columns["requests"]),
        input_tokens=_sum_of(parts)
        if parts and "input_tokens" not in (named or {})
        else _count(columns["input_tokens"]),
        output_tokens=_count(columns["output_tokens"]),
        usd=_dollars(columns["usd"]),
    )
    _refuse_the_useless(path, raw, frame, columns)
    return frame.with_columns(pl.col("requests").fill_null(1) if frame["request_id"].count() else pl.col("requests"))


def _read(path: Path) -> pl.DataFrame:
    try:
        with path.open(encoding="utf-8-sig", errors="replace") as file:
            head = file.readline()
        separator = max(",;\t", key=head.count)
        frame = pl.read_csv(
            path, separator=separator, infer_schema=False, encoding="utf8-lossy", truncate_ragged_lines=True
        )
    except OSError as error:
        raise BillError(f"{path}: cannot be read ({error.strerror})") from None
    except pl.exceptions.PolarsError as error:
        raise BillError(f"{path}: not a CSV file ({str(error).splitlines()[0]})") from None
    if separator == ";":  # such files have decimal commas
        frame = frame.with_columns(pl.all().str.replace(r"^(-?\$?\d+),(\d+)$", "$1.$2"))
    return frame.rename({name: name.strip().removeprefix("\ufeff") for name in frame.columns})


def _column(path: Path, raw: pl.DataFrame, by_fold: Mapping[str, str], what: str, named: str | None) -> str | None:
    if named is None:
        return _first(by_fold, NAMES[what])
    if named not in raw.columns:
        raise BillError(f"{path}: no column {named!r}; it has {', '.join(raw.columns)}")
    return named


def _first(by_fold: Mapping[str, str], names: tuple[str, ...]) -> str | None:
    return next((by_fold[name] for name in names if name in by_fold), None)


def _fold(name: str) -> str:
    return "".join(c for c in name.lower() if c.isalnum())


def _refuse_the_useless(path: Path, raw: pl.DataFrame, frame: pl.DataFrame, columns: Mapping[str, str | None]) -> None:
    has = f"it has the columns {', '.join(raw.columns)}"
    if frame.is_empty():
        raise BillError(f"{path}: holds no rows")
    if columns["request_id"] is None and (columns["time"] is None or columns["model"] is None):
        raise BillError(
            f"{path}: no column of request ids, nor one of times and one of models; {has}: name them with --id-column, "
            "or --time-column and --model-column"
        )
    if columns["usd"] is None and frame["input_tokens"].count() == frame["output_tokens"].count() == 0:
        raise BillError(f"{path}: no column of costs or tokens; {has}: name one with --cost-column")
    for what, column in (("time", "day"), ("usd", "usd")):
        name = columns[what]
        if name is None:
            continue
        text = _text(name)
        bad = raw.select(text.alias("text")).with_columns(read=frame[column]).with_row_index("line", 2)
        wrong = bad.filter(pl.col("text").is_not_null() & pl.col("read").is_null())
        if not wrong.is_empty():
            line, cell = wrong.row(0)[:2]
            expected = "a time such as 2026-11-20T10:00:00Z" if what == "time" else "US dollars such as 0.0123"
            raise BillError(f"{path}:{line}: {name}: {cell[:60]!r} is not {expected}")


def _text(name: str | None) -> pl.Expr:
    """The text of a column's cells without white space at its ends; null if the cell is empty or there is no column."""
    if name is None:
        return pl.lit(None, pl.String)
    text = pl.col(name).str.strip_chars()
    return pl.when(text != "").then(text)


def _number(name: str) -> pl.Expr:
    return _text(name).str.replace_all(r"[$,\s]|USD", "").cast(pl.Float64, strict=False)


def _dollars(name: str | None) -> pl.Expr:
    if name is None:
        return pl.lit(None, pl.Float64)
    number = _number(name)
    number = pl.when(number.is_finite()).then(number)
    return number / 100 if CENTS.search(_fold(name)) else number


def _count(name: str | None) -> pl.Expr:
    if name is None:
        return pl.lit(None, pl.Int64)
    return _number(name).round().cast(pl.Int64, strict=False)


def _sum_of(names: list[str]) -> pl.Expr:
    return pl.sum_horizontal(_count(name) for name in names)


def _day(name: str | None) -> pl.Expr:
    """The UTC days of a column of times: in a format of `TIMES`, plain days, or seconds or milliseconds since 1970."""
    if name is None:
        return pl.lit(None, pl.Date)
    text = _text(name).str.replace(r" UTC$", "Z")
    seconds = text.cast(pl.Float64, strict=False)
    seconds = pl.when(seconds >= MILLISECONDS_FROM).then(seconds / 1000).otherwise(seconds)
    moments = [text.str.to_datetime(pattern, time_unit="us", time_zone="UTC", strict=False) for pattern in TIMES]
    numbers = (seconds * 1_000_000).cast(pl.Int64, strict=False).cast(pl.Datetime("us", "UTC"))
    days = [moment.dt.date() for moment in (*moments, numbers)]
    return pl.coalesce(*days, text.str.to_date("%Y-%m-%d", strict=False))
