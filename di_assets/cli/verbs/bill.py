"""`di bill`: compares a provider's or gateway's bill with the recorded calls."""

import json
import sys
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from pathlib import Path

import click
import polars as pl

from di_assets.assets.home import Home
from di_assets.cli.command import Verb
from di_assets.cli.endings import BadInput
from di_assets.cli.options import Finite
from di_assets.cli.places import open_home_of
from di_assets.cli.printing import table
from di_assets.labelling.stored import label_calls
from di_assets.measures.billing import AGREES, BY_DAY, BY_REQUEST, DIFFERENT, compare, match_names
from di_assets.nearest import nearest
from di_assets.play.charged import as_charged, charged_calls
from di_assets.tables.bills import read_bill

MOST_LINES = 50
DAY = click.DateTime(formats=["%Y-%m-%d"])
COLUMN_OPTIONS = {"id": "request_id", "time": "time", "model": "model", "requests": "requests", "input": "input_tokens",
                  "output": "output_tokens", "cost": "usd"}  # fmt: skip


@click.command(cls=Verb)
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--since", type=DAY, help="First day to compare, UTC.")
@click.option("--until", type=DAY, help="Last day to compare, UTC.")
@click.option("--model", "models", multiple=True, help="Only calls to this model; may be given again.")
@click.option(
    "--same",
    multiple=True,
    metavar="BILL=MODEL",
    help="A model's name in the bill, and its name here; may be given again.",
)
@click.option("--by", type=click.Choice(["request", "day"]), help="By request where the bill has ids, else by day.")
@click.option("--apart-usd", type=Finite(min=0), help="US dollars that the two sides of a row may differ by.")
@click.option("--id-column", help="The bill's column of request ids.")
@click.option("--time-column", help="Its column of times or days.")
@click.option("--model-column", help="Its column of models.")
@click.option("--requests-column", help="Its column of numbers of requests.")
@click.option("--input-column", help="Its column of tokens sent.")
@click.option("--output-column", help="Its column of tokens received.")
@click.option("--cost-column", help="Its column of costs, US dollars.")
@click.option("--json", "as_json", is_flag=True, help="Print all of it as one JSON object.")
@click.pass_obj
def bill(
    options: dict[str, str],
    /,
    file: Path,
    since: datetime | None,
    until: datetime | None,
    models: tuple[str, ...],
    same: tuple[str, ...],
    by: str | None,
    apart_usd: float | None,
    as_json: bool,
    **columns: str | None,
) -> None:
    """Compare a provider's or gateway's CSV with what is recorded. Exit code 1 when something differs.

    The exports of OpenAI, Anthropic, OpenRouter and LiteLLM are known. In another file the columns are guessed, or
    named with the options. A call whose usage never came is recorded as the most it can have cost, so a bill that says
    less of it agrees.
    """
    home = open_home_of(options)
    named = {what: name for key, what in COLUMN_OPTIONS.items() if (name := columns[f"{key}_column"]) is not None}
    billed_rows = read_bill(file, named)
    by = by or (BY_REQUEST if billed_rows["request_id"].count() else BY_DAY)
    if by == BY_REQUEST and not billed_rows["request_id"].count():
        raise BadInput(f"{file}: has no request ids; leave out --by, or name their column with --id-column")
    labels = _labels(home)
    calls = _calls(home, models).with_columns(pl.col("model").replace(labels))
    billed_rows = billed_rows.with_columns(pl.col("model").replace(_matching_names(home, billed_rows, same, labels)))
    if models:
        others = {*labels.values()} - {labels[name] for name in models}
        billed_rows = billed_rows.filter(~pl.col("model").is_in(list(others)).fill_null(value=False))
    days = {"since": since, "until": until}
    calls, billed_rows = (
        _within(calls, pl.col("started_at").dt.date(), **days),
        _within(billed_rows, pl.col("day"), **days),
    )
    rows = compare(calls, billed_rows, by=by, apart_usd=apart_usd)
    _print(rows, by=by, as_json=as_json)
    if rows["finding"].is_in(list(DIFFERENT)).any():
        sys.exit(1)


