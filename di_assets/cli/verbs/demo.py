"""`di demo`: plays and shows arms of scripted agents; no key is needed."""

from typing import Any

import click

from di_assets.assets.home import Home
from di_assets.cli.command import Verb
from di_assets.cli.options import ports
from di_assets.cli.playing import play_arms
from di_assets.cli.printing import table
from di_assets.control_room.serving import HeldPorts
from di_assets.control_room.serving import serve as serve_pages
from di_assets.report.named import named

ARMS = ("demo_attack", "demo_nomsg", "demo_focal_muted", "demo_rivals_muted", "demo_placebo", "demo_ring")


@click.command(cls=Verb)
@click.option("--serve/--no-serve", default=True, help="Serve the dashboard and the Dagster UI afterwards.")
@ports
@click.pass_obj
def demo(options: dict[str, str], serve: bool, port: int, dagster_port: int) -> None:
    """Play the scripted demo arms, with and without messages, print the figure's table, serve the pages."""
    held = HeldPorts.take(port=port, dagster_port=dagster_port) if serve else None
    home = play_arms(options, ARMS)
    table(_lifts(home), as_json=False, title="Points per episode, messages on and off (scripted agents)")
    click.echo(f"tables   {home.warehouse}/tables\nreport   {home.warehouse.report}")
    if held:
        serve_pages(home, held)


def _lifts(home: Home) -> list[dict[str, Any]]:
    """The table of lifts, most points first."""
    lifts = home.warehouse.read("lift").sort("points_on", descending=True, nulls_last=True)
    return [
        {
            "model": named(row["model"], scripted=home.configs.is_scripted(row["model"])),
            "points on": row["points_on"],
            "points off": row["points_off"],
            "lift": row["lift"],
            "95% CI": None if row["ci_low"] is None else f"[{row['ci_low']:+.1f}, {row['ci_high']:+.1f}]",
            "pairs": row["n_pairs"],
            "p (Holm)": None if row["p_holm"] is None else f"{row['p_holm']:.4f}",
        }
        for row in lifts.iter_rows(named=True)
    ]
