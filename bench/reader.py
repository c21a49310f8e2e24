"""What the transcript reader costs over many made-up episodes: `python -m bench.reader --episodes 100000`.

CPU seconds of this process for each step of one page, cold (nothing cached) and warm, and which files it opened.
"""

import argparse
import os
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import polars as pl
from streamlit.testing.v1 import AppTest

from bench.synthetic import build
from di_assets.report.lineage.citations import citations
from di_assets.report.published import read_summary
from di_assets.report.reader.episode_index import place_of, read_shelf
from di_assets.report.reader.replay import replay
from di_assets.report.reader.transcript import read_transcript
from di_assets.tables import Warehouse

ROOT = Path(__file__).parent.parent
PAGE = f"import sys; sys.path.insert(0, {str(ROOT)!r})\nfrom dashboard import transcript\ntranscript.show()"


@contextmanager
def clocked(name, opened):
    opened.clear()
    cpu, wall = time.process_time(), time.perf_counter()
    yield
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    print(f"{name:32} {cpu:7.3f} CPU s   {wall:7.3f} s   {len(opened):4} files", flush=True)


def page(episode, event):
    at = AppTest.from_string(PAGE, default_timeout=120)
    at.query_params["episode"], at.query_params["event"] = episode, event
    at.run()
    assert not at.exception, at.exception
    return sum(len(element.proto.body) for element in at.get("html"))


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition(":")[0])
    parser.add_argument("--episodes", type=int, default=1_000)
    parser.add_argument("--folder", type=Path, help="a warehouse that is there already")
    given = parser.parse_args()
    opened, scan = [], pl.scan_parquet
    pl.scan_parquet = lambda paths, **options: opened.extend(paths) or scan(paths, **options)
    with tempfile.TemporaryDirectory() as scratch:
        warehouse = Warehouse(given.folder or Path(scratch))
        if given.folder is None:
            with clocked("synthetic warehouse", opened):
                build(warehouse, given.episodes, calls=True, measures=True)
        shelf = read_shelf(warehouse)
        print(f"{shelf.height:,} episodes in {shelf['batch'].n_unique()} batches")
        episode = shelf["episode_id"][shelf.height // 2]
        with clocked("version of all tables", opened):
            warehouse.version()
        with clocked("shelf", opened):
            shelf = read_shelf(warehouse)
        with clocked("place on the shelf", opened):
            place = place_of(shelf, episode)
        with clocked("transcript", opened):
            found = read_transcript(warehouse, episode, batch=place.batch)
        with clocked("played again", opened):
            replay(found, ROOT / "configs")
        with clocked("cited by", opened):
            citations(warehouse, read_summary(warehouse), found.episode)
        os.environ["DI_WAREHOUSE"] = str(warehouse.root)
        page("", "0")  # imports, and Streamlit's own first run
        for name in ("whole page, cold", "whole page, warm"):
            with clocked(name, opened):
                size = page(episode, "20")
        print(f"{size:,} characters of HTML")


if __name__ == "__main__":
    main()
