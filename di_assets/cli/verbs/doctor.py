"""`di doctor`: checks that models answer, before money is spent on them."""

import asyncio
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict

import click

from di_assets.cli.command import Verb
from di_assets.cli.options import Finite
from di_assets.cli.places import open_home_of
from di_assets.cli.printing import table
from di_assets.play.checkup import Checkup
from di_assets.play.doctor import checkup


@click.command(cls=Verb)
@click.argument("models", nargs=-1, metavar="[MODEL]...")
@click.option("--no-calls", is_flag=True, help="Check configuration and keys only; nothing is spent.")
@click.option("--budget-usd", type=Finite(min=0), default=1.0, show_default=True, help="Most to spend.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a model.")
@click.pass_obj
def doctor(options: dict[str, str], models: tuple[str, ...], no_calls: bool, budget_usd: float, as_json: bool) -> None:
    """Check models: key, endpoint, schema, and a message and a pull played with each. Exit code 1 when one fails."""
    home = open_home_of(options)
    found = asyncio.run(
        checkup(home.configs, models, budget_usd=budget_usd, talk=not no_calls, warehouse=home.warehouse)
    )
    if as_json:
        for one in found:
            click.echo(json.dumps({**asdict(one), "ok": one.ok, "key_ok": one.key_ok}))
    else:
        _print_checkups(found)
    if not all(one.key_ok if no_calls else one.ok for one in found):
        sys.exit(1)


def _print_checkups(found: Sequence[Checkup]) -> None:
    """Prints one line per model with the result, and what to change."""
    rows = [
        {
            "model": one.model,
            "key": one.key.partition(":")[0],
            "reached": one.reached.partition(":")[0],
            "schema": one.schema,
            "message": one.message,
            "pull": one.pull,
            "tokens in, cached, out": ", ".join(
                "—" if n is None else str(n) for n in (one.input_tokens, one.cached_tokens, one.output_tokens)
            ),
            "s a call": None if one.latency_s is None else f"{one.latency_s:.2f}",
            "US dollars": f"{one.cost_usd:.5f}",
        }
        for one in found
    ]
    table(rows, as_json=False, title="Models")
    for one in found:
        fault = one.reached.removeprefix("no: ") if one.reached.startswith("no: ") else None
        if fault or one.advice:
            click.echo(": ".join(part for part in (fault or one.model, one.advice) if part))
    click.echo(f"spent ${sum(one.cost_usd for one in found):.5f}")
