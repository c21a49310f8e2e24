"""The control room: its pages, Dagster's home, and how long history is kept."""

from collections.abc import Callable

import click

from di_assets.cli.base import errors, main, open_home_of


def ports(function: Callable[..., None]) -> Callable[..., None]:
    """The options that choose where a control room is served."""
    port = click.IntRange(0, 65_535)
    function = click.option(
        "--dagster-port", type=port, default=3000, show_default=True, help="Port of the Dagster UI; 0 takes a free one."
    )(function)
    return click.option(
        "--port", type=port, default=8501, show_default=True, help="Port of the dashboard; 0 takes a free one."
    )(function)


@main.command()
@ports
@click.option("--read-only", is_flag=True, help="Nothing can be launched, ended or turned on, and no daemon runs.")
@click.pass_obj
def ui(options: dict[str, str], port: int, dagster_port: int, read_only: bool) -> None:
    """Serve the dashboard and the Dagster UI on loopback until interrupted."""
    with errors():
        from di_assets.control_room.serving import Doors, serve  # noqa: PLC0415

        doors = Doors.hold(port=port, dagster_port=dagster_port)
        serve(open_home_of(options, writing=True), doors, read_only=read_only)


@main.command()
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
    with errors():
        import socket  # noqa: PLC0415

        from di_assets.control_room.instance import dagster_home  # noqa: PLC0415
        from di_assets.control_room.serving import webserver as guarded  # noqa: PLC0415
        from di_assets.control_room.serving.ports import bound  # noqa: PLC0415

        listening = bound(port, "--port", host=host) if fd is None else socket.socket(fileno=fd)
        dagster_home(open_home_of(options, writing=True))
        guarded.host(listening, workspace, read_only=read_only)


@main.command()
@click.pass_obj
def home(options: dict[str, str]) -> None:
    """Set up Dagster's home and print where it is, as in: DAGSTER_HOME="$(di home)" dagster-daemon run."""
    with errors():
        from di_assets.control_room.instance import dagster_home  # noqa: PLC0415

        click.echo(dagster_home(open_home_of(options, writing=True)))


@main.command()
@click.option(
    "--keep-days", type=click.IntRange(min=0), default=30, show_default=True, help="Days that a finished run is kept."
)
@click.option("--dry-run", is_flag=True, help="Say what would be deleted, and delete nothing.")
@click.pass_obj
def prune(options: dict[str, str], keep_days: int, dry_run: bool) -> None:
    """Delete old runs from Dagster's history. A run that holds what is newest of an asset stays; so do all tables."""
    with errors():
        from datetime import UTC, datetime, timedelta  # noqa: PLC0415

        from di_assets.assets.history import prune as forget  # noqa: PLC0415
        from di_assets.control_room.instance import instance_of  # noqa: PLC0415

        with instance_of(open_home_of(options, writing=True)) as instance:
            done = forget(instance, keep=timedelta(days=keep_days), now=datetime.now(tz=UTC), dry=dry_run)
        what = "would be deleted" if dry_run else f"deleted; {done.before / 1e6:.1f} MB -> {done.after / 1e6:.1f} MB"
        click.echo(f"{done.runs} runs older than {keep_days} days {what}; {done.needed} as old hold what is newest")
