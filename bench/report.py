"""From events to the published report, step by step: `python -m bench.report [--sizes N ...]`.

Made-up episodes of each size in four arms. One process makes every table, the summary and the figures, by the functions
and in the order of the asset graph, and writes them. Two more compute less, for comparison:

    scan    Polars reads the columns that the measures of a batch need and sums them: what no engine can do without
    duckdb  two of the tables (`seat_measures`, `episode_measures`) by measures.sql, not written

Then the verbs that only read run, each in a process of its own, with its imports: `di show`, `di arms`, `di trace`, and
`di report` when nothing is new.

A row is printed for each step and size: CPU seconds (both cores together) and peak memory. `--keep DIR` keeps the
warehouses; a warehouse that is there is not built again.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import polars as pl

from bench.measures import by_duckdb
from bench.pages import synthetic_configs
from bench.synthetic import FOCAL, build
from di_assets.arms import load_configs
from di_assets.assets.home import Home
from di_assets.assets.measured import measure_all, measure_batch
from di_assets.assets.published import publish_figure, publish_summary
from di_assets.measures.declared import by_batch, over_all
from di_assets.report.current import mark_current
from di_assets.report.published import read_summary
from di_assets.report.questions.registry import QUESTIONS
from di_assets.tables import EVENT_TABLES, Warehouse

SIZES = (1_000, 10_000, 100_000)
SCANS, ALL_CPU_S, ALL_MB, GROWTH, PUBLISHED_CPU_S = 12, 60, 1_000, 10, 6
PUBLISHED = ("summary", "figures")
# Verb -> the most CPU seconds, imports included.
VERBS = {"di show": 1.0, "di arms": 1.0, "di trace": 1.0, "di report, nothing new": 1.5}
# `di`, which in the end prints CPU seconds and peak kB of its process to stderr.
DI = """import atexit, sys, time
def told():
    peak = next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM"))
    print(time.process_time(), peak, file=sys.stderr)
