"""How near play comes to what its SDKs, its slots and its journal allow; ratios of interleaved runs, in one run.

    python bench/saturation.py [--quick] [--only a,b] [--repeat N] [--inspect-python PATH | --no-inspect]

Every variant is a fresh process (`variants.py`, `inspect_loop.py`) that makes the same calls to `reply_server.py`, a
process of its own: `ours` is `play_batch` with journal and tables; `post` and `create` are bare loops in the game's
shape over the SDK's low-level post and over its documented method, `aiohttp` the same without an SDK. Per dialect:

    a  calls/s at a fixed 200 ms, 200 in flight: ours against the best bare SDK loop and against inspect_ai
    b  share of 200 slots kept busy at a lognormal latency of mean 2 s, sigma 0.4, 120 five-seat episodes in flight
    c  CPU per call in the runs of a
    d  CPU per call with 99 messages against 1, at 100 characters a message: a line through all of 50-turn episodes
    e  peak memory with 500 episodes in flight, at 100 characters a message
    f  wall and CPU per call that the journal adds, against a stand-in that only remembers; as in a, but at sigma 0.3:
       at a fixed latency calls go in convoys, which any delay breaks up, and so a journal can look faster than none

Rates, CPU and busy share are those of a steady part: what comes before it (slots open slowly, connections are made) and
the end, when episodes run out, are dropped, by the server's count of requests served, alike in every variant.
"""

import argparse
import bisect
import json
import operator
import subprocess
import sys
import tempfile
import urllib.request
import venv
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import linear_regression, median

from variants import SEATS, Task

HERE = Path(__file__).resolve().parent
DIALECTS = ("openai", "anthropic")
C = 200
EPISODES = C // len(SEATS)  # so that the calls of one phase fill the slots
PEERS = ("post", "create", "aiohttp")
FULL_ROUNDS = 25


@dataclass(frozen=True)
class Steady:
    """The steady part of one run."""

    calls_per_s: float
    cpu_ms: float
    busy: float
    bytes_per_request: float


@contextmanager
def reply_server(*flags):
    """Port of a server of canned replies that lives as long as this."""
    command = [sys.executable, str(HERE / "reply_server.py"), *map(str, flags)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        yield int(process.stdout.readline())
    finally:
        process.terminate()
        process.wait()


def get(port, path):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}") as response:
        return json.load(response)


