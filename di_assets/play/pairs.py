"""Plays matched pairs together: which episodes a limit selects from several arms, and in which order batches come.

An arm and the arms that mirror it have the same plan. So the k-th episodes of these arms are a matched pair.
"""

from collections import Counter
from collections.abc import Iterable, Sequence

import polars as pl

from di_assets.arms import Arm, planned_ids
from di_assets.play.launches import launches
from di_assets.tables import Warehouse
from di_assets.tables.words import COMPLETE


def limited(arms: Sequence[Arm], warehouse: Warehouse, limit: int) -> Counter[str]:
    """How many episodes of each batch to play, so that arms with the same plan end with the same pairs.

    A group is an arm and the arms that mirror it; the arm itself may be missing from `arms`. For each group, the first
    `limit` places of the plan are taken at which at least one arm lacks its episode. Each arm plays the episodes that
    it lacks at these places. An arm without mirrors plays the first `limit` episodes that it lacks.

    Args:
        arms: the arms to be played.
        warehouse: the episodes played so far.
        limit: the number of pairs per group (of episodes, for an arm without mirrors).

    Returns:
        Number of episodes by batch. In each batch they are the first missing ones; other batches play none.
    """
    stored = warehouse.scan("episodes").filter(pl.col("status") == COMPLETE).select("episode_id").collect()
    complete = set(stored["episode_id"])
    lacking: dict[str, dict[int, str]] = {}
    for arm in arms:
        planned = planned_ids(arm, launches=launches(warehouse, arm))
        lacking[arm.name] = {
            place: batch for place, (episode, batch) in enumerate(planned.items()) if episode not in complete
        }
    chosen: Counter[str] = Counter()
    for together in _together(arms):
        places = sorted({place for arm in together for place in lacking[arm.name]})[:limit]
        chosen.update(lacking[arm.name][place] for arm in together for place in places if place in lacking[arm.name])
    return chosen


def interleaved(arms: Sequence[Arm], batches: Iterable[str]) -> list[str]:
    """Sorts batches: first by group of arms with the same plan, then by the place in the plan at which they begin.

    So a run that is stopped half-way has complete pairs, not all episodes of one arm and none of the other.
    """
    groups = {arm.name: number for number, together in enumerate(_together(arms)) for arm in together}
    sizes = {arm.name: arm.batch_size for arm in arms}

    def order(batch: str) -> tuple[int, int]:
        arm, _, number = batch.rpartition("--b")
        return groups[arm], int(number) * sizes[arm]

    return sorted(batches, key=order)


def _together(arms: Sequence[Arm]) -> list[list[Arm]]:
    """Groups arms by the plan they share; groups are in the order in which their first arm comes."""
    plans: dict[str, list[Arm]] = {}
    for arm in {arm.name: arm for arm in arms}.values():
        plans.setdefault(arm.mirrors or arm.name, []).append(arm)
    return list(plans.values())
