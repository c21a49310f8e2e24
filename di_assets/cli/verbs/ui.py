"""`di ui`: serves the dashboard and the Dagster UI."""

import click

from di_assets.cli.command import Verb
from di_assets.cli.options import ports
from di_assets.cli.places import open_home_of
from di_assets.control_room.serving import HeldPorts, serve


@click.command(cls=Verb)
@ports
@click.option("--read-only", is_flag=True, help="Nothing can be launched, ended or turned on, and no daemon runs.")
@click.pass_obj
def ui(options: dict[str, str], port: int, dagster_port: int, read_only: bool) -> None:
    """Serve the dashboard and the Dagster UI on loopback until interrupted."""
    held = HeldPorts.take(port=port, dagster_port=dagster_port)
    serve(open_home_of(options, writing=True), held, read_only=read_only)