atexit.register(told)
from di_assets.cli.verbs import main
main()"""
LABELS = "message_labels"
DUCKDB = ("seat_measures", "episode_measures")


def columns():
    """Event table -> the columns of it that some measure of a batch reads."""
    events, needed = {table.name for table in EVENT_TABLES} | {LABELS}, {}
    for measure in by_batch():
        for table, names in measure.reads.items():
            if table in events:
                needed[table] = tuple(dict.fromkeys((*needed.get(table, ()), *names)))
    return needed


def scan(home):
    """Reads these columns, and adds them up."""
    lazy = []
    for table, names in columns().items():
        schema = home.warehouse.scan(table).collect_schema()
        texts = [pl.col(c).str.len_bytes() if schema[c] == pl.String else pl.col(c) for c in names]
        lazy.append(home.warehouse.scan(table).select(column.sum() for column in texts))
    pl.collect_all(lazy)


def duckdb(home):
    """What SQL says of seats and episodes."""
    by_duckdb(home.warehouse)


def steps(home):
    """(name, function) of each step from events to the published report; labels come with the messages."""
    batches = [file.stem for file in home.warehouse.files("episodes")]
    for measure in by_batch():
        if measure.name != LABELS:
            yield measure.name, lambda one=measure: [measure_batch(home, one, batch) for batch in batches]
    for measure in over_all():
        yield measure.name, lambda one=measure: measure_all(home, one)
    yield "summary", lambda: publish_summary(home)
    yield "figures", lambda: _figures(home)


def _figures(home):
    summary = read_summary(home.warehouse)
    for question in QUESTIONS.values():
        publish_figure(home, question, summary)


def peak_mb():
    """Peak memory of this process since the last call, MB."""
    status = Path("/proc/self/status").read_text()
    peak = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) / 1024
    Path("/proc/self/clear_refs").write_text("5")
    return peak


def work(what, folder):
    """In a process of its own: times each step of a warehouse and prints a line of JSON for each."""
    home = Home(warehouse=Warehouse(folder / "warehouse"), configs=load_configs(folder / "configs"))
    for name, function in steps(home) if what == "steps" else ((what, lambda: globals()[what](home)),):
        peak_mb()
        cpu = time.process_time()
        function()
        print(json.dumps({"step": name, "cpu": time.process_time() - cpu, "mb": peak_mb()}), flush=True)


def run(what, folder):
    """The rows that such a process printed: step -> its figures."""
    command = [sys.executable, "-m", "bench.report", "--work", what, "--keep", str(folder)]
    lines = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
    return {row.pop("step"): row for row in map(json.loads, lines)}


def verbs(folder):
    """Verb -> CPU seconds and peak memory of its process."""
    warehouse = Warehouse(folder / "warehouse")
    mark_current(warehouse, folder / "configs")
    episode = warehouse.scan("episodes").select("episode_id").head(1).collect().item()
    words = (("show", episode), ("arms",), ("trace", f"q2:{FOCAL[0]}"), ("report",))
    return {verb: verb_cost(folder, *given) for verb, given in zip(VERBS, words, strict=True)}


def verb_cost(folder, *words):
    options = ["--warehouse", str(folder / "warehouse"), "--configs", str(folder / "configs")]
    command = [sys.executable, "-c", DI, *options, *words]
    done = subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    cpu, peak_kb = done.stderr.splitlines()[-1].split()
    return {"cpu": float(cpu), "mb": int(peak_kb) / 1024}


def report(found):
    """Prints the table and the goals; `found` is size -> step -> figures."""
    sizes = list(found)
    print(f"{'CPU s, peak MB':24}" + "".join(f"{f'{size:,} episodes':>22}" for size in sizes))
    for step in found[sizes[0]]:
        print(
            f"{step:24}" + "".join(f"{found[size][step]['cpu']:14.2f}{found[size][step]['mb']:8.0f}" for size in sizes)
        )
    largest = max(sizes)
    of_batches = [one.name for one in by_batch() if one.name != LABELS]
    made = [step for step in found[largest] if step not in {"scan", "duckdb", *VERBS}]

    def cpu(size, names):
        return sum(found[size][name]["cpu"] for name in names)

    print(f"{'all steps':24}" + "".join(f"{cpu(size, made):14.2f}{'':8}" for size in sizes))
    goals = [
        ("times the scan: measures of a batch", cpu(largest, of_batches) / cpu(largest, ["scan"]), SCANS),
        ("times DuckDB: the two tables it makes", cpu(largest, DUCKDB) / cpu(largest, ["duckdb"]), 0.1),
        ("CPU s: all steps", cpu(largest, made), ALL_CPU_S),
        ("MB at the peak", max(found[largest][step]["mb"] for step in made), ALL_MB),
        ("CPU s: summary and figures", cpu(largest, PUBLISHED), PUBLISHED_CPU_S),
        *((f"CPU s: {verb}", cpu(largest, [verb]), goal) for verb, goal in VERBS.items()),
    ]
    if largest // 10 in found:
        goals.append(
            (f"times {largest // 10:,} episodes: all steps", cpu(largest, made) / cpu(largest // 10, made), GROWTH)
        )
    print(f"\nat {largest:,} episodes")
    for what, value, goal in goals:
        print(f"{value:10.2f} {what:42} goal <= {goal:<6} {'ok' if value <= goal else 'short'}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--work", choices=["steps", "scan", "duckdb"], help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.work:
        work(given.work, given.keep)
        return
    found = {}
    with tempfile.TemporaryDirectory() as temporary:
        for size in given.sizes:
            folder = (given.keep or Path(temporary)) / str(size)
            if not folder.exists():
                synthetic_configs(folder / "configs", size)
                build(Warehouse(folder / "warehouse"), size)
            found[size] = {**run("steps", folder), **run("scan", folder), **run("duckdb", folder), **verbs(folder)}
    report(found)


if __name__ == "__main__":
    main()
