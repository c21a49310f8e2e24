"""Matched pairs in the order of play: what a limit leaves of several arms, and which batch comes first.

An arm and the arms that mirror it repeat one plan, so the k-th episode of one is the pair of the k-th of another.
"""

from collections import Counter
from collections.abc import Iterable, Sequence

import polars as pl

from di_assets.arms import Arm, planned_ids
from di_assets.play.launches import launches
from di_assets.tables import Warehouse
from di_assets.tables.words import COMPLETE


def limited(arms: Sequence[Arm], warehouse: Warehouse, limit: int) -> Counter[str]:
    """How many episodes of each batch to play, so that all that belongs together has the same pairs at the end.

    Of arms that mirror one another (or one that is not named), the first `limit` places of the plan count that any of
    them lacks, each arm playing those that it lacks. An arm without such a relation plays the first `limit` it lacks.

    Args:
        arms: the arms to be played.
        warehouse: what is played.
        limit: pairs, or episodes of an arm that stands alone.

    Returns:
        Episodes by batch; a batch that is not there plays none. They are the first of their batch that are missing.
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
    """These batches, those of arms that belong together by the place in the plan at which they begin.

    So a run that is stopped half-way has pairs, not one arm alone.
    """
    groups = {arm.name: number for number, together in enumerate(_together(arms)) for arm in together}
    sizes = {arm.name: arm.batch_size for arm in arms}

    def order(batch: str) -> tuple[int, int]:
        arm, _, number = batch.rpartition("--b")
        return groups[arm], int(number) * sizes[arm]

    return sorted(batches, key=order)


def _together(arms: Sequence[Arm]) -> list[list[Arm]]:
    """Arms by the plan they share, in the order in which the plans come up."""
    plans: dict[str, list[Arm]] = {}
    for arm in {arm.name: arm for arm in arms}.values():
        plans.setdefault(arm.mirrors or arm.name, []).append(arm)
    return list(plans.values())
