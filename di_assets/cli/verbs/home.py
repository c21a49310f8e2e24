"""`di home`: Dagster's folder, for Dagster's own commands."""

import click

from di_assets.cli.command import Verb
from di_assets.cli.places import open_home_of
from di_assets.control_room.instance import dagster_home


@click.command(cls=Verb)
@click.pass_obj
def home(options: dict[str, str]) -> None:
    """Set up Dagster's home and print where it is, as in: DAGSTER_HOME="$(di home)" dagster-daemon run."""
    click.echo(dagster_home(open_home_of(options, writing=True)))
