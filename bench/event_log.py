"""How Dagster's history grows: `python -m bench.event_log [NIGHTS]` (default 40).

Plays a scripted batch a night and publishes the report, as nightly arms do, once with every run kept and once pruned
after each night. Prints bytes a run and how much more a history of all nights is than one of a quarter of them. With
pruning that grows with the batches, each of which keeps its newest run; nights that only publish add nothing.
"""

import sys
import tempfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from di_assets.arms import batches, load_configs
from di_assets.assets.home import Home
from di_assets.control_room.history import prune
from di_assets.control_room.instance import instance_of
from di_assets.control_room.runs import materialise_batches, materialise_report
from di_assets.tables import Warehouse

CONFIGS = Path(__file__).parent.parent / "configs"
PLAYED = 5


def size(home):
    return sum(path.stat().st_size for path in home.dagster.rglob("*") if path.is_file())


def nights(home, n, *, pruned):
    """Bytes of the history after each night; the first few play a batch each, the others only publish."""
    arm = batches(home.configs.arm("demo_ring"))
    sizes = []
    for night in range(n):
        if night < PLAYED:
            materialise_batches(home, [arm[night]])
        materialise_report(home)
        if pruned:
            with instance_of(home) as instance:
                prune(instance, keep=timedelta(), now=datetime.now(tz=UTC))
        sizes.append(size(home))
    return sizes


def main(n):
    configs = load_configs(CONFIGS)
    small = configs.arm("demo_ring").model_copy(update={"batch_size": 2})
    configs = replace(configs, arms={**configs.arms, "demo_ring": small})
    print(f"{'':14} {'after ' + str(n // 4):>12} {'after ' + str(n):>12} {'ratio':>7}  bytes a night since")
    for pruned in (False, True):
        with tempfile.TemporaryDirectory() as folder:
            sizes = nights(Home(warehouse=Warehouse(Path(folder)), configs=configs), n, pruned=pruned)
        first, last = sizes[n // 4 - 1], sizes[-1]
        each = (last - first) / (n - n // 4)
        print(f"{'pruned' if pruned else 'all kept':14} {first:12,} {last:12,} {last / first:7.2f}  {each:,.0f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 40)
