"""Verbs are found by their files and loaded when they are called."""

import importlib
import subprocess
import sys
from importlib.metadata import version

import click
import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner

from di_assets.cli import verbs
from di_assets.cli.command import Verb
from di_assets.cli.verbs import main

HEAVY = {"dagster", "polars", "networkx", "pydantic", "streamlit", "rich", "di_assets.tables", "di_assets.assets"}
NAMES = main.list_commands(click.Context(main))
DUMMY = '''"""A verb of a test."""

import click

from di_assets.cli.command import Verb


@click.command(cls=Verb)
@click.option("--times", type=int, default=1)
def greet(times: int) -> None:
    """Greet whoever calls. Not shown in the list."""
    if times < 0:
        raise LookupError("a name")
    click.echo("hello " * times)
'''


def loaded_by(code):
    """What the heavy modules are that a program loads, and what it prints."""
    code = f"import sys\n{code}\nprint('LOADED', *sorted({HEAVY!r} & set(sys.modules)))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    printed, _, loaded = out.rpartition("LOADED")
    return printed, loaded.split()


def test_help_loads_nothing_heavy():
    printed, loaded = loaded_by("from di_assets.cli.verbs import main\ntry: main(['--help'])\nexcept SystemExit: pass")
    assert all(f"\n  {name} " in printed for name in NAMES)
    assert loaded == []


def test_completion_of_a_verb_loads_nothing_heavy():
    printed, loaded = loaded_by(
        "from click.shell_completion import ShellComplete\nfrom di_assets.cli.verbs import main\n"
        "print([one.value for one in ShellComplete(main, {}, 'di', '_DI').get_completions([], 'p')])"
    )
    assert printed.strip() == str([name for name in NAMES if name.startswith("p")])
    assert loaded == []


def test_completion_of_a_verbs_options_knows_them():
    found = ShellComplete(main, {}, "di", "_DI").get_completions(["repair"], "--dry")
    assert [one.value for one in found] == ["--dry-run"]


@pytest.mark.parametrize("name", NAMES)
def test_a_verbs_line_in_help_is_that_of_its_command_and_failures_in_it_become_one_line(name):
    command = getattr(importlib.import_module(f"di_assets.cli.verbs.{name}"), name)
    assert isinstance(command, Verb)
    shown = main.get_command(click.Context(main), name)
    assert command.get_short_help_str() == shown.get_short_help_str() != ""


def test_a_verb_is_added_by_one_file(tmp_path, monkeypatch):
    (tmp_path / "greet.py").write_text(DUMMY)
    monkeypatch.setattr(verbs, "FOLDER", tmp_path)
    monkeypatch.setattr(verbs, "__path__", [str(tmp_path)])
    monkeypatch.delitem(sys.modules, "di_assets.cli.verbs.greet", raising=False)
    assert "greet  Greet whoever calls." in CliRunner().invoke(main, ["--help"]).output
    assert CliRunner().invoke(main, ["greet", "--times", "2"]).output == "hello hello \n"
    failed = CliRunner().invoke(main, ["--warehouse", str(tmp_path / "none"), "greet", "--times", "-1"])
    assert failed.exit_code == 1
    assert failed.stderr.startswith("Error: a mistake of this program: LookupError (a name) in ")
    sys.modules.pop("di_assets.cli.verbs.greet")


def test_an_unknown_verb_is_bad_usage():
    told = CliRunner().invoke(main, ["paly"])
    assert (told.exit_code, "No such command 'paly'" in told.output) == (2, True)


def test_an_interrupt_while_a_verb_is_loaded_ends_with_130(monkeypatch):
    def interrupted(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(verbs.importlib, "import_module", interrupted)
    told = CliRunner().invoke(main, ["arms"])
    assert (told.exit_code, told.stderr) == (130, "Error: interrupted; nothing was begun\n")


def test_version_is_that_of_the_package():
    assert CliRunner().invoke(main, ["--version"]).output.split()[-1] == version("delegated-influence")
