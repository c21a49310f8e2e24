"""`di`: a file in this folder is a verb, and the function named like the file is its command.

A verb's file is imported when the verb is called. Help and completion read a docstring from its text, and so import
nothing: neither Dagster nor Polars.
"""

import ast
import importlib
import os
from pathlib import Path

import click

from di_assets.cli.endings import VERBOSE, Interrupted

EXIT_CODES = "Exit codes: 0 done, 1 the work failed, 2 bad usage or bad input, 130 interrupted by a person."
FOLDER = Path(__file__).parent


class Verbs(click.Group):
    """The verbs, by the files of this folder."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 -- click's signature
        """The names of all verbs, sorted."""
        return sorted(path.stem for path in FOLDER.glob("[!_]*.py"))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """What help and completion show of a verb: its name and its docstring; None where there is no such verb."""
        if cmd_name not in self.list_commands(ctx):
            return None
        return click.Command(cmd_name, help=_docstring(cmd_name))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The verb that is called, imported, and the arguments that are left for it."""
        name, found, rest = super().resolve_command(ctx, args)
        if name is None or found is None:
            return name, found, rest
        try:
            command: click.Command = getattr(importlib.import_module(f"{__name__}.{name}"), name)
        except KeyboardInterrupt:
            raise Interrupted("interrupted; nothing was begun") from None
        return name, command, rest


def _docstring(verb: str) -> str | None:
    """The docstring of the command in a verb's file."""
    tree = ast.parse((FOLDER / f"{verb}.py").read_text(encoding="utf-8"))
    return next(
        (ast.get_docstring(one) for one in tree.body if isinstance(one, ast.FunctionDef) and one.name == verb), None
    )


@click.group(
    cls=Verbs, epilog=EXIT_CODES, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110}
)
@click.option(
    "--warehouse",
    envvar="DI_WAREHOUSE",
    default="warehouse",
    show_default=True,
    help="Folder of the tables, or s3://BUCKET/PREFIX.",
)
@click.option("--configs", envvar="DI_CONFIGS", default="configs", show_default=True, help="Folder of arms and models.")
@click.option("-v", "--verbose", envvar="DI_VERBOSE", is_flag=True, help="Show the traceback of what fails.")
@click.version_option(package_name="delegated-influence")
@click.pass_context
def main(context: click.Context, warehouse: str, configs: str, verbose: bool) -> None:
    """Delegated Influence: play arms of the persuasion game, measure them, show them."""
    context.obj = {"warehouse": warehouse, "configs": configs}
    context.meta[VERBOSE] = verbose
    os.environ["DI_WAREHOUSE"], os.environ["DI_CONFIGS"] = (
        warehouse if "://" in warehouse else str(Path(warehouse).absolute()),
        str(Path(configs).absolute()),
    )
