"""`di webserver`: serves the Dagster UI alone, with its guard."""

import socket

import click

from di_assets.cli.command import Verb
from di_assets.cli.places import open_home_of
from di_assets.control_room.instance import dagster_home
from di_assets.control_room.serving import webserver as guarded
from di_assets.control_room.serving.ports import bound


@click.command(cls=Verb)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at.")
@click.option("--port", type=click.IntRange(0, 65_535), default=3000, show_default=True)
@click.option("--fd", type=int, hidden=True, help="Of a socket that listens already.")
@click.option(
    "--workspace",
    "-w",
    type=click.Path(exists=True, dir_okay=False),
    required=True,
    help="File that names the code server.",
)
@click.option("--read-only", is_flag=True, help="Nothing can be launched, ended, turned on or off.")
@click.pass_obj
def webserver(options: dict[str, str], host: str, port: int, fd: int | None, workspace: str, read_only: bool) -> None:
    """Serve the Dagster UI alone, with its guard, over a code server that runs elsewhere.

    `dagster-webserver` has no guard.
    """
    listening = bound(port, "--port", host=host) if fd is None else socket.socket(fileno=fd)
    dagster_home(open_home_of(options, writing=True))
    guarded.host(listening, workspace, read_only=read_only)
