"""A planted key is nowhere after any fault: not in tables, journals, logs, exceptions or Dagster's storage."""

import logging
import sqlite3
import traceback

import pytest
from click.testing import CliRunner

from di_assets.cli.verbs import main
from tests.play.hostility import KEY, hostile, hostile_configs, leaks
from tests.providers.hostile import TRANSIENT

LASTING = ("400", "401", "quota")
QUICK = ("401",)  # the others are left to the slow tests
FAULTS = [fault if fault in QUICK else pytest.param(fault, marks=pytest.mark.slow) for fault in (*TRANSIENT, *LASTING)]


def test_a_planted_key_would_be_found(tmp_path):
    import polars as pl

    pl.DataFrame({"text": [f"it is {KEY}"]}).write_parquet(tmp_path / "t.parquet", compression="zstd")
    with sqlite3.connect(tmp_path / "t.db") as database:
        database.execute("CREATE TABLE log (body TEXT)")
        database.execute("INSERT INTO log VALUES (?)", [KEY])
    (tmp_path / "journal").write_text(KEY)
    assert {found.split("/")[-1] for found in leaks(tmp_path, KEY)} >= {
        "t.parquet: text",
        "t.db: log",
        "journal: bytes",
    }


@pytest.mark.parametrize("fault", FAULTS)
def test_no_fault_lets_the_key_out(tmp_path, monkeypatch, caplog, fault):
    monkeypatch.setenv("PLANTED_KEY", KEY)
    monkeypatch.setattr("di_assets.calls.sending.FIRST_WAIT_S", 0.01)
    if fault not in QUICK:  # the report is made of what is stored, and need not be made after each of them
        monkeypatch.setattr("di_assets.cli.playing.materialise_report", lambda _home: None)
    caplog.set_level(logging.DEBUG)
    with hostile(always=fault) as url:
        hostile_configs(tmp_path / "configs", url, episodes=2, timeout_s=1, retries=1)
        options = ["--warehouse", str(tmp_path / "w"), "--configs", str(tmp_path / "configs")]
        result = CliRunner().invoke(main, [*options, "run", "hard"])
    assert result.exit_code == 1
    assert list((tmp_path / "w").rglob("*.jsonl"))
    assert list((tmp_path / "w").rglob("*.db"))
    told = "".join(traceback.format_exception(*result.exc_info)) if result.exc_info else ""
    assert KEY not in result.output + told + caplog.text
    assert leaks(tmp_path, KEY) == []
