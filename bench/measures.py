"""The measures over pulls against a scan of the same columns, in one run: `python bench/measures.py [EPISODES]`.

Plays scripted reciprocators into a temporary warehouse's tables, then prints the CPU time of pair capture as a ratio to
the time of reading and summing the four columns it is made from.
"""

import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl

from di_assets.measures.baseline import simulate
from di_assets.measures.capture import pair_capture
from di_assets.tables import TABLES, Warehouse

N_SEATS, N_ROUNDS, RUNS = 5, 25, 5


def tables(n_episodes):
    adjacent = np.broadcast_to(~np.eye(N_SEATS, dtype=bool), (n_episodes, N_SEATS, N_SEATS))
    targets = simulate(adjacent, N_ROUNDS, rng=np.random.default_rng(1))
    e, t, i = np.indices(targets.shape).reshape(3, -1)
    ids = pl.Series("episode_id", [f"e{k:06d}" for k in range(n_episodes)])
    pulls = pl.DataFrame(
        {
            "episode_id": ids.gather(e),
            "event_id": t * N_SEATS + i,
            "round": t + 1,
            "puller": i,
            "target": targets.ravel(),
        }
    ).with_columns(status=pl.lit("valid"))
    pairs = [(a, b) for a in range(N_SEATS) for b in range(a + 1, N_SEATS)]
    edges = pl.DataFrame({"episode_id": ids}).join(
        pl.DataFrame(pairs, schema=["seat_a", "seat_b"], orient="row"), how="cross"
    )
    sizes = {"n_seats": N_SEATS, "n_rounds": N_ROUNDS, "status": "complete"}
    return pl.DataFrame({"episode_id": ids}).with_columns(**{k: pl.lit(v) for k, v in sizes.items()}), edges, pulls


def cpu(function):
    best = float("inf")
    for _ in range(RUNS):
        start = time.process_time()
        function()
        best = min(best, time.process_time() - start)
    return best


def main():
    n_episodes = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    episodes, edges, pulls = tables(n_episodes)
    with tempfile.TemporaryDirectory() as folder:
        warehouse = Warehouse(Path(folder))
        warehouse.write("pulls", pulls.select(list(TABLES["pulls"].schema)), "bench")
        scan = cpu(lambda: warehouse.scan("pulls").select(pl.sum("round", "puller", "target"), pl.len()).collect())
        read = cpu(lambda: pair_capture(episodes, edges, warehouse.scan("pulls").collect()))
    print(f"{n_episodes:,} episodes: pair capture {read:.3f} s CPU, scan {scan:.3f} s CPU, ratio {read / scan:.1f}")


if __name__ == "__main__":
    main()
