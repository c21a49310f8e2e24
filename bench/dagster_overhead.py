"""What Dagster costs, beside the same work without it: `python -m bench.dagster_overhead [--quick] [--partitions N]`.

A scripted arm (five focal agents, 25 rounds, messages on, three batches) of 375 episodes and one of ten times as many,
each in two ways, each way in processes of its own on a fresh warehouse:

    graph  as `di run` does it: a run for the arm, then the report, with all checks, on a fresh SQLite history
    bare   the same functions called one after another: play, tables, measures, aggregates, summary, figures

The difference is Dagster's part. Importing is measured apart: the graph's process has loaded its definitions, opened
another history and drawn one figure before the clock starts, and so has the other. `--partitions` adds an arm of so
many batches that nobody plays, to see what a large installation costs each run.
"""

import argparse
import json
import os
import resource
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import dagster as dg

from di_assets.arms import batches, load_configs
from di_assets.assets.checks import EVENT_CHECKS, LABEL_CHECKS, MEASURE_CHECKS, PROMISE_CHECKS
from di_assets.assets.definitions import build
from di_assets.assets.freshness import PUBLISHED, newer_batches
from di_assets.assets.home import Home
from di_assets.assets.measured import measure_all, measure_batch
from di_assets.assets.published import publish_figure, publish_summary
from di_assets.control_room.instance import instance_of
from di_assets.control_room.runs import materialise_batches, materialise_report
from di_assets.measures.declared import by_batch, over_all
from di_assets.play.batch import play_batch
from di_assets.report.questions.registry import QUESTIONS
from di_assets.tables import TABLES, Warehouse

ROOT = Path(__file__).parent.parent
SMALL, BATCHES, RUNS = 375, 3, 3
MOST_S, MOST_GROWTH, MOST_TIME = 6.0, 2.0, 11.0
CHECKS = [check for checks in (EVENT_CHECKS, LABEL_CHECKS, PROMISE_CHECKS, MEASURE_CHECKS) for check, _ in checks]


def home_of(folder, episodes, partitions):
    configs = folder / "configs"
    configs.mkdir()
    (configs / "prompts").symlink_to(ROOT / "configs" / "prompts")
    cast = (
        "focal: [promiser, con_artist, pleader, threatener, pact_maker]\n"
        "background: [gullible, tit_for_tat, grudger, bandwagon]\n"
    )
    (configs / "arm.yaml").write_text(
        f"title: Arm\nid: arm--{{focal}}_r{{replicate}}\n{cast}"
        f"episodes: {episodes // 5}\nbatch_size: {episodes // BATCHES}\n"
    )
    if partitions:
        (configs / "idle.yaml").write_text(
            f"title: Idle\nid: idle--{{focal}}_r{{replicate}}\n{cast}episodes: {partitions}\nbatch_size: 5\n"
        )
    return Home(warehouse=Warehouse(folder / "warehouse"), configs=load_configs(configs))


def cpu_s():
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


class Clock:
    """CPU seconds by name."""

    def __init__(self):
        self.parts, self.last = {}, cpu_s()

    def __call__(self, part):
        now = cpu_s()
        self.parts[part] = self.parts.get(part, 0.0) + now - self.last
        self.last = now


def bare(home, names):
    clock = Clock()
    for batch in names:
        play_batch(home.configs, home.configs.arm("arm"), batch, home.warehouse)
        clock("play")
        for measure in by_batch():
            measure_batch(home, measure, batch)
        clock("tables")
    for measure in over_all():
        measure_all(home, measure)
    clock("tables")
    summary = publish_summary(home)
    for question in QUESTIONS.values():
        publish_figure(home, question, summary)
    clock("report")
    return clock.parts


def checked(home, names):
    clock = Clock()
    assert not [check for batch in names for check in CHECKS if check(home, batch)]
    assert not [name for name in PUBLISHED if newer_batches(home.warehouse, name)]
    clock("checks")
    return clock.parts


def graph(home, names):
    clock = Clock()
    materialise_batches(home, names)
    clock("batches")
    materialise_report(home)
    clock("report")
    return clock.parts


def one(way, episodes, partitions):
    """A run in this process: its CPU seconds by part, and its wall time."""
    with tempfile.TemporaryDirectory() as folder:
        home = home_of(Path(folder), episodes, partitions)
        names = batches(home.configs.arm("arm"))
        warm(home)
        parts = {"graph": graph, "bare": bare}[way](home, names)
        if way == "bare":
            parts |= checked(home, names)
        return {"parts": parts, "files": files_of(home), "log": log_of(home) if way == "graph" else None}


