"""`di arms`: the state of the arms."""

import click
import polars as pl

from di_assets.cli.command import Verb
from di_assets.cli.places import open_home_of
from di_assets.cli.printing import table
from di_assets.tables.words import COMPLETE


@click.command(cls=Verb)
@click.option("--json", "as_json", is_flag=True, help="One JSON object an arm.")
@click.pass_obj
def arms(options: dict[str, str], as_json: bool) -> None:
    """List the arms: planned and complete episodes, condition, what they mirror."""
    home = open_home_of(options)
    complete = home.warehouse.scan("episodes").filter(pl.col("status") == COMPLETE)
    held = dict(complete.group_by("arm").len().collect().iter_rows())
    rows = [
        {
            "arm": arm.name,
            "title": arm.title,
            "condition": arm.condition,
            "complete": held.get(arm.name, 0),
            "planned": arm.planned,
            "mirrors": arm.mirrors,
            "budget_usd": arm.budget_usd,
        }
        for arm in home.configs.arms.values()
    ]
    table(rows, as_json=as_json, title="Arms")
