"""`di promises`: promises made, kept and broken."""

from collections.abc import Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

import click

from di_assets.cli.command import Verb
from di_assets.cli.printing import share, table
from di_assets.cli.stored import warehouse_of
from di_assets.report.named import named


@click.command(cls=Verb)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a row.")
@click.pass_obj
def promises(options: dict[str, str], as_json: bool) -> None:
    """Print who promised pulls, who kept the promise and what it bought."""
    rows = warehouse_of(options).read("promise_ledger").to_dicts()
    if as_json:
        table(rows, as_json=True, title="")
    else:
        _print_ledger(rows)


def _print_ledger(rows: Sequence[dict[str, Any]]) -> None:
    """Prints one table per labeller and condition."""
    for (labeller, condition), part in groupby(rows, key=itemgetter("labeller", "condition")):
        printed = [
            {
                "model": named(row["model"], scripted=row["scripted"]),
                "made": f"{row['made']:,}",
                "kept": f"{row['kept']:,}",
                "broken": f"{row['broken']:,}",
                "open": f"{row['open']:,}",
                "share kept, 95% CI": _share_kept(row),
                "by chance": share(row["chance_share"]),
                "if paid": share(row["owed_kept_share"]),
                "points: kept": None if row["points_a_kept"] is None else f"{row['points_a_kept']:.2f}",
                "broken ": None if row["points_a_broken"] is None else f"{row['points_a_broken']:.2f}",
            }
            for row in part
        ]
        table(printed, as_json=False, title=f"Promises, {condition} (labeller: {labeller})")


def _share_kept(row: dict[str, Any]) -> str | None:
    """The share and its interval. None if no promise became due; only the share if it has no interval."""
    if row["kept_share"] is None:
        return None
    if row["ci_low"] is None:
        return share(row["kept_share"])
    return f"{row['kept_share']:.0%} [{row['ci_low']:.0%}, {row['ci_high']:.0%}]"
