"""One schedule per nightly arm, from its configuration."""

from zoneinfo import ZoneInfo

import dagster as dg
from dagster._core.storage.dagster_run import NOT_FINISHED_STATUSES

from di_assets.arms import Arm, arm_of
from di_assets.assets.events import play_config
from di_assets.assets.freshness import schedule_name
from di_assets.assets.home import Home
from di_assets.control_room.pool import free_slots_of_killed_runs
from di_assets.play.nights import Rest, standing, tonight
from di_assets.play.spent import spent_so_far

# Dagster's tags for the batch of a run, or for the first of several batches.
PARTITION_TAGS = ("dagster/partition", "dagster/asset_partition_range_start")


def nightly(arm: Arm, home: Home, *, job: str) -> dg.ScheduleDefinition:
    """The schedule of an arm: plays the next episodes of its first open batch, or skips with a reason.

    It is off until somebody turns it on, because it can spend money.
    """
    night = arm.nightly
    if night is None:
        raise ValueError(f"{arm.name} is not nightly")

    def play_tonight(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        free_slots_of_killed_runs(context.instance, home.playing)
        going = still_going(context.instance, arm)
        if going:
            return dg.SkipReason(f"run {going.run_id[:8]} of {arm.name} is still going; end it if it is dead")
        spent = spent_so_far(home.warehouse, arm)
        chosen = tonight(arm, standing(home.configs, arm, home.warehouse, spent_usd=spent))
        if isinstance(chosen, Rest):
            return dg.SkipReason(chosen.reason)
        at = context.scheduled_execution_time
        return dg.RunRequest(
            run_key=f"{arm.name}/{at.isoformat()}",
            partition_key=chosen.batch,
            run_config=play_config(limit=chosen.episodes, budget_usd=night.budget_usd),
            tags={
                "arm": arm.name,
                "batch": chosen.batch,
                "night": at.astimezone(ZoneInfo(night.timezone)).date().isoformat(),
            },
        )

    return dg.ScheduleDefinition(
        name=schedule_name(arm.name),
        job_name=job,
        cron_schedule=night.cron,
        execution_timezone=night.timezone,
        execution_fn=play_tonight,
        description=description(arm),
        default_status=dg.DefaultScheduleStatus.STOPPED,
    )


def description(arm: Arm) -> str:
    """One sentence that says what the arm's nights play and may spend.

    Raises:
        ValueError: the arm is not nightly.
    """
    night = arm.nightly
    if night is None:
        raise ValueError(f"{arm.name} is not nightly")
    episodes = "all that is left" if night.episodes is None else f"at most {night.episodes:,} episodes"
    limits = [
        *([] if night.budget_usd is None else [f"${night.budget_usd:,.2f} a night"]),
        *([] if arm.budget_usd is None else [f"${arm.budget_usd:,.2f} in all"]),
    ]
    money = f", for at most {' and '.join(limits)}" if limits else ""
    return f"{arm.title}: plays {episodes} of its next unfinished batch{money}. What is coming: di schedule"


def still_going(instance: dg.DagsterInstance, arm: Arm) -> dg.DagsterRun | None:
    """A run that plays this arm, or waits to play it, and has not ended; None if there is none."""
    for run in instance.get_runs(filters=dg.RunsFilter(statuses=NOT_FINISHED_STATUSES)):
        arms = {*run.tags.get("arm", "").split(", "), *(arm_of(run.tags.get(tag, "")) for tag in PARTITION_TAGS)}
        if arm.name in arms:
            return run
    return None
