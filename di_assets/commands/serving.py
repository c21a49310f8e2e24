"""The control room: its pages, Dagster's home, and how long history is kept."""

import click

from di_assets.commands.base import errors, main, open_home_of


@main.command()
@click.option("--port", default=8501, show_default=True, help="Of the dashboard.")
@click.option("--dagster-port", default=3000, show_default=True, help="Of the Dagster UI.")
@click.pass_obj
def ui(options: dict[str, str], port: int, dagster_port: int) -> None:
    """Serve the dashboard and the Dagster UI on loopback until interrupted."""
    with errors():
        from di_assets.serving import serve  # noqa: PLC0415

        serve(open_home_of(options, writing=True), port=port, dagster_port=dagster_port)


@main.command()
@click.pass_obj
def home(options: dict[str, str]) -> None:
    """Set up Dagster's home and print where it is: DAGSTER_HOME="$(di home)" dagster-daemon run."""
    with errors():
        from di_assets.instance import dagster_home  # noqa: PLC0415

        click.echo(dagster_home(open_home_of(options, writing=True)))


@main.command()
@click.option("--keep-days", type=click.IntRange(min=0), default=30, show_default=True, help="Of finished runs.")
@click.option("--dry-run", is_flag=True, help="Say what would be forgotten, and keep it.")
@click.pass_obj
def prune(options: dict[str, str], keep_days: int, dry_run: bool) -> None:
    """Forget old runs of Dagster's history, but for those that hold what is newest of an asset; tables stay."""
    with errors():
        from datetime import UTC, datetime, timedelta  # noqa: PLC0415

        from di_assets.assets.history import prune as forget  # noqa: PLC0415
        from di_assets.instance import instance_of  # noqa: PLC0415

        with instance_of(open_home_of(options, writing=True)) as instance:
            done = forget(instance, keep=timedelta(days=keep_days), now=datetime.now(tz=UTC), dry=dry_run)
        what = (
            "would be forgotten" if dry_run else f"forgotten; {done.before / 1e6:.1f} MB -> {done.after / 1e6:.1f} MB"
        )
        click.echo(f"{done.runs} runs older than {keep_days} days {what}; {done.needed} as old hold what is newest")