def run(task, python=sys.executable):
    """One variant in a fresh process: its own samples and the server's."""
    get(task.port, "/reset")
    script = "inspect_loop.py" if task.variant == "inspect" else "variants.py"
    command = [python, str(HERE / script), json.dumps(vars(task))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{task} failed:\n{done.stderr[-3000:]}")
    return json.loads(done.stdout.splitlines()[-1]), get(task.port, "/stats")


def at(samples, x, *, key=0, value):
    """Linear interpolation in samples that ascend by `key`."""
    keys = [sample[key] for sample in samples]
    i = min(max(1, bisect.bisect_left(keys, x)), len(samples) - 1)
    (x0, y0), (x1, y1) = ((samples[j][key], samples[j][value]) for j in (i - 1, i))
    return y0 if x1 == x0 else y0 + (y1 - y0) * (x - x0) / (x1 - x0)


def between(own, server, first, last):
    """What happened between two counts of requests served: (seconds, CPU seconds, seconds in flight)."""
    times = [at(server["samples"], n, key=1, value=0) for n in (first, last)]
    cpu = [at(own["samples"], t, value=1) for t in times]
    in_flight = [at(server["samples"], t, value=2) for t in times]
    return tuple(b - a for a, b in (times, cpu, in_flight))


def steady(task, python=sys.executable, *, skip=3 * C, tail=C):
    """Runs a task; its first `skip` and last `tail` calls are not counted."""
    own, server = run(task, python)
    first, last = skip, task.calls - tail
    seconds, cpu, in_flight = between(own, server, first, last)
    return Steady(
        calls_per_s=(last - first) / seconds,
        cpu_ms=1000 * cpu / (last - first),
        busy=in_flight / seconds / task.concurrency,
        bytes_per_request=server["bytes_per_request"],
    )


def say(figure, dialect, text, value=None, goal=None):
    """One line; with `goal` = (sign, bound), whether it holds."""
    verdict = ""
    if goal is not None:
        sign, bound, unit = goal
        holds = value >= bound if sign == ">=" else value <= bound
        verdict = f"{value:8.3g}{unit}   goal {sign} {bound:g}{unit}   {'ok' if holds else 'short'}"
    print(f"{figure}  {dialect:9}  {text:58} {verdict}".rstrip(), flush=True)


def ratio(ours, theirs):
    """Median of the ratios of runs made one after the other."""
    return median(map(operator.truediv, ours, theirs))


def rates_and_cpu(options):
    """Figures a and c against bare loops."""
    rounds = 3 if options.quick else 6
    with reply_server("--latency", 0.2) as port:
        for dialect in DIALECTS:
            runs = {name: [] for name in ("ours", *PEERS)}
            for _ in range(options.repeat):
                for name, seen in runs.items():
                    seen.append(steady(Task(name, dialect, port, EPISODES, rounds)))
            if "a" in options.only:
                print_rates(dialect, runs)
            if "c" in options.only:
                print_cpu(dialect, runs)


def print_rates(dialect, runs):
    medians = ", ".join(f"{name} {median(r.calls_per_s for r in seen):.0f}" for name, seen in runs.items())
    sent = ", ".join(f"{name} {seen[0].bytes_per_request:.0f}" for name, seen in runs.items())
    say("a", dialect, f"calls/s: {medians}")
    say("a", dialect, f"bytes a request: {sent}")
    best = [
        max(post.calls_per_s, create.calls_per_s) for post, create in zip(runs["post"], runs["create"], strict=True)
    ]
    ours = [r.calls_per_s for r in runs["ours"]]
    say("a", dialect, "calls/s, ours / best bare SDK loop", ratio(ours, best), (">=", 0.95, ""))
    say("a", dialect, f"calls/s, ours / bare aiohttp: {ratio(ours, [r.calls_per_s for r in runs['aiohttp']]):.2f}")


def print_cpu(dialect, runs):
    medians = ", ".join(f"{name} {median(r.cpu_ms for r in seen):.2f}" for name, seen in runs.items())
    say("c", dialect, f"CPU ms per call: {medians}")
    cpu = {name: [r.cpu_ms for r in seen] for name, seen in runs.items()}
    more = median(map(operator.sub, cpu["ours"], map(min, cpu["post"], cpu["create"])))
    say("c", dialect, "CPU per call, ours - best bare SDK loop", more, ("<=", 0.3, " ms"))


def against_inspect(options, python):
    """Figures a and c against inspect_ai, over whole 25-round episodes, and once: it is slow."""
    if python is None:
        return
    rounds = 4 if options.quick else FULL_ROUNDS
    with reply_server("--latency", 0.2) as port:
        for dialect in DIALECTS:
            ours = steady(Task("ours", dialect, port, EPISODES, rounds))
            theirs = steady(Task("inspect", dialect, port, EPISODES, rounds), python)
            if "a" in options.only:
                say("a", dialect, f"calls/s: ours {ours.calls_per_s:.0f}, inspect {theirs.calls_per_s:.0f}")
                times = ours.calls_per_s / theirs.calls_per_s
                say("a", dialect, "calls/s, ours / inspect_ai", times, (">=", 10, ""))
            if "c" in options.only:
                say("c", dialect, f"CPU ms per call: ours {ours.cpu_ms:.2f}, inspect {theirs.cpu_ms:.2f}")
                say("c", dialect, "CPU per call, ours / inspect_ai", ours.cpu_ms / theirs.cpu_ms, ("<=", 0.1, ""))


def busy_share(options):
    """Figure b. Slots are all open long before a third of the calls are made."""
    rounds = 2 if options.quick else 4
    with reply_server("--latency", 2, "--sigma", 0.4) as port:
        for dialect in DIALECTS:
            task = Task("ours", dialect, port, 120, rounds)
            part = steady(task, skip=task.calls // 3, tail=task.calls // 5)
            say("b", dialect, "share of slots kept busy", part.busy, (">=", 0.90, ""))


def flatness(options):
    """Figure d; the bare loop beside it tells what the length of the body alone costs."""
    rounds = 10 if options.quick else FULL_ROUNDS
    with reply_server("--latency", 0.05, "--chars", 100) as port:
        for dialect in DIALECTS:
            names = ("post", *["ours"] * options.repeat)
            ends = {"ours": [], "post": []}
            for name in names:
                ends[name].append(cpu_by_history(Task(name, dialect, port, EPISODES // 2, rounds)))
            for name, seen in ends.items():
                first, last = (median(end[i] for end in seen) for i in (0, 1))
                say("d", dialect, f"CPU ms per call: {name} {first:.2f} with 1 message, {last:.2f} with 99")
            say("d", dialect, "CPU per call, 99 messages / 1", median(b / a for a, b in ends["ours"]), ("<=", 1.3, ""))


def cpu_by_history(task):
    """CPU ms per call with 1 and with 99 messages: least squares over the phases, each two messages longer."""
    own, server = run(task)
    width = task.calls // (2 * task.rounds)
    phases = range(3, 2 * task.rounds)
    messages = [2 * phase + 1 for phase in phases]
    cpu = [1000 * between(own, server, width * phase, width * (phase + 1))[1] / width for phase in phases]
    slope, intercept = linear_regression(messages, cpu)
    return intercept + slope, intercept + 99 * slope


def memory(options):
    """Figure e, in the dialect whose SDK is the larger.

    Memory grows with the rounds played: two lengths are measured, the full one is on the line through them.
    """
    short, long = (1, 2) if options.quick else (2, 5)
    with reply_server("--latency", 0.05, "--chars", 100) as port:
        peaks = [run(Task("ours", "anthropic", port, 500, rounds))[0]["peak_kb"] / 1024 for rounds in (short, long)]
    full = peaks[1] + (peaks[1] - peaks[0]) / (long - short) * (FULL_ROUNDS - long)
    say("e", "anthropic", f"peak MB: {peaks[0]:.0f} after {short} rounds, {peaks[1]:.0f} after {long}")
    say("e", "anthropic", f"peak memory at {FULL_ROUNDS} rounds, extrapolated", full, ("<=", 1000, " MB"))


def journal(options):
    """Figure f. One dialect will do; each pair of runs in the other order than the last."""
    rounds = 3 if options.quick else 8
    wall, cpu = [], []
    with reply_server("--latency", 0.2, "--sigma", 0.3) as port:
        for pair in range(2 * options.repeat):
            names = ("ours", "no journal")[:: -1 if pair % 2 else 1]
            parts = {name: steady(Task(name, "openai", port, EPISODES, rounds)) for name in names}
            kept, without = parts["ours"], parts["no journal"]
            wall.append(100 * (without.calls_per_s / kept.calls_per_s - 1))
            cpu.append(1000 * (kept.cpu_ms - without.cpu_ms))
    say("f", "openai", "wall time the journal adds", median(wall), ("<=", 1, " %"))
    say("f", "openai", "CPU per call the journal adds", median(cpu), ("<=", 100, " us"))


@contextmanager
def inspect_python(options):
    """A Python that has inspect_ai, or None with a word why not."""
    if options.no_inspect or not {"a", "c"} & options.only:
        yield None
    elif options.inspect_python:
        yield options.inspect_python
    else:
        with tempfile.TemporaryDirectory(prefix="inspect-") as folder:
            python = Path(folder) / "bin" / "python"
            try:
                venv.create(folder, with_pip=True)
                install = [python, "-m", "pip", "install", "-q", "inspect-ai", "openai", "anthropic"]
                subprocess.run(install, check=True, capture_output=True)
            except (OSError, subprocess.CalledProcessError) as error:
                print(f"inspect_ai is skipped: it could not be installed ({error})")
                python = None
            yield str(python) if python else None


def main():
    parser = argparse.ArgumentParser(description="Ratios of play to what it stands on.")
    parser.add_argument("--quick", action="store_true", help="fewer calls, once: shows that it runs")
    parser.add_argument("--only", default="a,b,c,d,e,f", type=lambda text: set(text.split(",")), help="figures")
    parser.add_argument("--repeat", type=int, help="runs of each variant in a, c, d and f (3; with --quick 1)")
    parser.add_argument("--inspect-python", help="a Python that has inspect_ai; else one is made in a temporary folder")
    parser.add_argument("--no-inspect", action="store_true")
    options = parser.parse_args()
    options.repeat = options.repeat or (1 if options.quick else 3)
    if {"a", "c"} & options.only:
        with inspect_python(options) as python:
            rates_and_cpu(options)
            against_inspect(options, python)
    for figure, show in {"b": busy_share, "d": flatness, "e": memory, "f": journal}.items():
        if figure in options.only:
            show(options)


if __name__ == "__main__":
    main()
