"""Printing for several commands: a table for people, or one JSON object per row for scripts."""

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import click
from rich.console import Console
from rich.table import Table


def table(rows: Sequence[Mapping[str, Any]], *, as_json: bool, title: str) -> None:
    """Prints rows with the same keys as a table. Numbers are aligned right; missing values are a dash."""
    if as_json:
        for row in rows:
            click.echo(json.dumps(row))
        return
    drawn = Table(title=title, title_justify="left")
    for place, (name, value) in enumerate(rows[0].items() if rows else ()):
        number = isinstance(value, str | int | float) and str(value)[:1].isdigit()
        drawn.add_column(name, justify="right" if number else "left", no_wrap=place == 0)
    for row in rows:
        drawn.add_row(*("—" if v is None else f"{v:.1f}" if isinstance(v, float) else str(v) for v in row.values()))
    console = Console(width=None if sys.stdout.isatty() else 120)
    console.print(drawn)


def share(value: float | None) -> str | None:
    """A share in per cent; None if it is undefined."""
    return None if value is None else f"{value:.0%}"
