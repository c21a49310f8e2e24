"""CSV never holds a cell that a spreadsheet runs; what it would not run, and every other format, is exact."""

import csv
import re
from io import StringIO

import polars as pl
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from di_assets.cli.verbs import main
from di_assets.tables import TABLES
from di_assets.tables.spreadsheet import as_text, safe_csv

RUN = [
    "=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "\thello", "\rhello", "\nhello", "  =1", "\u00a0=1", "\ufeff=1",
    "\u200b=1", "\u3000=1", "\x00=1", "＝1", "＋1", "－1", "＠x", " ＝1", "=cmd|' /C calc'!A0", "-2+3+cmd|' /C calc'!A0", "\u202e=1",
    '=HYPERLINK("http://evil.example","x")', "\x0b=1", "\u2212" + "1",
]  # fmt: skip
HARMLESS = ["", "a", "a=1", "1+1", "'=1", "a -b", "(=1)", '"=1"', "Ä", "1", "#1", "*a*", "a\n=1", None]


@pytest.mark.parametrize("text", RUN)
def test_a_cell_that_would_run_begins_with_an_apostrophe(text):
    frame, count = as_text(pl.DataFrame({"text": [text]}))
    assert (frame["text"].to_list(), count) == ([f"'{text}"], 1)


@pytest.mark.parametrize("text", HARMLESS)
def test_what_would_not_run_is_exact(text):
    frame, count = as_text(pl.DataFrame({"text": [text]}, schema={"text": pl.String}))
    assert (frame["text"].to_list(), count) == ([text], 0)


def test_numbers_are_not_touched():
    frame = pl.DataFrame({"i": [-1, 2], "f": [-0.5, 1e-9], "b": [True, False]})
    assert as_text(frame)[0].equals(frame)
    assert safe_csv(frame).splitlines()[1].startswith("-1,-0.5")


@given(st.lists(st.text(alphabet=st.sampled_from("=+-@\t\r\n ;,\"'a\ufeff＝1")), min_size=1, max_size=5))
def test_no_text_of_any_kind_makes_a_cell_that_runs(texts):
    cells = [cell for row in csv.reader(StringIO(safe_csv(pl.DataFrame({"t": texts})), newline="")) for cell in row]
    assert not any(re.match(r"[\s\ufeff]*[=+\-@＝]|[\t\r\n]", cell) for cell in cells)


@pytest.fixture
def hostile_table(tmp_path):
    """A warehouse whose messages would run, and options that name it."""
    texts = ["=1+1", "fine", "@x"]
    rows = [
        {"episode_id": "e", "event_id": n, "round": 1, "exchange": 1, "sender": 0, "recipient": 1, "text": text, "truncated": False}
        for n, text in enumerate(texts)
    ]  # fmt: skip
    path = tmp_path / "w" / "tables" / "messages" / "a--b00.parquet"
    path.parent.mkdir(parents=True)
    pl.DataFrame(rows, schema=TABLES["messages"].schema).write_parquet(path)
    return ["--warehouse", str(tmp_path / "w"), "export", "messages", "--to"], texts


def test_an_export_says_once_how_many_and_raw_leaves_them(hostile_table, tmp_path):
    options, texts = hostile_table
    told = CliRunner().invoke(main, [*options, str(tmp_path / "t.csv")])
    assert told.exit_code == 0, told.output
    assert told.stderr.count("\n") == 1
    assert "cells that a spreadsheet would run: 2; each begins with an apostrophe (') now, --raw" in told.stderr
    assert pl.read_csv(tmp_path / "t.csv")["text"].to_list() == ["'=1+1", "fine", "'@x"]
    raw = CliRunner().invoke(main, [*options, str(tmp_path / "raw.csv"), "--raw"])
    assert (raw.stderr, pl.read_csv(tmp_path / "raw.csv")["text"].to_list()) == ("", texts)


@pytest.mark.parametrize(("suffix", "read"), [("parquet", pl.read_parquet), ("jsonl", pl.read_ndjson)])
def test_parquet_and_json_lines_are_exact(hostile_table, tmp_path, suffix, read):
    options, texts = hostile_table
    told = CliRunner().invoke(main, [*options, str(tmp_path / f"t.{suffix}")])
    assert (told.stderr, read(tmp_path / f"t.{suffix}")["text"].to_list()) == ("", texts)
