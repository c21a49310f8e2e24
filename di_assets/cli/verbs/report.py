"""`di report`: publishes what has been played."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from di_assets.cli.command import Verb
from di_assets.cli.places import open_home_of
from di_assets.report.current import is_current
from di_assets.report.published import read_summary


@click.command(cls=Verb)
@click.option(
    "--site",
    type=click.Path(path_type=Path, file_okay=False),
    help="A folder for the report as files that open from disk.",
)
@click.option("--again", is_flag=True, help="Make the report although nothing is new.")
@click.pass_obj
def report(options: dict[str, str], site: Path | None, again: bool) -> None:
    """Aggregate what is played, write summary.json and the figures, and say what may be claimed.

    The report is left as it is if nothing has changed since it was made.
    """
    home = open_home_of(options, writing=True)
    if site is not None:
        from streamlit.logger import set_log_level  # noqa: PLC0415 -- only those who write a site load Streamlit

        set_log_level("error")  # Streamlit would warn that it serves nothing here
        from dashboard.static_site import check_folder, write_site  # noqa: PLC0415

        check_folder(site.absolute())  # checked before anything is made
    current = not again and is_current(home.warehouse, home.configs.root)
    if not current:
        from di_assets.control_room.runs import materialise_report  # noqa: PLC0415 -- only who makes it loads Dagster

        materialise_report(home)
    _print_claims(read_summary(home.warehouse) or {"questions": {}})
    click.echo(f"{'nothing new; the report is in' if current else 'written to'} {home.warehouse.report}")
    if site is not None:
        n = write_site(home.warehouse, home.configs.root, site)
        click.echo(f"{n:,} files written to {site}; open {site / 'index.html'}")


def _print_claims(summary: Mapping[str, Any]) -> None:
    """Prints every question's headline, and every claim with its status."""
    for question in summary["questions"].values():
        click.echo(question["headline"])
        for claim in question["claims"]:
            click.echo(f"  {claim['status'] + ':':14}{claim['sentence']}")
