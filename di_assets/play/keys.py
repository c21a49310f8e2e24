"""Keys of models, looked at before the first call: a run that would lack one half-way is refused while it is free."""

from collections.abc import Collection, Iterable, Sequence

import polars as pl

from di_assets.arms import Arm, Configs, planned_ids
from di_assets.play.launches import launches
from di_assets.providers.sdk import key_problem
from di_assets.tables import Warehouse
from di_assets.tables.words import COMPLETE


class KeyMissingError(RuntimeError):
    """A model's key is not in the environment; one line that names each variable and its models, and no key."""

    exit_code = 2


def check_keys(configs: Configs, models: Iterable[str]) -> None:
    """Passes where the key of each of these models is there, or none is wanted; scripted agents want none.

    On a cluster keys are each worker's own, and nothing is looked at here.

    Raises:
        KeyMissingError: some are missing; all of them are named.
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
        told = "; ".join(f"{problem} (for {', '.join(names)})" for problem, names in problems.items())
        raise KeyMissingError(f"nothing was asked, for keys are missing: {told}; keys come from the environment alone")


def models_needed(arms: Sequence[Arm], warehouse: Warehouse, *, launching: Collection[str] = ()) -> set[str]:
    """Models of those arms that have episodes left to play.

    Args:
        arms: the arms that are going to be played.
        warehouse: what is played.
        launching: names of arms that are about to be launched once more.
    """
    stored = warehouse.scan("episodes").filter(pl.col("status") == COMPLETE).select("episode_id").collect()
    complete = set(stored["episode_id"])

    def unfinished(arm: Arm) -> bool:
        planned = planned_ids(arm, launches=launches(warehouse, arm))
        return arm.name in launching or not planned.keys() <= complete

    return {model for arm in arms if unfinished(arm) for model in arm.models}
