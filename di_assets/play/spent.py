"""What an arm has cost so far, with what is still owed: requests whose replies are in no journal yet."""

from collections import defaultdict
from collections.abc import Collection
from pathlib import Path

import polars as pl

from di_assets.arms import Arm
from di_assets.calls.call import Call
from di_assets.calls.salvage import calls_in, held_and_cut
from di_assets.calls.wave_file import Owed, owed_in, waves_in
from di_assets.tables import Warehouse
from di_assets.tables.words import COMPLETE


def spent_so_far(warehouse: Warehouse, arm: Arm) -> float:
    """What the arm has cost so far, US dollars: by its tables, and by journals that are not in the tables yet.

    A request whose reply has not come counts as the most it can cost.
    """
    mine = warehouse.scan("episodes").filter(pl.col("arm") == arm.name)
    episodes = mine.select("episode_id", "cost_usd", "status").collect()
    stored = dict(episodes.select("episode_id", "cost_usd").iter_rows())
    complete = set(episodes.filter(status=COMPLETE)["episode_id"])
    for folder in warehouse.journal.glob(f"{arm.name}--b*/"):
        held = held_and_cut(folder)
        in_waves: dict[str, float] = defaultdict(float)
        for one in owed(folder, complete=complete):
            in_waves[one.asked.episode_id] += one.cost_usd
        for episode in {*held, *in_waves}:
            calls = [call for part in held.get(episode, ()) for call in part]
            cost = sum(call.cost_usd for call in calls) + in_waves[episode]
            stored[episode] = max(cost, stored.get(episode, 0.0))
    return float(sum(stored.values()))


def cut_calls(warehouse: Warehouse, batch: str, *, since: float) -> list[Call]:
    """The calls of a batch that were sent and whose reply play no longer waited for, each at the most it can cost.

    They are not in the tables yet. The next run that plays their episodes stores them, with the status `interrupted`.

    Args:
        warehouse: where journals are.
        batch: partition key of the batch.
        since: calls sent before are left out; seconds since the epoch, UTC.
    """
    every = (call for _, cut in held_and_cut(warehouse.journal / batch).values() for call in cut)
    return [call for call in every if call.started_at >= since]


def owed(folder: Path, *, complete: Collection[str] = ()) -> list[Owed]:
    """The requests that the waves in a folder of journals owe, oldest first.

    Args:
        folder: the folder of a batch's journals.
        complete: episodes that are complete in the tables; nothing of them is owed.
    """
    waves = waves_in(folder)
    episodes = {asked.episode_id for wave in waves for asked in wave.requests.values()}
    paths = {episode: folder / f"{episode}.jsonl" for episode in episodes}
    calls = {episode: calls_in(path) for episode, path in paths.items() if path.exists()}
    return list(owed_in(waves, calls, complete=complete))
