"""What follows by itself: one condition of measures, aggregates, summary and figures, and the sensor that asks it.

Whatever it requests costs nothing to compute, so it is on from the start. The checks of what it requests run along.
"""

import dagster as dg

Condition = dg.AutomationCondition[dg.AssetKey]
EVERY_S = 30


def follows() -> Condition:
    """As soon as something above is new: batch by batch for a measure, for all else whenever any batch is.

    Not while something above is being made, not before each input is there at all (though batches, also of other arms,
    may be missing), and not from what failed a blocking check: a batch that did holds back its own measures, and
    everything that is made of all batches.

    Nor at the first look after it was itself being made. Dagster notes what is new at the start of a look and asks what
    is being made some seconds later; what a run makes in between is then neither, and would be made a second time, by a
    second backfill beside the first. The next look sees it as new.
    """
    new = dg.AutomationCondition.eager().without(~dg.AutomationCondition.any_deps_missing())
    # Of a partition for a partition; for all else true when any partition of each input is there.
    there = dg.AutomationCondition.all_deps_match(
        ~dg.AutomationCondition.missing() | dg.AutomationCondition.will_be_requested()
    )
    # `passed` is satisfied by one partition where all are read, hence `failed`, which is so of any.
    passed = dg.AutomationCondition.all_deps_blocking_checks_passed()
    failed = dg.AutomationCondition.any_deps_match(
        dg.AutomationCondition.any_checks_match(dg.AutomationCondition.check_failed(), blocking_only=True)
    )
    just_made = (~dg.AutomationCondition.in_progress()).newly_true().with_label("was being made at the last look")
    return (new & there & passed & ~failed & ~just_made).with_label("follows what is above it")


def downstream() -> dg.AutomationConditionSensorDefinition:
    """Evaluates the condition of every asset that has one; running unless somebody stops it."""
    return dg.AutomationConditionSensorDefinition(
        name="downstream",
        target=dg.AssetSelection.all(),
        default_status=dg.DefaultSensorStatus.RUNNING,
        minimum_interval_seconds=EVERY_S,
        description="Measures each new batch that passed its checks, then the aggregates, summary and figures.",
    )
