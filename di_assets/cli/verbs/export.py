"""`di export`: writes a table to a file."""

from pathlib import Path

import click

from di_assets.cli.command import Verb
from di_assets.cli.endings import BadInput
from di_assets.cli.stored import warehouse_of
from di_assets.nearest import nearest
from di_assets.tables import TABLES
from di_assets.tables.spreadsheet import as_text
from di_assets.tables.storage import replacing

FORMATS = ("csv", "parquet", "jsonl")


@click.command(cls=Verb)
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
        note = f"cells that a spreadsheet would run: {guarded:,}; each begins with an apostrophe (') now"
        click.echo(f"{note}, --raw writes them as they were", err=True)
