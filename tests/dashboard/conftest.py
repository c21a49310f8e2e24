"""Warehouses for the pages: empty, one episode, and the full small one with a hostile transcript in it."""

import shutil

import polars as pl
import pytest

from di_assets.assets.home import Home
from di_assets.runs import materialise_batches, materialise_report
from di_assets.tables import Warehouse

HOSTILE = (
    "<script>document.title='pwned'</script><img src=x onerror=alert(1)> **bold** [link](http://127.0.0.1:1/x) "
    "\u202egnp.exe\u202c zero\u200bwidth a" + "\u0301" * 40 + "\n# Heading\n\tend"
)


@pytest.fixture(scope="session")
def warehouses(played, small_configs, tmp_path_factory):
    one = Home(warehouse=Warehouse(tmp_path_factory.mktemp("one")), configs=small_configs)
    materialise_batches(one, ["talk--b00"], limit=1)
    materialise_report(one)
    full = Warehouse(tmp_path_factory.mktemp("full"))
    shutil.copytree(played.warehouse.root / "tables", full.root / "tables")
    shutil.copytree(played.warehouse.report, full.report)
    messages = full.read("messages", "talk--b00")
    here = (pl.col("episode_id") == "talk--promiser_r0") & (pl.col("event_id") == 1)
    full.write(
        "messages", messages.with_columns(text=pl.when(here).then(pl.lit(HOSTILE)).otherwise("text")), "talk--b00"
    )
    return {"empty": Warehouse(tmp_path_factory.mktemp("empty")), "one": one.warehouse, "full": full}
