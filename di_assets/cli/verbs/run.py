"""`di run`: plays, measures and publishes arms."""

import click

from di_assets.cli.command import Verb
from di_assets.cli.options import Finite
from di_assets.cli.playing import play_arms


@click.command(cls=Verb)
@click.argument("names", nargs=-1, required=True, metavar="ARM...")
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    help="Play at most so many episodes of each arm now; so many pairs of arms that mirror one another.",
)
@click.option("--budget-usd", type=Finite(min=0), help="Most US dollars to spend now, on all arms together.")
@click.option("--launch", is_flag=True, help="Launch once more an arm that says `relaunch: true`.")
@click.option("--json", "as_json", is_flag=True, help="Print what happened to each batch, as JSON.")
@click.pass_obj
def run(
    options: dict[str, str],
    names: tuple[str, ...],
    limit: int | None,
    budget_usd: float | None,
    launch: bool,
    as_json: bool,
) -> None:
    """Play what the named arms still lack, then measure and publish. Run again, it plays nothing twice."""
    play_arms(options, names, limit=limit, budget_usd=budget_usd, launch=launch, as_json=as_json)
