"""Before anything is spent: arms, what they need, the coming nights, whether models answer."""

import json
import sys
from dataclasses import asdict

import click

from di_assets.cli.base import Finite, errors, main, open_home_of, printing

POSITIVE = Finite(min=0, min_open=True)
SHARE = Finite(min=0, max=1, min_open=True, max_open=True)


@main.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object an arm.")
@click.pass_obj
def arms(options: dict[str, str], as_json: bool) -> None:
    """List the arms: planned and complete episodes, condition, what they mirror."""
    with errors():
        import polars as pl  # noqa: PLC0415

        home = open_home_of(options)
        episodes = home.warehouse.read("episodes").filter(pl.col("status") == "complete")
        held = dict(episodes.group_by("arm").len().iter_rows())
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
    printing().table(rows, as_json=as_json, title="Arms")


@main.command()
@click.argument("names", nargs=-1, required=True, metavar="ARM...")
@click.option("--precision", type=POSITIVE, help="Wanted half-width of each lift's 95% interval, points.")
@click.option("--power", type=SHARE, help="Wanted chance to find the effect, such as 0.8.")
@click.option("--effect", type=POSITIVE, help="Lift to be found, points; the precision by default.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object an arm.")
@click.pass_obj
def plan(
    options: dict[str, str],
    names: tuple[str, ...],
    precision: float | None,
    power: float | None,
    effect: float | None,
    as_json: bool,
) -> None:
    """What the named arms still need: calls, tokens, dollars, hours. Nothing is asked and nothing is spent.

    With --precision or --power also how many matched pairs each model's lift takes, and what the missing ones cost.
    """
    effect = effect or precision
    if power is not None and effect is None:
        raise click.UsageError("--power of what? say --effect or --precision, in points")
    if power is None and precision is None and effect is not None:
        raise click.UsageError("--effect is found with some --power: say which, such as 0.8")
    with errors():
        from di_assets.play.batch import spent_so_far  # noqa: PLC0415
        from di_assets.play.estimate import estimate  # noqa: PLC0415

        home = open_home_of(options)
        wanted = {"precision": precision, "power": power, "effect": effect}
        for arm in [home.configs.arm(name) for name in names]:
            need, spent = estimate(home.configs, arm, home.warehouse), spent_so_far(home.warehouse, arm)
            told = {**asdict(need), "spent_usd": spent, "budget_usd": arm.budget_usd}
            if not as_json:
                printing().needs(arm, need, spent)
            if precision is not None or power is not None:
                from di_assets.report.progress.pairs_needed import lift_plans, no_lift  # noqa: PLC0415

                why = no_lift(home.configs, arm)
                plans = lift_plans(home.configs, arm, home.warehouse, **wanted)
                told |= {"lift": [asdict(one) for one in plans], "no_lift": why}
                if not as_json:
                    printing().lift_plans(plans, why, **wanted)
            if as_json:
                click.echo(json.dumps(told))


@main.command()
@click.option("--preview", "days", type=click.IntRange(1, 366), default=14, show_default=True, help="Days to show.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object an arm.")
@click.pass_obj
def schedule(options: dict[str, str], days: int, as_json: bool) -> None:
    """What the coming nights will play, and what that is expected to cost. Nothing is asked and nothing is spent."""
    with errors():
        from datetime import UTC, datetime  # noqa: PLC0415

        from di_assets.play.nights import coming_nights  # noqa: PLC0415

        home = open_home_of(options)
        previews = coming_nights(home.configs, home.warehouse, now=datetime.now(tz=UTC), days=days)
        printing().nights(previews, days=days, as_json=as_json)


@main.command()
@click.argument("models", nargs=-1, metavar="[MODEL]...")
@click.option("--no-calls", is_flag=True, help="Check configuration and keys only; nothing is spent.")
@click.option("--budget-usd", type=Finite(min=0), default=1.0, show_default=True, help="Most to spend.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a model.")
@click.pass_obj
def doctor(options: dict[str, str], models: tuple[str, ...], no_calls: bool, budget_usd: float, as_json: bool) -> None:
    """Check models: key, endpoint, schema, and a message and a pull played with each. Exit code 1 when one fails."""
    with errors():
        import asyncio  # noqa: PLC0415

        from di_assets.play.doctor import checkup  # noqa: PLC0415

        home = open_home_of(options)
        checkups = asyncio.run(
            checkup(home.configs, models, budget_usd=budget_usd, talk=not no_calls, warehouse=home.warehouse)
        )
        printing().checkups(checkups, as_json=as_json)
    if not all(one.key_ok if no_calls else one.ok for one in checkups):
        sys.exit(1)
