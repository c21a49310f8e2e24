"""`di prune`: shortens Dagster's history."""

from datetime import UTC, datetime, timedelta

import click

from di_assets.cli.command import Verb
from di_assets.cli.places import open_home_of
from di_assets.control_room.history import prune as prune_history
from di_assets.control_room.instance import instance_of


@click.command(cls=Verb)
@click.option(
    "--keep-days", type=click.IntRange(min=0), default=30, show_default=True, help="Days that a finished run is kept."
)
@click.option("--dry-run", is_flag=True, help="Say what would be deleted, and delete nothing.")
@click.pass_obj
def prune(options: dict[str, str], keep_days: int, dry_run: bool) -> None:
    """Delete old runs from Dagster's history. A run that holds what is newest of an asset stays; so do all tables."""
    with instance_of(open_home_of(options, writing=True)) as instance:
        done = prune_history(instance, keep=timedelta(days=keep_days), now=datetime.now(tz=UTC), dry=dry_run)
    what = "would be deleted" if dry_run else f"deleted; {done.before / 1e6:.1f} MB -> {done.after / 1e6:.1f} MB"
    click.echo(f"{done.runs} runs older than {keep_days} days {what}; {done.needed} as old hold what is newest")
