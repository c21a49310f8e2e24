"""Ways in which files of a warehouse are damaged, and what is run on a damaged one: every verb, every page."""

import shutil

from click.testing import CliRunner
from streamlit.testing.v1 import AppTest

from di_assets.cli.verbs import main
from tests.conftest import ROOT

PAGE = """
import sys
sys.path.insert(0, {root!r})
from dashboard import damaged, {module}
from dashboard.sections.question import QUESTIONS
damaged.shown(damaged.notices)
damaged.shown(lambda: {call})
"""
PAGES = (
    *(("question", f"question.show(QUESTIONS[{k}])") for k in range(5)),
    *((name, f"{name}.show()") for name in ("transcript", "episodes", "arms", "compare", "lineage")),
)
EPISODE = "talk--promiser_r0"


def truncated(path, rng):
    path.write_bytes(path.read_bytes()[: rng.randrange(1, path.stat().st_size)])


def emptied(path, rng):
    path.write_bytes(b"")


def swapped(path, rng):
    others = [p for p in sorted(path.parent.parent.rglob(f"*{path.suffix}")) if p.read_bytes() != path.read_bytes()]
    shutil.copyfile(rng.choice(others), path)


def duplicated(path, rng):
    names = ("{0} 2{1}", "{0} (copy){1}", "._{0}{1}", "{0}{1}.tmp", "{0} (conflicted copy 2026-11-27){1}")
    shutil.copyfile(path, path.with_name(rng.choice(names).format(path.stem, path.suffix)))


def deleted(path, rng):
    path.unlink()


def changed(path, rng):
    data = bytearray(path.read_bytes())
    data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    path.write_bytes(data)


WAYS = (truncated, emptied, swapped, duplicated, deleted, changed)


def files_of(warehouse):
    """Every file that can be damaged: tables, and what the record says of them."""
    return sorted(p for folder in ("tables", "record") for p in (warehouse / folder).rglob("*.*") if p.is_file())


def copy_of(warehouse, folder):
    """The same warehouse elsewhere; files are replaced there, never written into, so the history can be shared."""
    shutil.copytree(warehouse, folder)
    return folder


def verb(warehouse, configs, *words):
    """Runs `di`; gives what it printed, and its exit code."""
    made = CliRunner().invoke(main, ["--warehouse", str(warehouse), "--configs", str(configs), *words])
    assert made.exception is None or isinstance(made.exception, SystemExit), (words, made.exception)
    assert "Traceback" not in made.output, (words, made.output)
    assert "mistake of this program" not in made.output, (words, made.output)
    return made.output, made.exit_code


def reading_verbs(tables, to):
    """Every verb that plays and publishes nothing."""
    return (
        ("arms",), ("plan", "talk", "mute", "--precision", "5"), ("show", EPISODE), ("verify", "--all"),
        ("verify", EPISODE), ("trace", "q1:promiser"), ("trace", EPISODE), ("promises",), ("schedule",),
        *(("export", table, "--to", str(to / f"{table}.csv")) for table in tables),
    )  # fmt: skip


def pages(warehouse, configs, monkeypatch, chosen=PAGES):
    """What these pages show."""
    monkeypatch.setenv("DI_WAREHOUSE", str(warehouse))
    monkeypatch.setenv("DI_CONFIGS", str(configs))
    for module, call in chosen:
        at = AppTest.from_string(PAGE.format(root=str(ROOT), module=module, call=call), default_timeout=30)
        if module == "transcript":
            at.query_params["episode"] = EPISODE
        at.run()
        assert not at.exception, (call, at.exception)
        yield call, "\n".join(element.proto.body for element in at.get("html"))