def _labels(home: Home) -> dict[str, str]:
    """The name of each model in the comparison: its own name, or the id if several names share one."""
    ids = Counter(config.id for config in home.configs.models.values())
    return {name: config.id if ids[config.id] > 1 else name for name, config in home.configs.models.items()}


def _calls(home: Home, models: Collection[str]) -> pl.DataFrame:
    """All calls that may have been charged for: those of episodes, and those for labels."""
    for name in models:
        _known(home, name, "--model")
    labels = [as_charged(model, calls) for model, calls in label_calls(home.warehouse)]
    calls = pl.concat([charged_calls(home.configs, home.warehouse), *labels])
    return calls.filter(pl.col("model").is_in(list(models))) if models else calls


def _matching_names(
    home: Home, billed_rows: pl.DataFrame, same: Iterable[str], labels: Mapping[str, str]
) -> dict[str, str]:
    """The bill's names of models -> what stands for them here, where it can be told which is meant."""
    ours: dict[str, list[str]] = {}
    for name, config in home.configs.models.items():
        ours.setdefault(labels[name], []).extend((name, config.id))
    matches = match_names(billed_rows["model"].drop_nulls().unique().to_list(), ours)
    for pair in same:
        theirs, sign, name = pair.rpartition("=")
        if not sign or not theirs:
            raise BadInput(f"--same {pair}: expected the bill's name, an equals sign, and a model of models.yaml")
        _known(home, name, f"--same {pair}")
        matches[theirs] = labels[name]
    return matches


def _known(home: Home, name: str, where: str) -> None:

    if name not in home.configs.models:
        raise BadInput(f"{where}: no model {name!r} in models.yaml{nearest(name, home.configs.models)}")


def _within(frame: pl.DataFrame, day: pl.Expr, *, since: datetime | None, until: datetime | None) -> pl.DataFrame:
    """Rows of these days; all rows if no day is given."""
    if since is not None:
        frame = frame.filter(day >= since.date())
    return frame if until is None else frame.filter(day <= until.date())


def _print(rows: pl.DataFrame, *, by: str, as_json: bool) -> None:
    """Prints a row for each difference, then the number of rows that agree and the sums of both sides."""
    found = dict(rows.group_by("finding").len().sort("finding").iter_rows())
    billed, recorded = (float(rows[f"{side}_usd"].sum() or 0.0) for side in ("billed", "recorded"))
    if as_json:
        shown = rows.with_columns(pl.col("day").cast(pl.String)).to_dicts()
        sums = {"billed_usd": billed, "recorded_usd": recorded}
        click.echo(json.dumps({"by": by, **sums, "found": found, "rows": shown}))
        return
    apart = rows.filter(pl.col("finding") != AGREES).sort(
        ~pl.col("finding").is_in(list(DIFFERENT)), maintain_order=True
    )
    lines = [
        {
            "finding": row["finding"],
            "day": None if row["day"] is None else str(row["day"]),
            "model": row["model"],
            **({"request": row["request_id"]} if by == "request" else {}),
            "recorded": _amount(row, "recorded"),
            "billed": _amount(row, "billed"),
        }
        for row in apart.head(MOST_LINES).iter_rows(named=True)
    ]
    if lines:
        table(lines, as_json=False, title="Where the bill and the calls are not the same")
    if apart.height > MOST_LINES:
        click.echo(f"and {apart.height - MOST_LINES:,} more; --json shows all")
    noun = "requests" if by == "request" else "days and models"
    summary = ", ".join(f"{count:,} {finding}" for finding, count in found.items()) or "nothing to compare"
    click.echo(f"{rows.height:,} {noun}: {summary}; billed ${billed:,.4f}, recorded ${recorded:,.4f}")


def _amount(row: Mapping[str, object], side: str) -> str | None:
    """Dollars, else tokens, of one side of a row."""
    usd, tokens = row[f"{side}_usd"], (row[f"{side}_input_tokens"], row[f"{side}_output_tokens"])
    if usd is not None:
        return f"${usd:.6f}"
    return None if tokens == (None, None) else "{} in, {} out".format(*tokens)
