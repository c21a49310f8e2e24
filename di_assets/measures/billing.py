"""Compares a bill with the recorded calls, request by request: which agree, which differ, what either side lacks.

By request if the bill has ids, else by day (UTC) and model. A call whose usage the server did not report is recorded at
the most it can have cost; a bill that charges less for it, or nothing, agrees with it.
"""

import re
from collections.abc import Iterable, Mapping

import polars as pl

AGREES, AT_MOST = "agrees", "within what was recorded at most"
COST_DIFFERS, TOKENS_DIFFER = "cost differs", "tokens differ"
ONLY_BILLED, ONLY_RECORDED = "only in the bill", "only recorded"
DIFFERENT = (COST_DIFFERS, TOKENS_DIFFER, ONLY_BILLED, ONLY_RECORDED)
"""Findings that are no agreement."""

BY_REQUEST, BY_DAY = "request", "day"
# US dollars by which two sides may differ: a tiny amount for a request, half a cent of rounding for a day.
APART_USD: Mapping[str, float] = {BY_REQUEST: 1e-6, BY_DAY: 0.005}

SIDES = {
    "calls": pl.Int64(),
    "usd": pl.Float64(),
    "least_usd": pl.Float64(),
    "input_tokens": pl.Int64(),
    "output_tokens": pl.Int64(),
}
SCHEMA = {
    "finding": pl.String(),
    "day": pl.Date(),
    "model": pl.String(),
    "request_id": pl.String(),
    **{f"recorded_{name}": dtype for name, dtype in SIDES.items()},
    **{f"billed_{name}": dtype for name, dtype in SIDES.items() if name != "least_usd"},
}


def compare(calls: pl.DataFrame, bill: pl.DataFrame, *, by: str, apart_usd: float | None = None) -> pl.DataFrame:
    """One row per request (or day and model) of either side, with the finding; the columns of `SCHEMA`.

    Args:
        calls: calls to models: request_id (ids of several tries are separated by spaces), started_at, model,
            input_tokens and output_tokens (null if no usage was reported), cost_usd, bound_usd, retried.
        bill: request_id, day, model (as in `calls`, see `match_names`), requests, input_tokens, output_tokens, usd;
            null for what the bill does not have.
        by: `BY_REQUEST` or `BY_DAY`.
        apart_usd: US dollars by which the two sides of a row may differ; `APART_USD` by default.
    """
    recorded = calls.select(
        request_id=pl.col("request_id"),
        day=pl.col("started_at").dt.date(),
        model=pl.col("model"),
        calls=pl.lit(1, pl.Int64),
        usd=pl.col("cost_usd"),
        least_usd=pl.when(_is_certain()).then("cost_usd").otherwise(0.0),
        input_tokens=pl.col("input_tokens"),
        output_tokens=pl.col("output_tokens"),
    )
    billed = bill.rename({"requests": "calls"})
    sides = _by_request(recorded, billed) if by == BY_REQUEST else _by_day(recorded, billed)
    rows = sides.with_columns(finding=_finding(APART_USD[by] if apart_usd is None else apart_usd))
    return rows.select(pl.col(name).cast(dtype) for name, dtype in SCHEMA.items()).sort(
        "day", "model", "request_id", nulls_last=True
    )


def _is_certain() -> pl.Expr:
    """Whether a call's cost is the reported one, with no part that is only an upper bound."""
    reported = pl.col("input_tokens").is_not_null() & pl.col("output_tokens").is_not_null()
    at_most = (pl.col("cost_usd") > 0) & (pl.col("cost_usd") == pl.col("bound_usd"))
    tried = pl.col("retried").fill_null("").str.replace_all("rate_limit", "").str.strip_chars() != ""
    return reported & ~at_most.fill_null(value=False) & ~tried


