"""`di repair`: repairs a warehouse with damaged files."""

import sys

import click

from di_assets.cli.command import Verb
from di_assets.cli.places import open_home_of
from di_assets.control_room.repair import repair as repair_warehouse


@click.command(cls=Verb)
@click.option("--dry-run", is_flag=True, help="Say what would be done, and change nothing.")
@click.pass_obj
def repair(options: dict[str, str], dry_run: bool) -> None:
    """Repair files that are damaged or lost, and put copies aside. Nothing is deleted, and no model is asked.

    What is replaced is put aside in quarantine/. Event tables are made again from the stored replies, measures from
    these. Episodes whose replies are gone are named with what they had cost, and played again by the next run.
    Exit code 1 when something could not be repaired.
    """
    home = open_home_of(options, writing=not dry_run, looking=False)
    before = "would: " if dry_run else ""
    work = repair_warehouse(home, do=not dry_run, say=lambda line: click.echo(f"{before}{line}"))
    if not work.done and not work.failed:
        click.echo("nothing to repair")
    elif dry_run:
        click.echo("nothing was changed; `di repair` does it, and puts aside in quarantine/ what it replaces")
    else:
        then = f"`di run {' '.join(sorted(work.again))}` plays what is lost" if work.again else "`di report` publishes"
        click.echo(f"{work.done:,} repaired; what was replaced is in {home.warehouse}/quarantine; {then}")
    if work.failed:
        sys.exit(1)
