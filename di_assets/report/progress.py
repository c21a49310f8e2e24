"""How far each arm has come, what it has cost, what it still needs, and how each model's calls have ended."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from di_assets.arms import Configs, load_configs
from di_assets.play.batch import spent_so_far
from di_assets.play.estimate import estimate
from di_assets.play.journal import FAULTS, OK
from di_assets.tables import Warehouse


@dataclass(frozen=True, slots=True)
class ArmProgress:
    """One arm.

    Attributes:
        arm: its name.
        title: one line for people.
        condition: topology/payoff/messaging.
        scripted: every seat is a scripted agent's.
        planned: episodes; of all launches, where it may be launched again.
        complete: of them, played to the end.
        failed: of them, failed or stopped, and kept to be resumed.
        left: planned and not complete.
        spent_usd: US dollars so far, calls of unfinished episodes included.
        budget_usd: most it may spend; None where nothing is charged.
        left_usd: what the episodes that are left would cost.
        hours: the least they would take.
        nightly: its schedule in words; None where it has none.
    """

    arm: str
    title: str
    condition: str
    scripted: bool
    planned: int
    complete: int
    failed: int
    left: int
    spent_usd: float
    budget_usd: float | None
    left_usd: float
    hours: float
    nightly: str | None


def arm_progress(configs: Configs, warehouse: Warehouse) -> list[ArmProgress]:
    """Every configured arm, by name."""
    held = warehouse.scan("episodes").group_by("arm", "status").len().collect()
    counts: Mapping[tuple[str, str], int] = {(arm, status): n for arm, status, n in held.iter_rows()}
    rows = []
    for arm in configs.arms.values():
        need = estimate(configs, arm, warehouse)
        nightly = arm.nightly
        rows.append(
            ArmProgress(
                arm=arm.name,
                title=arm.title,
                condition=arm.condition,
                scripted=all(configs.is_scripted(model) for model in arm.models),
                planned=need.planned,
                complete=need.planned - need.left,
                failed=sum(n for (name, status), n in counts.items() if name == arm.name and status != "complete"),
                left=need.left,
                spent_usd=spent_so_far(warehouse, arm),
                budget_usd=arm.budget_usd,
                left_usd=need.cost_usd,
                hours=need.hours,
                nightly=None if nightly is None else f"{nightly.cron} ({nightly.timezone})",
            )
        )
    return rows


def read_progress(configs: Path, warehouse: Warehouse) -> list[ArmProgress]:
    """The same for a folder of configuration.

    Raises:
        ConfigError: the configuration is wrong.
    """
    return arm_progress(load_configs(configs), warehouse)


def call_statuses(warehouse: Warehouse) -> pl.DataFrame:
    """How calls ended, one row a model and status, most frequent first within a model.

    Returns:
        model, scripted, status, what (`reply`, `invalid reply`, `fault` or `fault, retried`), n, share of the model's
        calls (retried faults are no calls of their own: their share is null).
    """
    calls = warehouse.scan("calls").select("model", "provider", "status", "retried")
    ended = calls.group_by("model", "provider", "status").len("n").collect()
    retried = (
        calls.filter(pl.col("retried").is_not_null())
        .select("model", "provider", status=pl.col("retried").str.split(" "))
        .explode("status")
        .group_by("model", "provider", "status")
        .len("n")
        .collect()
    )
    faults = pl.col("status").is_in(list(FAULTS))
    what = pl.when(pl.col("status") == OK).then(pl.lit("reply")).when(faults).then(pl.lit("fault"))
    rows = pl.concat(
        [
            ended.with_columns(
                what=what.otherwise(pl.lit("invalid reply")), share=pl.col("n") / pl.col("n").sum().over("model")
            ),
            retried.with_columns(what=pl.lit("fault, retried"), share=pl.lit(None, pl.Float64)),
        ]
    )
    scripted = (pl.col("provider") == "scripted").alias("scripted")
    return rows.select("model", scripted, "status", "what", "n", "share").sort(
        "model", "what", "n", "status", descending=[False, True, True, False]
    )
