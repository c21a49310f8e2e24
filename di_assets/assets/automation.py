"""Which assets Dagster makes by itself: one condition for measures, tables, summary and figures, and its sensor.

All of these cost nothing to compute, so the sensor is on by default. Their checks run with them.
"""

import dagster as dg

Condition = dg.AutomationCondition[dg.AssetKey]
EVERY_S = 30


def follows() -> Condition:
    """True as soon as an input is new: for a measure, batch by batch; for all other assets, when any batch is new.

    It waits while an input is being made, and until each input exists (though some batches, also of other arms, may be
    missing). It does not use what failed a blocking check: if a batch failed one, neither its own measures are made nor
    anything that is made of all batches.

    It also skips the first evaluation after the asset itself was being made. Dagster notes what is new at the start of
    an evaluation, and checks what is being made some seconds later. A run that ends between the two would be missed by
    both, and a second backfill would make the same assets again. The next evaluation sees the asset as new.
    """
    new = dg.AutomationCondition.eager().without(~dg.AutomationCondition.any_deps_missing())
    # For a partition: that partition of each input exists. For other assets: any partition of each input exists.
    there = dg.AutomationCondition.all_deps_match(
        ~dg.AutomationCondition.missing() | dg.AutomationCondition.will_be_requested()
    )
    # If all partitions are read, one that passed would satisfy `passed`; `failed` is true if any of them failed.
    passed = dg.AutomationCondition.all_deps_blocking_checks_passed()
    failed = dg.AutomationCondition.any_deps_match(
        dg.AutomationCondition.any_checks_match(dg.AutomationCondition.check_failed(), blocking_only=True)
    )
    just_made = (~dg.AutomationCondition.in_progress()).newly_true().with_label("was being made at the last look")
    return (new & there & passed & ~failed & ~just_made).with_label("follows what is above it")


def downstream() -> dg.AutomationConditionSensorDefinition:
    """The sensor that evaluates the condition of every asset that has one. It runs unless somebody stops it."""
    return dg.AutomationConditionSensorDefinition(
        name="downstream",
        target=dg.AssetSelection.all(),
        default_status=dg.DefaultSensorStatus.RUNNING,
        minimum_interval_seconds=EVERY_S,
        description="Measures each new batch that passed its checks, then the aggregates, summary and figures.",
    )
