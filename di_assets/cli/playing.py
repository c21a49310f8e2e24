"""Play: arms that are named, and the demo's."""

import json
from typing import TYPE_CHECKING

import click

from di_assets.cli.base import BadInput, Finite, WorkFailed, errors, main, open_home_of, printing
from di_assets.cli.serving import ports

if TYPE_CHECKING:
    from di_assets.arms import Arm
    from di_assets.assets.home import Home
    from di_assets.calls.tally import Tally

DEMO = ("demo_attack", "demo_nomsg", "demo_focal_muted", "demo_rivals_muted", "demo_placebo", "demo_ring")


@main.command()
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
    with errors():
        _run(options, names, limit=limit, budget_usd=budget_usd, launch=launch, as_json=as_json)


@main.command()
@click.option("--serve/--no-serve", default=True, help="Serve the dashboard and the Dagster UI afterwards.")
@ports
@click.pass_obj
def demo(options: dict[str, str], serve: bool, port: int, dagster_port: int) -> None:
    """Play the scripted demo arms, with and without messages, print the figure's table, serve the pages."""
    with errors():
        doors = None
        if serve:
            from di_assets.control_room import serving  # noqa: PLC0415

            doors = serving.Doors.hold(port=port, dagster_port=dagster_port)
        home = _run(options, DEMO, limit=None, budget_usd=None, launch=False, as_json=False)
        title = "Points per episode, messages on and off (scripted agents)"
        printing().table(printing().figure_rows(home), as_json=False, title=title)
        click.echo(f"tables   {home.warehouse}/tables\nreport   {home.warehouse.report}")
        if doors:
            serving.serve(home, doors)


def _run(
    options: dict[str, str],
    names: tuple[str, ...],
    *,
    limit: int | None,
    budget_usd: float | None,
    launch: bool,
    as_json: bool,
) -> "Home":
    from di_assets.arms import batches  # noqa: PLC0415
    from di_assets.cli.counts import Counts  # noqa: PLC0415
    from di_assets.cli.progress import progress  # noqa: PLC0415

    with progress() as line:
        line.title("preparing")
        counts: Counts | None = None

        def tell(batch: str, done: int, total: int, tally: "Tally") -> None:
            if counts is not None:
                line.hear(counts.of(batch, done, total, tally))

        home = open_home_of(options, writing=True, progress=tell)
        chosen = [home.configs.arm(name) for name in dict.fromkeys(names)]
        _prepare(home, chosen, launch=launch)
        counts = Counts(home, chosen, budget_usd)
        from di_assets.assets.events import sentence  # noqa: PLC0415
        from di_assets.control_room.runs import RunInterruptedError, materialise_batches, materialise_report  # noqa: PLC0415

        interrupted: RunInterruptedError | None = None
        try:
            materialise_batches(home, [b for arm in chosen for b in batches(arm)], limit=limit, budget_usd=budget_usd)
            line.title("report")
            materialise_report(home)
        except RunInterruptedError as reason:
            interrupted = reason
    for result in home.results:
        click.echo(
            json.dumps({f: getattr(result, f) for f in result.__dataclass_fields__}) if as_json else sentence(result)
        )
    if interrupted is not None:
        raise interrupted
    undone = [result for result in home.results if result.failed or result.stopped]
    if undone:
        left = sum(result.left for result in undone)
        held_back = [line for result in undone for line in result.held_back]
        if held_back:
            more = f" (and {len(held_back) - 1} more journals)" if len(held_back) > 1 else ""
            raise WorkFailed(f"{held_back[0]}{more}; then run the same again: {left} episodes are left to play")
        raise WorkFailed(f"{left} episodes are left to play; run the same again to resume them")
    return home


def _prepare(home: "Home", arms: "list[Arm]", *, launch: bool) -> None:
    """Looks at what would end the run half-way, then launches arms that are to be launched, all at one time."""
    from datetime import UTC, datetime  # noqa: PLC0415

    from di_assets.arms import new_launch  # noqa: PLC0415
    from di_assets.play.keys import check_keys, models_needed  # noqa: PLC0415
    from di_assets.play.launches import add_launch, launches  # noqa: PLC0415

    for arm in arms:
        if launch and not arm.relaunch:
            raise BadInput(f"{arm.name} is launched once; only arms with `relaunch: true` take --launch")
    launched = [arm for arm in arms if arm.relaunch and (launch or not launches(home.warehouse, arm))]
    needed = models_needed(arms, home.warehouse, launching=[arm.name for arm in launched])
    check_keys(home.configs, needed)
    if home.configs.play.engine == "dask" and not home.configs.is_free(needed):
        click.echo("keys are each worker's own on a Dask cluster: they are not looked at here", err=True)
    now = new_launch(datetime.now(tz=UTC))
    for arm in launched:
        add_launch(home.warehouse, arm, now)