def warm(home):
    """What is imported or made on first use, in both ways alike."""
    build(home).resolve_job_def("play_batches")
    other = Home(warehouse=Warehouse(home.warehouse.root.parent / "warm"), configs=home.configs)
    with instance_of(other):
        pass
    summary = publish_summary(other)
    for question in QUESTIONS.values():
        publish_figure(other, question, summary)


def files_of(home):
    return sum(len(home.warehouse.files(name)) for name in TABLES)


def log_of(home):
    """Rows and bytes of the history."""
    with instance_of(home) as instance:
        runs = len(instance.get_runs())
    rows = 0
    for path in home.dagster.rglob("*.db"):
        with sqlite3.connect(path) as database:
            if database.execute("SELECT 1 FROM sqlite_master WHERE name = 'event_logs'").fetchone():
                rows += database.execute("SELECT count(*) FROM event_logs").fetchone()[0]
    size = sum(path.stat().st_size for path in home.dagster.rglob("*") if path.is_file())
    return {"runs": runs, "rows": rows, "bytes": size}


def measured(way, episodes, partitions=0, runs=1):
    """The run whose CPU seconds are the median of some, each in a process of its own."""
    command = [sys.executable, "-m", "bench.dagster_overhead", "--one", way, str(episodes), str(partitions)]
    environment = {name: value for name, value in os.environ.items() if name != "DAGSTER_HOME"}
    found = []
    for _ in range(runs):
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False, cwd=ROOT)
        if done.returncode:
            raise SystemExit(done.stderr)
        found.append(json.loads(done.stdout.splitlines()[-1]))
    return sorted(found, key=total)[len(found) // 2]


def total(run, *without):
    return sum(seconds for part, seconds in run["parts"].items() if part not in without)


def loading():
    """Seconds of CPU: `import dagster`, and the definitions beyond it; medians of five processes."""
    script = (
        "import time, dagster; a = time.process_time(); import di_assets.control_room.code_location as d; d.defs(); "
        "print(a, time.process_time() - a)"
    )
    lines = [
        subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT).stdout
        for _ in range(5)
    ]
    return [statistics.median(float(line.split()[at]) for line in lines) for at in (0, 1)]


def told(label, plain, with_graph):
    dagsters = total(with_graph) - total(plain, "checks")
    log = with_graph["log"]
    parts = "  ".join(f"{part} {seconds:.2f}" for part, seconds in plain["parts"].items())
    print(f"{label}: bare {total(plain, 'checks'):.2f} CPU s ({parts}, checks apart), graph {total(with_graph):.2f}")
    print(
        f"  Dagster and checks {dagsters:.2f} CPU s, of it checks {plain['parts']['checks']:.2f}: "
        f"a run {dagsters / log['runs']:.2f}, a batch {dagsters / BATCHES:.2f}, a table file "
        f"{1000 * dagsters / with_graph['files']:.0f} ms ({log['runs']} runs, {with_graph['files']} files, "
        f"{log['rows']:,} log rows, {log['bytes'] / log['runs'] / 1e3:.0f} KB of history a run)"
    )
    return dagsters


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--quick", action="store_true", help="the small arm alone, once")
    arguments.add_argument("--partitions", type=int, default=300)
    arguments.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    options = arguments.parse_args()
    if options.one:
        way, episodes, partitions = options.one
        print(json.dumps(one(way, int(episodes), int(partitions))))
        return
    print(f"dagster {dg.__version__}")
    base, beyond = loading()
    print(f"code location: {beyond:.2f} CPU s beyond `import dagster` ({base:.2f}): {beyond / base:.2f}x (goal 2.5 s)")
    runs = 1 if options.quick else RUNS
    small = {way: measured(way, SMALL, runs=runs) for way in ("bare", "graph")}
    few = told(f"{SMALL} episodes", small["bare"], small["graph"])
    print(f"  goal: at most {MOST_S:.0f} s{'' if few <= MOST_S else '  MISSED'}")
    if options.quick:
        return
    crowded = measured("graph", SMALL, partitions=options.partitions)
    print(f"  with {options.partitions} more partitions: graph {total(crowded) / total(small['graph']):.2f}x the CPU")
    large = {way: measured(way, 10 * SMALL) for way in ("bare", "graph")}
    many = told(f"{10 * SMALL:,} episodes", large["bare"], large["graph"])
    growth, longer = many / few, total(large["graph"]) / total(small["graph"])
    print(f"  {growth:.2f}x Dagster's part (goal {MOST_GROWTH:.0f}){'' if growth <= MOST_GROWTH else '  MISSED'}")
    print(f"  {longer:.2f}x the CPU end to end (goal {MOST_TIME:.0f}){'' if longer <= MOST_TIME else '  MISSED'}")


if __name__ == "__main__":
    main()
