"""`di schedule`: the coming nights."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from operator import itemgetter

import click

from di_assets.cli.command import Verb
from di_assets.cli.places import open_home_of
from di_assets.cli.printing import table
from di_assets.play.nights import Preview, coming_nights


@click.command(cls=Verb)
@click.option("--preview", "days", type=click.IntRange(1, 366), default=14, show_default=True, help="Days to show.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object an arm.")
@click.pass_obj
def schedule(options: dict[str, str], days: int, as_json: bool) -> None:
    """What the coming nights will play, and what that is expected to cost. Nothing is asked and nothing is spent."""
    home = open_home_of(options)
    previews = coming_nights(home.configs, home.warehouse, now=datetime.now(tz=UTC), days=days)
    if as_json:
        for one in previews:
            click.echo(json.dumps(asdict(one), default=lambda at: at.isoformat()))
    else:
        _print_nights(previews, days=days)


def _print_nights(previews: Sequence[Preview], *, days: int) -> None:
    """Prints the coming nights of all arms by time, with totals; then for each arm why there are no more."""
    if not previews:
        click.echo("no arm is nightly: add `nightly: {cron: '0 1 * * *'}` to configs/NAME.yaml")
    # Sorted by instant: local times of several zones, or of one that changes its offset, do not sort as text.
    coming = sorted(
        ((night.at.timestamp(), one.arm, night) for one in previews for night in one.nights), key=itemgetter(0, 1)
    )
    rows = [
        {
            "night": f"{night.at:%a %Y-%m-%d %H:%M %Z}",
            "arm": arm,
            "batch": night.batch.rpartition("--")[2],
            "episodes": f"{night.episodes:,}",
            "US dollars": f"{night.cost_usd:,.2f}",
            "then left": f"{night.left:,}",
            "ended by": night.held_by,
        }
        for _, arm, night in coming
    ]
    if rows:
        episodes, cost = (sum(getattr(night, what) for *_, night in coming) for what in ("episodes", "cost_usd"))
        total = {"night": f"{len(rows)} nights", "episodes": f"{episodes:,}", "US dollars": f"{cost:,.2f}"}
        rows.append({name: total.get(name) for name in rows[0]})
        table(rows, as_json=False, title=f"The next {days} days, if every night is played and no episode fails")
    for one in previews:
        if one.then is not None:
            click.echo(f"then {one.then}" if one.nights else one.then)
        elif not one.nights:
            click.echo(f"no night of {one.arm} falls into the next {days} days")