def _by_request(recorded: pl.DataFrame, billed: pl.DataFrame) -> pl.DataFrame:
    """Joins both sides by request id; a call accounts for the ids of all its tries.

    A row without an id has no other side, and a row that costs nothing needs none. Calls with the same id (some servers
    give all replies the same) are one row.
    """
    shared = recorded.filter(pl.col("request_id").is_not_null()).group_by("request_id", maintain_order=True)
    together = shared.agg(pl.col("day", "model").first(), *(pl.col(name).sum() for name in SIDES))
    apart = recorded.filter(pl.col("request_id").is_null())
    recorded = pl.concat([together, apart.select(together.columns)]).with_row_index("call")
    ids = recorded.select("call", each=pl.col("request_id").str.split(" ")).explode("each").drop_nulls()
    owner = ids.unique("each", keep="first")
    mine = billed.join(owner, left_on="request_id", right_on="each", how="left")
    known = mine.filter(pl.col("call").is_not_null()).group_by("call").agg(_sums("billed"))
    rest = mine.filter(pl.col("call").is_null() & (pl.col("usd").is_null() | (pl.col("usd") != 0)))
    others = rest.group_by("request_id", "day", "model").agg(_sums("billed"))
    ours = recorded.rename({name: f"recorded_{name}" for name in SIDES}).join(known, on="call", how="left").drop("call")
    silent = pl.col("billed_calls").is_null() & (pl.col("recorded_usd") == 0)
    return pl.concat([ours.filter(~silent), others], how="diagonal")


def _by_day(recorded: pl.DataFrame, billed: pl.DataFrame) -> pl.DataFrame:
    keys = ["day", "model"]
    ours = recorded.group_by(keys).agg(_sums("recorded", SIDES))
    theirs = billed.group_by(keys).agg(_sums("billed"))
    sides = ours.join(theirs, on=keys, how="full", coalesce=True, nulls_equal=True)
    lone = pl.col("billed_rows").is_null() | pl.col("recorded_rows").is_null()
    tokens = pl.col("billed_input_tokens").fill_null(0)
    nothing = pl.col("recorded_usd").fill_null(0) + pl.col("billed_usd").fill_null(tokens).fill_null(0) == 0
    return sides.filter(~(lone & nothing)).with_columns(request_id=pl.lit(None, pl.String))


def _sums(side: str, names: Iterable[str] = ("calls", "usd", "input_tokens", "output_tokens")) -> list[pl.Expr]:
    """Sums of the values that are present, null if none is; and the number of rows."""
    sums = [pl.when(pl.col(n).count() > 0).then(pl.col(n).sum()).alias(f"{side}_{n}") for n in names]
    return [*sums, pl.len().alias(f"{side}_rows")]


def _finding(apart_usd: float) -> pl.Expr:
    """Compares costs if the bill has them, else tokens and requests.

    An amount recorded as an upper bound may be less.
    """
    billed, most, least = pl.col("billed_usd"), pl.col("recorded_usd"), pl.col("recorded_least_usd")
    certain = most - least <= apart_usd
    apart = (billed - most > apart_usd) | (least - billed > apart_usd)
    tokens = pl.any_horizontal(
        (pl.col(f"billed_{name}") < pl.col(f"recorded_{name}").fill_null(0))
        | (certain & (pl.col(f"billed_{name}") > pl.col(f"recorded_{name}").fill_null(0)))
        for name in ("input_tokens", "output_tokens")
    ).fill_null(value=False)
    return (
        pl.when(pl.col("recorded_usd").is_null())
        .then(pl.lit(ONLY_BILLED))
        .when(pl.col("billed_rows").is_null())
        .then(pl.when(least > 0).then(pl.lit(ONLY_RECORDED)).otherwise(pl.lit(AT_MOST)))
        .when(billed.is_not_null() & apart)
        .then(pl.lit(COST_DIFFERS))
        .when(billed.is_null() & tokens)
        .then(pl.lit(TOKENS_DIFFER))
        .when(certain)
        .then(pl.lit(AGREES))
        .otherwise(pl.lit(AT_MOST))
    )


def match_names(billed: Iterable[str], ours: Mapping[str, Iterable[str]]) -> dict[str, str]:
    """The bill's name of a model -> our name, for bill names that can mean only one of ours.

    Names are compared unchanged; then without a vendor before a slash or a kind of token after a comma; then without a
    date at the end. Case and punctuation are ignored.

    Args:
        billed: names in the bill.
        ours: our name of a model -> all names it may have: its name, its id.
    """
    found: dict[str, str] = {}
    for fold in (str, _bare, _dateless):
        known: dict[str, set[str]] = {}
        for name, called in ours.items():
            for one in called:
                known.setdefault(fold(one), set()).add(name)
        for one in billed:
            meant = known.get(fold(one), set())
            if one not in found and len(meant) == 1:
                found[one] = next(iter(meant))
    return found


def _bare(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.split(",", maxsplit=1)[0].split(":", maxsplit=1)[0].rsplit("/", 1)[-1].lower())


def _dateless(name: str) -> str:
    return re.sub(r"20\d{6}$", "", _bare(name)).removesuffix("latest")
