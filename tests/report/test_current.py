"""A report is made again if a table, the configuration, the program or a file of the report has changed."""

import os
import shutil

import pytest

from di_assets.report import current
from di_assets.report.current import is_current, mark_current
from di_assets.tables import Warehouse


@pytest.fixture
def made(played, tmp_path):
    """A copy of a warehouse and its configuration, whose report was just made."""
    for kind in ("tables", "report", "record"):
        shutil.copytree(played.warehouse.root / kind, tmp_path / "warehouse" / kind)
    configs = shutil.copytree(played.configs.root, tmp_path / "configs")
    warehouse = Warehouse(tmp_path / "warehouse")
    mark_current(warehouse, configs)
    assert is_current(warehouse, configs)
    return warehouse, configs


def touched(file):
    os.utime(file, ns=(1, 1))


@pytest.mark.parametrize(
    "change",
    [
        lambda root: touched(next((root / "tables/pulls").glob("*.parquet"))),
        lambda root: (root / "tables/lift.parquet").unlink(),
        lambda root: (root / "report/q1.svg").unlink(),
        lambda root: (root / "report/summary.json").write_text("{}"),
        lambda root: (root / "report" / current.MARK).unlink(),
    ],
    ids=["a table was written", "a table is gone", "a figure is gone", "a summary was changed", "nobody knows"],
)
def test_a_changed_file_of_the_warehouse_makes_the_report_old(made, change):
    warehouse, configs = made
    change(warehouse.root)
    assert not is_current(warehouse, configs)


def test_a_changed_configuration_makes_the_report_old(made):
    warehouse, configs = made
    file = configs / "talk.yaml"
    file.write_text(file.read_text() + "# a word\n")
    assert not is_current(warehouse, configs)


def test_a_changed_program_makes_the_report_old(made, tmp_path, monkeypatch):
    warehouse, configs = made
    (tmp_path / "one.py").write_text("")
    monkeypatch.setattr(current, "_program", lambda: tmp_path)
    assert not is_current(warehouse, configs)


def test_a_configuration_that_was_moved_makes_no_report_old(made, tmp_path):
    warehouse, configs = made
    assert is_current(warehouse, configs.rename(tmp_path / "elsewhere"))
