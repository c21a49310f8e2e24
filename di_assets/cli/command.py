"""What all verbs share: an error is shown as one line, and damaged files are listed at the end."""

import os
from typing import Any

import click

from di_assets.cli.endings import VERBOSE, ending
from di_assets.control_room.failures import failure, trace
from di_assets.tables import Warehouse

# Key of click's context for the damaged files that were found, a mapping of file -> its line.
DAMAGED = "di.damaged"
MOST_WARNINGS = 5


class Verb(click.Command):
    """A command that ends with one line and an exit code, whatever fails in it."""

    def invoke(self, ctx: click.Context) -> Any:
        """Runs the verb, then prints warnings about damaged files.

        Raises:
            Ended: the verb failed, or its input is wrong; it has the line and the exit code.
        """
        try:
            made = self._invoke(ctx)
        except click.ClickException as error:
            _warn(ctx, but=error.message)
            raise
        _warn(ctx)
        return made

    def _invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except BrokenPipeError:
            raise  # the reader of the output closed it; click ends quietly
        except BaseException as error:
            if not isinstance(error, (Exception, KeyboardInterrupt)) and type(error).__name__ != "PanicException":
                raise  # a panic of Polars is handled below: some damaged files cause one
            if ctx.meta.get(VERBOSE):
                click.echo(getattr(error, "trace", None) or trace(error), err=True)
            problem = failure(error, warehouse=os.environ.get("DI_WAREHOUSE", "warehouse"))
            raise ending(problem.line, problem.exit_code) from error


def look_for_damage(warehouse: Warehouse) -> None:
    """Notes which files of the warehouse are damaged; they are named when the verb has ended."""
    context = click.get_current_context(silent=True)
    if context is not None:
        context.meta[DAMAGED] = {f"{warehouse}/{one.file}": f"{warehouse}/{one}" for one in warehouse.damage()}


def _warn(context: click.Context, *, but: str = "") -> None:
    """Prints a warning for each damaged file that the error message does not name already."""
    lines = [line for file, line in context.meta.get(DAMAGED, {}).items() if file not in but]
    for line in lines[:MOST_WARNINGS]:
        click.echo(f"Warning: {line}", err=True)
    if len(lines) > MOST_WARNINGS:
        click.echo(f"Warning: and {len(lines) - MOST_WARNINGS:,} more; `di repair --dry-run` names them", err=True)
