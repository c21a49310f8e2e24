"""Pulls a CPU second of the null model, beside decisions a CPU second of the scripted engine: `python bench/null.py`.

The null: reciprocators who never talk, 10,000 episodes of 25 rounds at once, on complete graphs, rings and at 12 seats.
The engine: `play_batch` over the scripted demo arm, full record included (journal, tables); a decision is one turn of
one seat, its messages or its pull. The ratio is what simulating instead of playing buys.
"""

import tempfile
import time
from pathlib import Path

import networkx as nx
import numpy as np

from di_assets.arms import load_configs
from di_assets.measures.baseline import simulate
from di_assets.play.batch import play_batch
from di_assets.tables import Warehouse

EPISODES, ROUNDS, RUNS = 10_000, 25, 5
GRAPHS = {
    "complete, 5 seats": nx.complete_graph(5),
    "ring, 5 seats": nx.cycle_graph(5),
    "complete, 12 seats": nx.complete_graph(12),
}
GOALS = {"complete, 5 seats": 25e6}


def cpu(work):
    """CPU seconds of the quickest of some runs, and what the work returned."""
    best, made = float("inf"), None
    for _ in range(RUNS):
        start = time.process_time()
        made = work()
        best = min(best, time.process_time() - start)
    return best, made


def null_rate(graph):
    adjacent = np.broadcast_to(nx.to_numpy_array(graph, dtype=bool), (EPISODES, len(graph), len(graph)))
    seconds, targets = cpu(lambda: simulate(adjacent, ROUNDS, rng=np.random.default_rng(1)))
    return targets.size / seconds


def engine_rate():
    configs = load_configs(Path(__file__).parent.parent / "configs")

    def play():
        with tempfile.TemporaryDirectory() as folder:
            return play_batch(
                configs, configs.arm("demo_attack"), "demo_attack--b00", Warehouse(Path(folder)), limit=20
            )

    seconds, result = cpu(play)
    return result.calls / seconds


def main():
    engine = engine_rate()
    print(f"{'scripted engine, full record':32}{engine / 1e6:10.3f} million decisions a CPU second")
    for name, graph in GRAPHS.items():
        rate = null_rate(graph)
        goal = f"   goal >= {GOALS[name] / 1e6:g}   {'ok' if rate >= GOALS[name] else 'short'}" if name in GOALS else ""
        print(
            f"{'null, ' + name:32}{rate / 1e6:10.1f} million pulls a CPU second, {rate / engine:,.0f}x the engine{goal}"
        )


if __name__ == "__main__":
    main()
