"""What the verbs share: the group they are of, bad input and failed work as one line, the warehouse they work on."""

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


class BadInput(click.ClickException):
    """What was asked for can't be; one line says what, where and what would be right."""

    exit_code = 2


class WorkFailed(click.ClickException):
    """What was asked for was tried and failed; what was done before is kept."""

    exit_code = 1


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.option(
    "--warehouse",
    envvar="DI_WAREHOUSE",
    default="warehouse",
    show_default=True,
    help="Folder of the tables, or s3://BUCKET/PREFIX.",
)
@click.option("--configs", envvar="DI_CONFIGS", default="configs", show_default=True, help="Folder of arms and models.")
@click.version_option(package_name="delegated-influence")
@click.pass_context
def main(context: click.Context, warehouse: str, configs: str) -> None:
    """Delegated Influence: play arms of the persuasion game, measure them, show them."""
    context.obj = {"warehouse": warehouse, "configs": configs}
    os.environ["DI_WAREHOUSE"], os.environ["DI_CONFIGS"] = (
        warehouse if "://" in warehouse else str(Path(warehouse).absolute()),
        str(Path(configs).absolute()),
    )


@contextmanager
def errors() -> Iterator[None]:
    """Bad input and failed work as one line each, with their exit codes."""
    try:
        yield
    except click.ClickException:
        raise
    except Exception as error:
        # What the program raises on purpose carries its exit code and its one line.
        code = getattr(error, "exit_code", None)
        if code is not None:
            raise (BadInput if code == BadInput.exit_code else WorkFailed)(str(error)) from error
        if "object-store error" in str(error):  # from within Polars; its words can name keys
            from di_assets.tables.bucket import told  # noqa: PLC0415

            raise WorkFailed(str(told("the warehouse", str(error)))) from None
        raise


def open_home_of(options: dict[str, str], **more: Any) -> "Home":
    """The configuration and the warehouse that the options name; `more` is passed on."""
    from di_assets.assets.home import open_home  # noqa: PLC0415

    home = open_home(options["warehouse"], options["configs"], **more)
    home.warehouse.check()
    return home


def printing() -> ModuleType:
    """What prints tables and bars, imported where something is printed."""
    from di_assets import printing  # noqa: PLC0415

    return printing


def warehouse_of(options: dict[str, str]) -> "Warehouse":
    """The warehouse alone, where no configuration is needed."""
    from di_assets.tables import open_warehouse  # noqa: PLC0415

    warehouse = open_warehouse(options["warehouse"])
    warehouse.check()
    return warehouse


def no_episode(warehouse: "Warehouse", episode: str) -> str:
    """That there is no such episode, with the nearest there is."""
    from di_assets.arms.reading import nearest  # noqa: PLC0415

    known = warehouse.scan("episodes").select("episode_id").collect()["episode_id"].to_list()
    hint = nearest(episode, known) if len(known) < 2_000 and known else f" ({len(known):,} are stored)"
    return f"no episode {episode!r} in {warehouse}" + (hint if len(hint) < 200 else f" ({len(known):,} are stored)")
