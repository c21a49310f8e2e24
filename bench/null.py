"""Pulls a CPU second of the null model, beside what the scripted engine plays in one: `python bench/null.py`.

The null: reciprocators who never talk, 10,000 episodes of 25 rounds at once, on complete graphs, rings and at 12 seats.
The engine: the scripted demo arms, messages on and off, 125 episodes, once played alone with every event and every call
recorded, once by `play_batch`, which plans them, makes the six event tables and syncs them to disk as Parquet besides.
A decision is one turn of one seat, its messages or its pull. The ratio is what simulating instead of playing buys, over
the engine without messages.
"""

import tempfile
import time
from pathlib import Path

import networkx as nx
import numpy as np

from di_assets.agents.scripted import scripted_player
from di_assets.arms import load_configs, plan
from di_assets.measures.talkless import simulate
from di_assets.play.batch import play_batch
from di_assets.play.scripted import play_scripted
from di_assets.tables import Warehouse

EPISODES, ROUNDS, RUNS = 10_000, 25, 5
ENGINE_EPISODES, ENGINE_GOAL = 125, 0.3e6
ARMS = {"messages on": "demo_attack", "messages off": "demo_nomsg"}
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


def engine_rates(name):
    """Decisions a CPU second of one arm: played and recorded, and with its tables on disk."""
    configs = load_configs(Path(__file__).parent.parent / "configs")
    arm = configs.arm(name)
    arm = arm.model_copy(update={"episodes": ENGINE_EPISODES // len(arm.focal), "batch_size": ENGINE_EPISODES})
    casts = [(p.setup, [scripted_player(model, seed=p.setup.seed) for model in p.models]) for p in plan(arm)]

    def record():
        games = (play_scripted(setup, cast) for setup, cast in casts)
        kept = [(game.calls, game.state.events()) for game in games]
        return sum(len(calls["seat"]) for calls, _ in kept), sum(len(events.pulls["event_id"]) for _, events in kept)

    def tables():
        with tempfile.TemporaryDirectory() as folder:
            return play_batch(configs, arm, f"{name}--b00", Warehouse(Path(folder))).played

    seconds, (calls, pulls) = cpu(record)
    assert pulls == len(casts) * arm.seats * arm.rounds
    on_disk, stored = cpu(tables)
    assert stored == len(casts)
    return calls / seconds, calls / on_disk


def verdict(rate, goal):
    return f"   goal >= {goal / 1e6:g}   {'ok' if rate >= goal else 'short'}"


def main():
    decisions = {}
    for what, name in ARMS.items():
        decisions[what], on_disk = engine_rates(name)
        print(
            f"{'scripted engine, ' + what:32}{decisions[what] / 1e6:10.3f} million decisions a CPU second, "
            f"{on_disk / 1e6:.3f} with the tables on disk{verdict(decisions[what], ENGINE_GOAL)}"
        )
    for name, graph in GRAPHS.items():
        rate = null_rate(graph)
        goal = verdict(rate, GOALS[name]) if name in GOALS else ""
        print(
            f"{'null, ' + name:32}{rate / 1e6:10.1f} million pulls a CPU second, "
            f"{rate / decisions['messages off']:,.0f}x the engine{goal}"
        )


if __name__ == "__main__":
    main()
