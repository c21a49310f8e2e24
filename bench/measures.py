"""Measures of seats and episodes from Parquet against SQL and a bare scan: `python -m bench.measures [--sizes N ...]`.

Synthetic episodes (five seats, 25 rounds, messages on) of each size, three engines in turn, each run a process of its
own whose best figures count:

    measures  the tables seat_measures and episode_measures as the asset graph makes and writes them, batch by batch
              (`measures.making.make_batch`)
    duckdb    the same two tables by measures.sql, not written
    scan      Polars reads the columns they need and sums them: what no engine can do without

First both engines' tables are compared on episodes of several graphs, with and without messages. Last, at the smallest
size, the CPU of every measure that a batch has, one by one.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb
import polars as pl
from polars.testing import assert_frame_equal

from bench.synthetic import ARMS, COMPLETE, build
from di_assets.measures.declared import MEASURES, by_batch
from di_assets.measures.making import make_batch
from di_assets.tables import Warehouse

SIZES, RUNS = (1_000, 10_000, 100_000), 3
SLOW_S = 20.0  # CPU; an engine that takes longer at a size runs once there
COMPARED, CLOSE = 1_000, 1e-12
MADE = ("seat_measures", "episode_measures")
COLUMNS = {}  # what both need of each table
for _name in MADE:
    for _table, _columns in MEASURES[_name].reads.items():
        COLUMNS[_table] = tuple(dict.fromkeys((*COLUMNS.get(_table, ()), *_columns)))
LEAST_GAIN, MOST_SCANS, MOST_MB, MOST_GROWTH = 10, 6, 700, 11


def by_measures(warehouse):
    batches = [file.stem for file in warehouse.files("pulls")]
    return tuple(pl.concat(make_batch(warehouse, MEASURES[name], batch, {}) for batch in batches) for name in MADE)


def by_duckdb(warehouse):
    database = duckdb.connect()
    for table in COLUMNS:
        files = warehouse.root / "tables" / table / "*.parquet"
        database.execute(f"CREATE VIEW {table} AS SELECT * FROM read_parquet('{files}')")
    database.execute((Path(__file__).parent / "measures.sql").read_text())
    return database.table("seat_measures").pl(), database.table("episode_measures").pl()


def by_scan(warehouse):
    def summed(table):
        schema = warehouse.scan(table).collect_schema()
        texts = [pl.col(c).str.len_bytes() if schema[c] == pl.String else pl.col(c) for c in COLUMNS[table]]
        return warehouse.scan(table).select(column.sum() for column in texts)

    return tuple(pl.collect_all([summed(table) for table in COLUMNS]))


def compare(warehouse):
    build(warehouse, COMPARED, arms=ARMS, batch_size=COMPARED // 8)
    ours, theirs = by_measures(warehouse), by_duckdb(warehouse)
    for mine, other, keys in zip(ours, theirs, (("episode_id", "seat"), ("episode_id",)), strict=True):
        assert_frame_equal(mine.sort(keys), other.sort(keys), abs_tol=CLOSE, rel_tol=0)
    print(f"{COMPARED:,} episodes of {len(ARMS)} arms: every column of both tables equals DuckDB's within {CLOSE:g}")


def by_all_measures(warehouse):
    """CPU seconds of each measure that a batch has, as the asset graph makes it; labels come with the messages."""
    spent = {}
    for measure in by_batch():
        if measure.name == "message_labels":
            continue
        start = time.process_time()
        for file in warehouse.files("pulls"):
            make_batch(warehouse, measure, file.stem, {})
        spent[measure.name] = time.process_time() - start
    return spent


ENGINES = {"measures": by_measures, "duckdb": by_duckdb, "scan": by_scan}


def work(what, warehouse, size):
    """In a process of its own: peak memory is of the process."""
    if what == "compare":
        compare(warehouse)
        return
    if what == "each":
        print(json.dumps(by_all_measures(warehouse)))
        return
    if what == "build":
        build(warehouse, size, arms=(COMPLETE,))
        return
    wall, cpu = time.perf_counter(), time.process_time()
    ENGINES[what](warehouse)
    spent = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
    print(json.dumps({**spent, "mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))


def run(what, folder, size=0):
    command = [sys.executable, "-m", "bench.measures", "--work", what, "--warehouse", str(folder), "--sizes", str(size)]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def measure(folders):
    """(size, engine) -> the best of its runs, figure by figure; engines and sizes take turns."""
    best = {}
    for _ in range(RUNS):
        for size, folder in folders.items():
            for engine in ENGINES:
                before = best.get((size, engine))
                if before is None or before["cpu"] < SLOW_S:
                    now = json.loads(run(engine, folder))
                    best[size, engine] = {k: min(v, before[k]) if before else v for k, v in now.items()}
    return best


def report(best, sizes):
    print(f"\n{'episodes':>10}  {'engine':10}{'wall s':>9}{'CPU s':>9}{'peak MB':>9}{'CPU / measures':>16}")
    for size in sizes:
        ours = best[size, "measures"]
        for engine in ENGINES:
            one = best[size, engine]
            ratio = one["cpu"] / ours["cpu"]
            print(f"{size:10,}  {engine:10}{one['wall']:9.2f}{one['cpu']:9.2f}{one['mb']:9.0f}{ratio:16.2f}")
    largest = max(sizes)
    ours, scan, sql = (best[largest, engine] for engine in ("measures", "scan", "duckdb"))
    goals = [
        ("times less CPU than DuckDB", sql["cpu"] / ours["cpu"], ">=", LEAST_GAIN),
        ("times the CPU of the scan", ours["cpu"] / scan["cpu"], "<=", MOST_SCANS),
        ("MB of memory at the peak", ours["mb"], "<=", MOST_MB),
    ]
    if (smaller := best.get((largest // 10, "measures"))) is not None:
        growth = f"time of {largest // 10:,} episodes"
        goals += [
            (f"times the {kind} {growth}", ours[key] / smaller[key], "<=", MOST_GROWTH)
            for kind, key in (("CPU", "cpu"), ("wall", "wall"))
        ]
    print(f"\nat {largest:,} episodes")
    for what, value, sign, goal in goals:
        met = value >= goal if sign == ">=" else value <= goal
        print(f"{value:10.1f} {what:42} goal {sign} {goal:<6} {'ok' if met else 'short'}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--work", choices=["compare", "build", "each", *ENGINES], help=argparse.SUPPRESS)
    parser.add_argument("--warehouse", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.work:
        work(given.work, Warehouse(given.warehouse), given.sizes[0])
        return
    with tempfile.TemporaryDirectory() as temporary:
        print(run("compare", Path(temporary) / "compared"), end="", flush=True)
        folders = {size: Path(temporary) / str(size) for size in given.sizes}
        for size, folder in folders.items():
            run("build", folder, size)
        report(measure(folders), given.sizes)
        smallest = min(folders)
        print(f"\nCPU s of each measure of a batch, {smallest:,} episodes")
        for name, seconds in json.loads(run("each", folders[smallest])).items():
            print(f"{seconds:10.2f}  {name}")


if __name__ == "__main__":
    main()
