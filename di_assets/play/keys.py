"""Checks before the first call that the keys of all models are set: a missing key stops a run before it costs money."""

from collections.abc import Collection, Iterable, Sequence

import polars as pl

from di_assets.arms import Arm, Configs, planned_ids
from di_assets.play.launches import launches
from di_assets.providers.sdk import key_problem
from di_assets.tables import Warehouse
from di_assets.tables.words import COMPLETE


class KeyMissingError(RuntimeError):
    """Keys of models are not in the environment. The message names the variables and models, and contains no key."""

    exit_code = 2


def check_keys(configs: Configs, models: Iterable[str]) -> None:
    """Returns if each of these models has its key or needs none; scripted agents need none.

    On a cluster nothing is checked, because each worker has its own keys.

    Raises:
        KeyMissingError: keys are missing; the message names all of them.
    """
    if configs.play.engine == "dask":
        return
    problems: dict[str, list[str]] = {}
    for model in sorted(set(models)):
        if not configs.is_scripted(model):
            problem = key_problem(configs.models[model].endpoint(model))
            if problem is not None:
                problems.setdefault(problem, []).append(model)
    if problems:
        missing = "; ".join(f"{problem} (for {', '.join(names)})" for problem, names in problems.items())
        raise KeyMissingError(
            f"nothing was asked, for keys are missing: {missing}; keys come from the environment alone"
        )


def models_needed(arms: Sequence[Arm], warehouse: Warehouse, *, launching: Collection[str] = ()) -> set[str]:
    """The names of all models of those arms that have episodes left to play.

    Args:
        arms: the arms that are going to be played.
        warehouse: the episodes played so far.
        launching: names of arms that are about to be launched again; they count as having episodes left.
    """
    stored = warehouse.scan("episodes").filter(pl.col("status") == COMPLETE).select("episode_id").collect()
    complete = set(stored["episode_id"])

    def unfinished(arm: Arm) -> bool:
        planned = planned_ids(arm, launches=launches(warehouse, arm))
        return arm.name in launching or not planned.keys() <= complete

    return {model for arm in arms if unfinished(arm) for model in arm.models}
