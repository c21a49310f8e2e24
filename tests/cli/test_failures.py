"""Whatever fails ends in one line that names the place, with the exit code that scripts go by."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from click.testing import CliRunner

from di_assets.cli.verbs import main
from di_assets.control_room.failures import MOST_CHARS, failure, trace
from tests.conftest import ROOT, write_small_configs
from tests.play.hostility import hostile_configs

GARBAGE = b"\x00garbage" * 4_000


@pytest.fixture
def place(tmp_path, monkeypatch):
    """An empty folder that is worked in, with `configs` of scripted arms and of one arm of models, keys missing."""
    for name in ("PLANTED_KEY", "DI_WAREHOUSE", "DI_CONFIGS", "DI_ENGINE", "DI_VERBOSE"):
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "configs"
    folder.mkdir()
    write_small_configs(folder)
    (folder / "prompts").unlink()
    shutil.copytree(ROOT / "configs" / "prompts", folder / "prompts")
    hostile_configs(tmp_path / "models", "http://127.0.0.1:1")
    for name in ("models.yaml", "hard.yaml"):
        shutil.copy(tmp_path / "models" / name, folder / name)
    return tmp_path


def put(name, text):
    """A file of this name (in the folder that is worked in) with this text, or these bytes."""

    def prepared(place):
        path = place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())

    return prepared


def add(name, text):
    """The file goes on with this text."""
    return lambda place: put(name, (place / name).read_text() + text)(place)


def change(name, old, new):
    """The file says something else."""

    def changed(place):
        text = (place / name).read_text()
        assert old in text
        put(name, text.replace(old, new))(place)

    return changed


def gone(name):
    return lambda place: shutil.rmtree(place / name) if (place / name).is_dir() else (place / name).unlink()


NOTHING = lambda _: None  # noqa: E731
RUN, ARMS = ["run", "loop"], ["arms"]
LONG = "x" * 260

BROKEN = {
    "the warehouse is a file": (put("w", "x"), ARMS, "/w: is no folder", 2),
    "the warehouse is a file, and a run": (put("w", "x"), RUN, "/w: is no folder", 2),
    "the warehouse would be in a file": (put("w", "x"), ["--warehouse", "{place}/w/in", "arms"], "/w: is no folder", 2),
    "tables are a file": (put("w/tables", "x"), RUN, "/w/tables: is no folder", 2),
    "a table's folder is a file": (put("w/tables/calls", "x"), RUN, "/w/tables/calls: is no folder", 2),
    "journals are a file": (put("w/journal", "x"), RUN, "/w/journal: is no folder", 2),
    "the report is a file": (put("w/report", "x"), ["report"], "/w/report: is no folder", 2),
    "the history's folder is a file": (put("w/dagster", "x"), ["home"], "/w/dagster: is no folder", 2),
    "the history is no database": (put("w/dagster/history/runs/index.db", GARBAGE), RUN, "history/runs/index.db", 1),
    "the runs are no database": (put("w/dagster/history/runs.db", GARBAGE), ["prune"], "history/runs.db", 1),
    "no configuration": (gone("configs"), ARMS, "/configs: no such folder", 2),
    "the configuration is a file": (NOTHING, ["--configs", "{place}/configs/talk.yaml", "arms"], "talk.yaml", 2),
    "a bracket is left open": (put("configs/talk.yaml", "title: Talk\nfocal: [a\n"), ARMS, "talk.yaml:3: not YAML", 2),
    "a tab": (put("configs/talk.yaml", "title: Talk\n\tid: x\n"), ARMS, "talk.yaml:2: not YAML", 2),
    "a day that never was": (add("configs/talk.yaml", "payoff: 2026-13-45\n"), ARMS, "talk.yaml: not YAML", 2),
    "an alias in itself": (put("configs/talk.yaml", "title: &a {b: *a}\n"), ARMS, "talk.yaml: an alias", 2),
    "not text": (put("configs/talk.yaml", b"title: \xff\xfe\n"), ARMS, "talk.yaml: not UTF-8", 2),
    "a NUL": (put("configs/talk.yaml", "title: a\x00b\n"), ARMS, "talk.yaml: not YAML", 2),
    "a list": (put("configs/talk.yaml", "- a\n- b\n"), ARMS, "talk.yaml: expected keys", 2),
    "keys that are numbers": (add("configs/talk.yaml", "1: 2\n"), ARMS, "talk.yaml:", 2),
    "a key twice": (add("configs/talk.yaml", "rounds: 6\n"), ARMS, "talk.yaml:7: rounds: stands twice", 2),
    "a misspelt key": (change("configs/talk.yaml", "rounds", "round"), ARMS, "talk.yaml:6: round: no such key", 2),
    "words for a number": (change("configs/talk.yaml", "rounds: 5", "rounds: a"), ARMS, "talk.yaml:6: rounds: ", 2),
    "a model of no name": (
        change("configs/talk.yaml", "gullible", "gulible"),
        ARMS,
        "talk.yaml:4: background: no model",
        2,
    ),
    "a graph of no name": (add("configs/talk.yaml", "topology: rings\n"), ARMS, "talk.yaml:7: topology: no graph", 2),
    "no budget": (
        change("configs/hard.yaml", "budget_usd: 1000.0\n", ""),
        ARMS,
        "hard.yaml: budget_usd: is missing",
        2,
    ),
    "nothing to mirror": (
        change("configs/mute.yaml", "mirrors: talk", "mirrors: tolk"),
        ARMS,
        "mute.yaml:3: mirrors: no arm",
        2,
    ),
    "a cluster of no address": (put("configs/play.yaml", "engine: dask\n"), ARMS, "play.yaml: scheduler: ", 2),
    "a template left open": (
        put("configs/prompts/turn.md.j2", "Round\n{% if x %}\n"),
        RUN,
        "prompts/turn.md.j2:2: not a template",
        2,
    ),
    "an instruction left open": (
        put("configs/prompts/instructions/mine.md", "Pull\n\n{{ a\n"),
        RUN,
        "prompts/instructions/mine.md:3: not a template",
        2,
    ),
    "no folder of prompts": (
        lambda place: (
            gone("configs/prompts")(place),
            add("configs/talk.yaml", "instructions: {focal: attack}\n")(place),
        ),
        ARMS,
        "configs/prompts: no such folder; copy configs/prompts",
        2,
    ),
    "no template": (gone("configs/prompts/reask.md.j2"), RUN, "prompts/reask.md.j2: no such prompt file", 2),
    "a template that is no text": (
        put("configs/prompts/instructions/mine.md", b"\xff\xfe"),
        RUN,
        "prompts/instructions/mine.md: ",
        2,
    ),
    "an export into a file": (NOTHING, ["export", "pulls", "--to", "{place}/configs/talk.yaml/t.csv"], "talk.yaml", 2),
    "an export under a long name": (NOTHING, ["export", "pulls", "--to", "{place}/" + LONG + ".csv"], LONG, 2),
    "a labeller in a folder": (NOTHING, ["label", "--labeller", "../me"], "'../me' is no name", 2),
    "an arm's name with a comma": (
        put(
            "configs/a,b.yaml",
            "title: A\nid: a--s{seed}\nseeds: [1]\nlineup: [promiser, gullible, loyal, grudger, random]\n",
        ),
        ARMS,
        "a,b.yaml: the file's",
        2,
    ),
    "an arm's name that is long": (
        lambda place: shutil.copy(place / "configs/loop.yaml", place / f"configs/{LONG[:120]}.yaml"),
        ARMS,
        "120 bytes long",
        2,
    ),
    "an arm that no partition can be named by": (
        put(
            "configs/a|b.yaml",
            "title: A\nid: n--s{seed}\nseeds: [1]\nlineup: [promiser, gullible, loyal, grudger, random]\n",
        ),
        ARMS,
        "a|b.yaml: the file's name is the arm's: 'a|b' is no name",
        2,
    ),
    "an id that no file can have": (
        change("configs/talk.yaml", "id: talk--", f"id: {LONG[:190]}--"),
        ARMS,
        "talk.yaml:2: id: ",
        2,
    ),
    "an id with a slash": (change("configs/talk.yaml", "id: talk--", "id: a/b--"), ARMS, "talk.yaml:2: id: ", 2),
    "an id with a NUL": (
        change("configs/talk.yaml", "id: talk--{focal}_r{replicate}", 'id: "a\\0{focal}{seed}"'),
        ARMS,
        "talk.yaml:2",
        2,
    ),
    "a model's name with a slash": (
        change("configs/models.yaml", "  o:", "  o/x:"),
        ARMS,
        "models.yaml:2: models.o/x: ",
        2,
    ),
    "a model's name that is long": (
        change("configs/models.yaml", "  o:", f"  {LONG}:"),
        ARMS,
        "models.yaml:2: models.",
        2,
    ),
    "a launch that is a path": (put("w/launches/loop.txt", "../../x\n"), RUN, "launches/loop.txt:1: '../../x'", 2),
    "keys that are missing": (NOTHING, ["run", "hard", "loop"], "set PLANTED_KEY (for a, o)", 2),
    "no messages": (NOTHING, ["label", "--model", "o"], "no messages in", 2),
    "a bucket of no name": (NOTHING, ["--warehouse", "s3://", "arms"], "s3://", 2),
}


def told(result):
    """The one line of a failure."""
    lines = [line for line in result.stderr.splitlines() if line.strip()]
    assert len(lines) == 1, (result.stdout, result.stderr)
    assert "Traceback" not in result.stdout + result.stderr
    return lines[0]


@pytest.mark.parametrize("case", BROKEN)
def test_a_failure_is_one_line_that_names_the_place(place, case):
    prepare, words, named, code = BROKEN[case]
    prepare(place)
    words = [word.replace("{place}", str(place)) for word in words]
    options = ["--warehouse", str(place / "w"), "--configs", str(place / "configs")]
    result = CliRunner().invoke(main, [*options, *words])
    assert named in told(result)
    assert result.exit_code == code


AS_NOBODY = (
    "import os, di_assets.cli.verbs.arms, di_assets.cli.verbs.run\n"  # the interpreter's own files may be another user's
    "os.setresuid(65534, 65534, 65534)\n"
    "from di_assets.cli.verbs import main\nmain()\n"
)


def in_a_process(place, *words, code="from di_assets.cli.verbs import main\nmain()", **variables):
    """The command in a process of its own."""
    options = ["--warehouse", str(place / "w"), "--configs", str(place / "configs")]
    return subprocess.run(
        [sys.executable, "-c", code, *options, *words],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), **variables},
        check=False,
    )


def test_verbose_shows_the_traceback_before_the_line_and_no_secret(place, monkeypatch):
    monkeypatch.setenv("OTHER_API_KEY", "garbage-that-is-secret")
    put("w/dagster/history/runs.db", GARBAGE)(place)
    options = ["-v", "--warehouse", str(place / "w"), "--configs", str(place / "configs")]
    shown = CliRunner().invoke(main, [*options, "prune"]).stderr
    assert "Traceback (most recent call last)" in shown
    assert shown.splitlines()[-1].startswith("Error: ")
    error = ValueError("sent garbage-that-is-secret")
    assert "garbage-that-is-secret" not in trace(error) + failure(error).line
    assert "[OTHER_API_KEY]" in trace(error)


def test_a_site_over_something_else_is_refused_before_anything_is_made(place):
    put("mine/x", "x")(place)
    options = ["--warehouse", str(place / "w"), "--configs", str(place / "configs")]
    result = CliRunner().invoke(main, [*options, "report", "--site", str(place / "mine")])
    assert f"{place / 'mine'}: holds something else" in told(result)
    assert (result.exit_code, (place / "w" / "report").exists()) == (2, False)


def test_the_environment_asks_for_the_traceback_too(place, monkeypatch):
    monkeypatch.setenv("DI_VERBOSE", "1")
    result = CliRunner().invoke(main, ["--configs", str(place / "nowhere"), "arms"])
    assert "Traceback" in result.stderr
    assert result.exit_code == 2


def test_what_nobody_foresaw_is_called_a_mistake_of_the_program():
    told = failure(LookupError("a\nb\x1b[2J"))
    assert told.exit_code == 1
    assert told.line.startswith("a mistake of this program: LookupError (a)")
    assert "\x1b" not in failure(RuntimeError("\x1b[2Jx")).line


def test_an_exit_code_goes_by_the_exceptions_own_attribute():
    class Odd(Exception):
        exit_code = 2

    assert failure(Odd("so it is")).line == "so it is"
    assert failure(Odd("so it is")).exit_code == 2


def test_an_interrupt_is_one_line_and_exit_code_130(place, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("di_assets.assets.home.load_configs", interrupted)
    result = CliRunner().invoke(main, ["--configs", str(place / "configs"), "arms"])
    assert (result.exit_code, told(result)) == (130, "Error: interrupted; what was done before is kept")


def test_help_names_the_exit_codes():
    shown = " ".join(CliRunner().invoke(main, ["--help"]).output.split())
    assert "0 done, 1 the work failed, 2 bad usage or bad input, 130 interrupted by a person" in shown


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")
@pytest.mark.parametrize(("mode", "words"), [(0o500, ["run", "loop"]), (0o000, ["arms"])])
def test_a_folder_that_this_user_may_not_use_is_named(place, mode, words):
    with tempfile.TemporaryDirectory() as name:  # pytest's own folders are closed to others
        folder = Path(name)
        folder.chmod(0o755)
        shutil.copytree(place / "configs", folder / "configs")
        (folder / "w").mkdir(mode)
        ended = in_a_process(folder, *words, code=AS_NOBODY)
    assert told(ended).startswith(f"Error: {folder / 'w'}: can't be ")
    assert ended.returncode == 2


def test_a_secret_that_stands_where_a_line_is_cut_or_is_escaped_is_not_shown(monkeypatch):
    monkeypatch.setenv("OTHER_API_KEY", "garbage/that-is-secret")
    for start in range(MOST_CHARS - 30, MOST_CHARS + 2):
        assert "garbage" not in failure(ValueError("x" * start + "garbage/that-is-secret")).line
    assert "[OTHER_API_KEY]" in failure(ValueError("at https://host/?k=garbage%2Fthat-is-secret")).line
