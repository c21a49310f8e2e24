"""`di trace`: traces a claim to the calls behind it, and back."""

import json
from dataclasses import asdict

import click

from di_assets.cli.command import Verb
from di_assets.cli.endings import BadInput
from di_assets.cli.stored import no_episode, warehouse_of
from di_assets.nearest import nearest
from di_assets.report.lineage.steps import tree
from di_assets.report.lineage.trace import Step, TraceError, trace_episode, trace_model


@click.command(cls=Verb)
@click.argument("what", metavar="QUESTION:MODEL|EPISODE")
@click.option("--json", "as_json", is_flag=True, help="The whole walk as one JSON object.")
@click.pass_obj
def trace(options: dict[str, str], what: str, as_json: bool) -> None:
    """Walk from a model's claims (q1:MODEL) to the calls behind them, or from an episode to what cites it.

    Claims that are not about a single model are q4:everybody.
    """
    warehouse = warehouse_of(options)
    walked = trace_episode(warehouse, what)
    if walked is None:
        question, colon, model = what.partition(":")
        if not colon:
            raise BadInput(f"{no_episode(warehouse, what)}; a model's claims are q1:MODEL")
        try:
            walked = trace_model(warehouse, question, model)
        except TraceError as error:
            raise BadInput(f"{error}{nearest(error.name, error.known) if error.known else ''}") from error
    if as_json:
        click.echo(json.dumps(asdict(walked)))
    else:
        _print_tree(walked)


def _print_tree(step: Step) -> None:
    """Prints a trace as a short indented tree; the JSON output has everything."""
    sets = sum(inner.kind == "episodes" for inner in step.steps)
    for line in tree(step, first=2 if sets <= 2 else 1):
        click.echo(line)
