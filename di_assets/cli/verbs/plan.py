"""`di plan`: what arms still need, before money is spent."""

import json
from collections.abc import Sequence
from dataclasses import asdict

import click

from di_assets.arms import Arm
from di_assets.cli.command import Verb
from di_assets.cli.options import Finite
from di_assets.cli.places import open_home_of
from di_assets.cli.printing import table
from di_assets.measures.power import SPREADS
from di_assets.play.engines import EngineCost
from di_assets.play.estimate import Estimate, estimate
from di_assets.play.spent import spent_so_far
from di_assets.play.use import REHEARSAL, REHEARSED
from di_assets.report.named import named
from di_assets.report.progress.pairs_needed import LiftPlan, lift_plans, no_lift

POSITIVE = Finite(min=0, min_open=True)
SHARE = Finite(min=0, max=1, min_open=True, max_open=True)


@click.command(cls=Verb)
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
    home = open_home_of(options)
    wanted = {"precision": precision, "power": power, "effect": effect}
    for arm in [home.configs.arm(name) for name in names]:
        need, spent = estimate(home.configs, arm, home.warehouse), spent_so_far(home.warehouse, arm)
        printed = {**asdict(need), "spent_usd": spent, "budget_usd": arm.budget_usd}
        if not as_json:
            _print_needs(arm, need, spent)
        if precision is not None or power is not None:
            why = no_lift(home.configs, arm)
            plans = lift_plans(home.configs, arm, home.warehouse, **wanted)
            printed |= {"lift": [asdict(one) for one in plans], "no_lift": why}
            if not as_json:
                _print_lift_plans(plans, why, **wanted)
        if as_json:
            click.echo(json.dumps(printed))


def _print_needs(arm: Arm, need: Estimate, spent_usd: float) -> None:
    """Prints what an arm still needs: one line per model, then the total and the arm's budget."""
    rows = [
        {
            "model": one.model,
            "seats": f"{one.seats:,}",
            "calls": f"{one.calls:,}",
            "tokens in": f"{one.input_tokens:,}",
            "cached": f"{one.cached_tokens / one.input_tokens:.0%}" if one.input_tokens else None,
            "tokens out": f"{one.output_tokens:,}",
            "US dollars": f"{one.cost_usd:,.2f}",
            "low to high": f"{one.low_usd:,.2f} to {one.high_usd:,.2f}",
            "basis": one.basis,
        }
        for one in need.needs
    ]
    if rows:
        table(rows, as_json=False, title=f"{arm.name}: {need.left:,} of {need.planned:,} episodes are left to play")
    else:
        played_by = "nothing is left" if not need.left else "scripted agents, nothing is charged"
        click.echo(f"{arm.name}: {need.left:,} of {need.planned:,} episodes are left to play ({played_by})")
    if any(REHEARSED in one.basis.split("; ") for one in need.needs):
        click.echo(f"{REHEARSED}: {REHEARSAL}")
    if unsteady := [one.model for one in need.needs if one.unsteady]:
        click.echo(
            f"{', '.join(unsteady)}: the doctor could not use some replies, so the cost is uncertain; "
            f"for a closer plan play one episode first: di run {arm.name} --limit 1"
        )
    calls = sum(one.calls for one in need.needs)
    budget = "no budget" if arm.budget_usd is None else f"budget ${arm.budget_usd:,.2f}, spent ${spent_usd:,.2f}"
    between = f"${need.low_usd:,.2f} to ${need.high_usd:,.2f}"
    click.echo(f"{calls:,} calls, about ${need.cost_usd:,.2f}, {between} ({budget}), at least {need.hours:.1f} hours")
    if need.engines:
        _print_engines(arm, *need.engines)
    if arm.budget_usd is not None and need.high_usd > arm.budget_usd - spent_usd:
        may = "does not reach" if need.cost_usd > arm.budget_usd - spent_usd else "may not reach"
        click.echo(f"the budget {may}: play will stop when ${arm.budget_usd:,.2f} are spent")


def _print_engines(arm: Arm, live: EngineCost, batch: EngineCost) -> None:
    """Prints cost, waves and hours of live play and of play in batches, and which is cheaper."""
    hours = f"{batch.waves:,} waves, about {batch.hours:,.1f} hours"
    click.echo(f"live: about ${live.cost_usd:,.2f}, {live.cached:.0%} cached, at least {live.hours:,.1f} hours")
    click.echo(f"batch: about ${batch.cost_usd:,.2f}, {batch.cached:.0%} cached, {hours}")
    saved = batch.cheaper_than(live)
    name, share = ("batch", saved) if saved >= 0 else ("live", live.cheaper_than(batch))
    verdict = f"{name} is {share:.0%} cheaper" if round(share, 2) else "both cost the same"
    assumed = f" ({batch.assumed})" if batch.assumed else ""
    click.echo(f"{verdict}{assumed}; this arm is played by `engine: {arm.engine}`")


def _print_lift_plans(
    plans: Sequence[LiftPlan], why: str | None, *, precision: float | None, power: float | None, effect: float | None
) -> None:
    """Prints how many matched pairs each model's lift needs, one line per model, and the cost of all missing pairs."""
    if why is not None:
        click.echo(why)
        return
    rows = [
        {
            "model": named(one.model, scripted=one.scripted),
            "sd": f"{one.sd:.1f}",
            "sd of": one.basis,
            **({f"for ±{precision:g}": _pairs(one.for_precision)} if precision is not None else {}),
            **({f"for {power:.0%} at {effect:g}": _pairs(one.for_power)} if power is not None else {}),
            "planned": str(one.planned),
            "complete": str(one.complete),
            "missing": _pairs(one.missing),
            "US dollars": None if one.cost_usd is None else f"{one.cost_usd:,.2f}",
            "hours": None if one.hours is None else f"{one.hours:.1f}",
        }
        for one in plans
    ]
    controls = " and ".join(sorted({one.control for one in plans}))
    table(rows, as_json=False, title=f"Matched pairs with {controls}; sd of their differences in points")
    bases = {one.basis for one in plans}
    for note in (explanation for basis, explanation in SPREADS.items() if any(basis in one for one in bases)):
        click.echo(note)
    if power is not None:
        click.echo(f"power: two-sided paired t at {plans[0].alpha:.3g}, 5% over all models of the arm (Bonferroni)")
    known = [(one.cost_usd, one.hours) for one in plans if one.cost_usd is not None and one.hours is not None]
    usd, hours = (sum(column) for column in zip(*known, strict=True)) if known else (0.0, 0.0)
    beyond = f", without the {len(plans) - len(known)} that nobody can play" if len(known) < len(plans) else ""
    click.echo(f"missing pairs, both arms: about ${usd:,.2f}, at least {hours:.1f} hours{beyond}")


def _pairs(count: int | None) -> str:
    return "too many" if count is None else f"{count:,}"
