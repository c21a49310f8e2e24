"""One schedule per nightly arm, from its configuration."""

from typing import Any

import dagster as dg
import polars as pl

from di_assets.arms import Arm, batches
from di_assets.assets.home import Home


def nightly(arm: Arm, home: Home, *, job: str) -> dg.ScheduleDefinition:
    """Plays the next episodes of the arm's first unfinished batch; skips, with a word, when all are complete."""
    night = arm.nightly
    if night is None:
        raise ValueError(f"{arm.name} is not nightly")

    def tonight(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        complete = home.warehouse.read("episodes").filter(
            (pl.col("arm") == arm.name) & (pl.col("status") == "complete")
        )
        held = dict(complete.group_by("batch").len().iter_rows())
        sizes = {batch: min(arm.batch_size, arm.planned - i * arm.batch_size) for i, batch in enumerate(batches(arm))}
        unfinished = [batch for batch, size in sizes.items() if held.get(batch, 0) < size]
        if not unfinished:
            return dg.SkipReason(f"every planned episode of {arm.name} is complete")
        return dg.RunRequest(
            run_key=f"{arm.name}/{context.scheduled_execution_time.isoformat()}",
            partition_key=unfinished[0],
            run_config=play_config(limit=night.episodes, budget_usd=night.budget_usd),
        )

    return dg.ScheduleDefinition(
        name=f"nightly_{arm.name}",
        job_name=job,
        cron_schedule=night.cron,
        execution_timezone=night.timezone,
        execution_fn=tonight,
    )


def play_config(*, limit: int | None, budget_usd: float | None) -> dict[str, Any]:
    """Run configuration of the play asset."""
    given = {"limit": limit, "budget_usd": budget_usd}
    return {"ops": {"play": {"config": {name: value for name, value in given.items() if value is not None}}}}
