"""What the verbs share: the group they are of, bad input and failed work as one line, the warehouse they work on."""

import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from di_assets.assets.home import Home
    from di_assets.tables import Warehouse


VERBOSE = "di.verbose"
WRONG = "di.wrong"
MOST_WARNINGS = 5
INTERRUPTED = 130
EXIT_CODES = "Exit codes: 0 done, 1 the work failed, 2 bad usage or bad input, 130 interrupted by a person."


class BadInput(click.ClickException):
    """What was asked for can't be; one line says what, where and what would be right."""

    exit_code = 2


class WorkFailed(click.ClickException):
    """What was asked for was tried and failed; what was done before is kept."""

    exit_code = 1


class Interrupted(click.ClickException):
    """A person ended it."""

    exit_code = INTERRUPTED


class Finite(click.FloatRange):
    """A number in a range that is one: `nan` is below nothing and above nothing, and so passes every range."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The number; fails where it is none."""
        number = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value} is no finite number", param, ctx)
        return number


class Verbs(click.Group):
    """The verbs: whatever fails in one ends it with one line and an exit code."""

    def invoke(self, ctx: click.Context) -> Any:
        """Runs the verb that is named, then says what is wrong with the warehouse's files besides."""
        try:
            with errors():
                made = super().invoke(ctx)
        except click.ClickException as error:
            _warn(ctx, but=error.message)
            raise
        _warn(ctx)
        return made


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


@contextmanager
def errors() -> Iterator[None]:
    """Whatever fails as one line with its exit code; before it the traceback, where `di -v` asks for it."""
    try:
        yield
    except (click.ClickException, click.exceptions.Exit, click.Abort):
        raise
    except BrokenPipeError:
        raise  # whoever read the output has seen enough; click ends quietly
    except BaseException as error:
        if not isinstance(error, (Exception, KeyboardInterrupt)) and type(error).__name__ != "PanicException":
            raise  # but for a panic of Polars, which is how it ends at some damaged files
        from di_assets.control_room.failures import failure, trace  # noqa: PLC0415

        context = click.get_current_context(silent=True)
        if context is not None and context.meta.get(VERBOSE):
            click.echo(getattr(error, "trace", None) or trace(error), err=True)
        told = failure(error, warehouse=os.environ.get("DI_WAREHOUSE", "warehouse"))
        raise KINDS.get(told.exit_code, WorkFailed)(told.line) from error


KINDS: dict[int, type[click.ClickException]] = {kind.exit_code: kind for kind in (BadInput, WorkFailed, Interrupted)}


def open_home_of(options: dict[str, str], *, writing: bool = False, looking: bool = True, **more: Any) -> "Home":
    """The configuration and the warehouse that the options name, which may be about to be written; `more` is passed on.

    Raises:
        ConfigError: the configuration is wrong.
        StorageError: the warehouse can't be used.
    """
    from di_assets.assets.home import open_home  # noqa: PLC0415

    home = open_home(options["warehouse"], options["configs"], **more)
    home.warehouse.check(writing=writing)
    if looking:
        _look(home.warehouse)
    return home


def printing() -> ModuleType:
    """What prints tables and bars, imported where something is printed."""
    from di_assets.cli import printing  # noqa: PLC0415

    return printing


def warehouse_of(options: dict[str, str]) -> "Warehouse":
    """The warehouse alone, where no configuration is needed."""
    from di_assets.tables import open_warehouse  # noqa: PLC0415

    warehouse = open_warehouse(options["warehouse"])
    warehouse.check()
    _look(warehouse)
    return warehouse


def _look(warehouse: "Warehouse") -> None:
    """Notes what is wrong with the warehouse's files, to be said when the verb has ended."""
    context = click.get_current_context(silent=True)
    if context is not None:
        context.meta[WRONG] = {f"{warehouse}/{one.file}": f"{warehouse}/{one}" for one in warehouse.damage()}


def _warn(context: click.Context, *, but: str = "") -> None:
    """Says what was noted, but for files that are named already."""
    lines = [line for file, line in context.meta.get(WRONG, {}).items() if file not in but]
    for line in lines[:MOST_WARNINGS]:
        click.echo(f"Warning: {line}", err=True)
    if len(lines) > MOST_WARNINGS:
        click.echo(f"Warning: and {len(lines) - MOST_WARNINGS:,} more; `di repair --dry-run` names them", err=True)


def no_episode(warehouse: "Warehouse", episode: str) -> str:
    """That there is no such episode, with the nearest there is."""
    from di_assets.arms.yaml_files import nearest  # noqa: PLC0415

    known = warehouse.scan("episodes").select("episode_id").collect()["episode_id"].to_list()
    hint = nearest(episode, known) if len(known) < 2_000 and known else f" ({len(known):,} are stored)"
    return f"no episode {episode!r} in {warehouse}" + (hint if len(hint) < 200 else f" ({len(known):,} are stored)")
