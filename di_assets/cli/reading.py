"""What was played: the report, episodes, replays, promises, the walk behind a number, tables as files."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from di_assets.cli.base import BadInput, errors, main, no_episode, open_home_of, printing, warehouse_of

if TYPE_CHECKING:
    from di_assets.tables import Warehouse

FORMATS = ("csv", "parquet", "jsonl")


@main.command()
@click.option(
    "--site",
    type=click.Path(path_type=Path, file_okay=False),
    help="A folder for the report as files that open from disk.",
)
@click.pass_obj
def report(options: dict[str, str], site: Path | None) -> None:
    """Aggregate what is played, write summary.json and the figures anew, and say what may be claimed."""
    with errors():
        from di_assets.control_room.runs import materialise_report  # noqa: PLC0415
        from di_assets.report.published import read_summary  # noqa: PLC0415

        home = open_home_of(options, writing=True)
        if site is not None:
            from streamlit.logger import set_log_level  # noqa: PLC0415

            set_log_level("error")  # it would warn that nothing is served here
            from dashboard.static_site import check_folder, write_site  # noqa: PLC0415

            check_folder(site.absolute())  # before anything is made
        materialise_report(home)
        printing().claims(read_summary(home.warehouse) or {"questions": {}})
        click.echo(f"written to {home.warehouse.report}")
        if site is not None:
            n = write_site(home.warehouse, home.configs.root, site)
            click.echo(f"{n:,} files written to {site}; open {site / 'index.html'}")


@main.command()
@click.argument("episode")
@click.option("--event", type=click.IntRange(min=0), help="Only this event.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object an event.")
@click.pass_obj
def show(options: dict[str, str], episode: str, event: int | None, as_json: bool) -> None:
    """Print an episode's messages and pulls. Control characters are shown escaped."""
    with errors():
        from di_assets.report.reader.transcript import read_transcript  # noqa: PLC0415

        found = read_transcript(warehouse_of(options), episode)
        if found is None:
            raise BadInput(no_episode(warehouse_of(options), episode))
        if not found.events:
            raise BadInput(f"{episode} has no events: it is {found.episode['status']} ({found.episode['failure']})")
        if event is not None and event >= len(found.events):
            raise BadInput(f"{episode} has no event {event}; they run from 0 to {len(found.events) - 1}")
        for one in found.events if event is None else found.events[event : event + 1]:
            told = printing().event(one, found.seats)
            click.echo(json.dumps(told) if as_json else printing().event_line(told))


@main.command()
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
    with errors():
        from di_assets.play.verify import verify as replay  # noqa: PLC0415

        home = open_home_of(options)
        counts = {"ok": 0, "stale": 0, "broken": 0}
        batches = dict.fromkeys(home.warehouse.batches()) if everything else _by_batch(home.warehouse, episodes)
        damaged = [
            one for one in home.warehouse.damage() if one.kind == "damaged" and (everything or one.of in batches)
        ]
        damaged += [one for batch in ([None] if everything else batches) for one in home.warehouse.changed(batch)]
        for one in damaged:
            line = f"{home.warehouse}/{one}"
            told = {"file": one.file, "status": "damaged", "problem": line}
            click.echo(json.dumps(told) if as_json else f"damaged: {line}")
        for batch in [batch for batch in batches if batch not in {one.of for one in damaged}]:
            for verdict in replay(home.configs, home.warehouse, episodes=batches[batch], batch=batch):
                counts[verdict.status] += 1
                if as_json:
                    click.echo(json.dumps({f: getattr(verdict, f) for f in verdict.__dataclass_fields__}))
                elif verdict.status != "ok":
                    click.echo(f"{verdict.status}: {verdict.episode_id}: {verdict.problem}")
    summed = ", ".join(f"{count} {status}" for status, count in counts.items())
    click.echo(summed + (f", {len(damaged)} damaged files" if damaged else ""), err=as_json)
    if counts["broken"] or damaged:
        sys.exit(1)


def _by_batch(warehouse: "Warehouse", episodes: tuple[str, ...]) -> dict[str, list[str] | None]:
    """These episodes by their batch."""
    import polars as pl  # noqa: PLC0415

    stored = warehouse.scan("episodes").filter(pl.col("episode_id").is_in(episodes)).select("episode_id", "batch")
    batches = dict(stored.collect().iter_rows())
    for episode in episodes:
        if episode not in batches:
            raise BadInput(no_episode(warehouse, episode))
    return {batch: [key for key in episodes if batches[key] == batch] for batch in sorted(set(batches.values()))}


@main.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object a row.")
@click.pass_obj
def promises(options: dict[str, str], as_json: bool) -> None:
    """Print who promised pulls, who kept the promise and what it bought."""
    with errors():
        printing().ledger(warehouse_of(options).read("promise_ledger").to_dicts(), as_json=as_json)


@main.command()
@click.argument("what", metavar="QUESTION:MODEL|EPISODE")
@click.option("--json", "as_json", is_flag=True, help="The whole walk as one JSON object.")
@click.pass_obj
def trace(options: dict[str, str], what: str, as_json: bool) -> None:
    """Walk from a model's claims (q1:MODEL) to the calls behind them, or from an episode to what cites it."""
    with errors():
        from di_assets.arms.yaml_files import nearest  # noqa: PLC0415
        from di_assets.report.lineage.trace import TraceError, trace_episode, trace_model  # noqa: PLC0415

        warehouse = warehouse_of(options)
        walked = trace_episode(warehouse, what)
        if walked is None:
            question, colon, model = what.partition(":")
            if not colon:
                raise BadInput(f"{no_episode(warehouse, what)}; a model's numbers are q1:MODEL")
            try:
                walked = trace_model(warehouse, question, model)
            except TraceError as error:
                raise BadInput(f"{error}{nearest(error.name, error.known) if error.known else ''}") from error
        printing().walk(walked, as_json=as_json)


@main.command()
@click.argument("table")
@click.option(
    "--to",
    "file",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    help="csv, parquet or jsonl, by suffix.",
)
@click.option("--raw", is_flag=True, help="CSV with texts as they were written, though a spreadsheet may run them.")
@click.pass_obj
def export(options: dict[str, str], table: str, file: Path, raw: bool) -> None:
    """Write a whole table of the contract to a file.

    In CSV, text that a spreadsheet would run as a formula begins with an apostrophe; Parquet and JSON lines are exact.
    """
    with errors():
        from di_assets.arms.yaml_files import nearest  # noqa: PLC0415
        from di_assets.tables import TABLES  # noqa: PLC0415
        from di_assets.tables.spreadsheet import as_text  # noqa: PLC0415
        from di_assets.tables.storage import replacing  # noqa: PLC0415

        if table not in TABLES:
            raise BadInput(f"no table {table!r}{nearest(table, TABLES)}")
        suffix = file.suffix.removeprefix(".")
        if suffix not in FORMATS:
            raise BadInput(f"--to {file}: the suffix says the format; expected one of {', '.join(FORMATS)}")
        frame = warehouse_of(options).read(table)
        guarded = 0
        if suffix == "csv" and not raw:
            frame, guarded = as_text(frame)
        with replacing(file.absolute()) as temporary:
            if suffix == "csv":
                frame.write_csv(temporary)
            elif suffix == "parquet":
                frame.write_parquet(temporary)
            else:
                frame.write_ndjson(temporary)
        click.echo(f"{frame.height:,} rows of {table} written to {file}")
        if guarded:
            told = f"cells that a spreadsheet would run: {guarded:,}; each begins with an apostrophe (') now"
            click.echo(f"{told}, --raw writes them as they were", err=True)
