"""`di verify`: compares files with their checksums, and episodes with their replies."""

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict

import click
import polars as pl

from di_assets.cli.command import Verb
from di_assets.cli.endings import BadInput
from di_assets.cli.places import open_home_of
from di_assets.cli.stored import no_episode
from di_assets.play.verify import verify as replay
from di_assets.tables import Warehouse


@click.command(cls=Verb)
@click.argument("episodes", nargs=-1, metavar="[EPISODE]...")
@click.option("--all", "everything", is_flag=True, help="Every complete episode.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object an episode.")
@click.pass_obj
def verify(options: dict[str, str], episodes: tuple[str, ...], everything: bool, as_json: bool) -> None:
    """Compare files with their checksums, and events, points and hashes with replayed replies.

    Exit code 1 when something differs.
    """
    if everything == bool(episodes):
        raise click.UsageError("name episodes, or say --all")
    home = open_home_of(options)
    counts = {"ok": 0, "stale": 0, "broken": 0}
    batches = dict.fromkeys(home.warehouse.batches()) if everything else _by_batch(home.warehouse, episodes)
    damaged = [one for one in home.warehouse.damage() if one.kind == "damaged" and (everything or one.of in batches)]
    damaged += [one for batch in ([None] if everything else batches) for one in home.warehouse.changed(batch)]
    for one in damaged:
        line = f"{home.warehouse}/{one}"
        row = {"file": one.file, "status": "damaged", "problem": line}
        click.echo(json.dumps(row) if as_json else f"damaged: {line}")
    for batch in [batch for batch in batches if batch not in {one.of for one in damaged}]:
        for verdict in replay(home.configs, home.warehouse, episodes=batches[batch], batch=batch):
            counts[verdict.status] += 1
            if as_json:
                click.echo(json.dumps(asdict(verdict)))
            elif verdict.status != "ok":
                click.echo(f"{verdict.status}: {verdict.episode_id}: {verdict.problem}")
    summed = ", ".join(f"{count} {status}" for status, count in counts.items())
    click.echo(summed + (f", {len(damaged)} damaged files" if damaged else ""), err=as_json)
    if counts["broken"] or damaged:
        sys.exit(1)


def _by_batch(warehouse: Warehouse, episodes: Sequence[str]) -> dict[str, list[str] | None]:
    """By batch, the ids of these episodes."""
    stored = warehouse.scan("episodes").filter(pl.col("episode_id").is_in(episodes)).select("episode_id", "batch")
    batches = dict(stored.collect().iter_rows())
    for episode in episodes:
        if episode not in batches:
            raise BadInput(no_episode(warehouse, episode))
    return {batch: [key for key in episodes if batches[key] == batch] for batch in sorted(set(batches.values()))}
