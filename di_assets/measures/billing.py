"""What a bill and the recorded calls say of the same requests: where they agree, differ, and what either side lacks.

By request where the bill tells ids, else by day (UTC) and model. A call whose usage was never told is recorded as the
most it can have cost: a bill that says less of it, or nothing, agrees with it.
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
# US dollars that two sides may be apart: a request's dust, half a cent of a day's rounding.
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
    """One row a request (or a day and model) of either side, with what was found; the columns of `SCHEMA`.

    Args:
        calls: of models: request_id (ids of several tries are separated by spaces), started_at, model, input_tokens and
            output_tokens (null where no usage was told), cost_usd, bound_usd, retried.
        bill: request_id, day, model (as in `calls`, see `named_alike`), requests, input_tokens, output_tokens, usd;
            what it does not tell is null.
        by: `BY_REQUEST` or `BY_DAY`.
        apart_usd: US dollars that the two sides of a row may be apart; `APART_USD` by default.
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
    """Whether a call's cost is what was told, with nothing in it that was only counted as the most it can be."""
    told = pl.col("input_tokens").is_not_null() & pl.col("output_tokens").is_not_null()
    at_most = (pl.col("cost_usd") > 0) & (pl.col("cost_usd") == pl.col("bound_usd"))
    tried = pl.col("retried").fill_null("").str.replace_all("rate_limit", "").str.strip_chars() != ""
    return told & ~at_most.fill_null(value=False) & ~tried


def _by_request(recorded: pl.DataFrame, billed: pl.DataFrame) -> pl.DataFrame:
    """A call answers for all the ids of its tries; what has no id stands alone; what costs nothing needs no other side.

    Calls of one id (some servers give all replies the same) are one row.
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
    """Sums of what is told, null where nothing is, and how many rows there are."""
    told = [pl.when(pl.col(n).count() > 0).then(pl.col(n).sum()).alias(f"{side}_{n}") for n in names]
    return [*told, pl.len().alias(f"{side}_rows")]


def _finding(apart_usd: float) -> pl.Expr:
    """Costs are compared where the bill tells them, else tokens and requests; what was recorded at most may be less."""
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


def named_alike(billed: Iterable[str], ours: Mapping[str, Iterable[str]]) -> dict[str, str]:
    """A bill's name of a model -> ours, for those that can mean only one.

    Names are held against each other as they are, then without a vendor before a slash or a kind of token after a
    comma, then without the date at their end, case and marks left out of account.

    Args:
        billed: names in the bill.
        ours: by our name of a model, all that it may be called: its name, its id.
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
