"""What a cluster costs and brings: `python -m bench.cluster`, two workers on this machine beside one process.

A model that takes its time (200 ms a call, 64 in flight) and scripted agents, each played by the engine in this process
and by a Dask cluster of two worker processes. Prints wall seconds, the ratio, and what a chunk costs besides.
"""

import os
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from di_assets.arms import load_configs
from di_assets.arms.settings import PlaySettings
from di_assets.play.batch import play_batch
from di_assets.tables import Warehouse
from tests.conftest import ROOT
from tests.play.clusters import dask_cluster
from tests.play.hostility import KEY, hostile, hostile_configs

EPISODES, SCRIPTED = 64, 75


def timed(configs, arm, folder):
    start = time.perf_counter()
    result = play_batch(configs, configs.arm(arm), f"{arm}--b00", Warehouse(folder))
    assert result.left == 0, result
    return time.perf_counter() - start


def main():
    os.environ["PLANTED_KEY"] = KEY
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with dask_cluster(folder / "cluster", PLANTED_KEY=KEY) as cluster, hostile(latency=0.2) as url:
            models = hostile_configs(folder / "configs", url, episodes=EPISODES, rounds=3, concurrency=64, in_flight=64)
            scripted = load_configs(ROOT / "configs")
            timed(on(cluster, scripted, 75), "demo_nomsg", folder / "warm")
            print(f"{'':26}{'here, s':>10}{'cluster, s':>12}{'ratio':>8}")
            for what, configs, arm, chunk in (
                ("a slow model, chunks of 8", models, "hard", 8),
                ("scripted, chunks of 5", scripted, "demo_attack", 5),
                ("scripted, chunks of 25", scripted, "demo_attack", 25),
            ):
                here = timed(configs, arm, folder / f"here {what}")
                there = timed(on(cluster, configs, chunk), arm, folder / f"there {what}")
                print(f"{what:26}{here:10.2f}{there:12.2f}{there / here:8.2f}")


def on(cluster, configs, chunk):
    return replace(configs, play=PlaySettings(engine="dask", scheduler=cluster.address, chunk=chunk))


if __name__ == "__main__":
    main()
