"""What is late: published tables by the warehouse, nightly arms by their last materialisation."""

import os
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest
from dagster._core.remote_origin import (
    ManagedGrpcPythonEnvCodeLocationOrigin,
    RemoteInstigatorOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.scheduler.instigation import (
    InstigatorState,
    InstigatorStatus,
    InstigatorType,
    ScheduleInstigatorData,
)
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin

from di_assets.arms.nightly import Nightly
from di_assets.assets.definitions import build
from di_assets.assets.freshness import (
    freshness_checks,
    last_materialised,
    longest_gap,
    newer_batches,
    published,
    scheduled_since,
    unplayed,
)
from di_assets.assets.home import Home
from di_assets.assets.outcome import Outcome
from di_assets.control_room.instance import instance_of
from di_assets.tables import TABLES, DamageError
from tests.assets.test_checks import MUTE, TALK, copy, set_in_first_row  # noqa: F401 -- copy is a fixture

NIGHT = Nightly(cron="0 1 * * *", episodes=2)


def nightly(home, night=NIGHT):
    """The same home, with a nightly talk arm."""
    arms = {**home.configs.arms, "talk": home.configs.arm("talk").model_copy(update={"nightly": night})}
    from dataclasses import replace

    return Home(warehouse=home.warehouse, configs=replace(home.configs, arms=arms))


def files(warehouse, name):
    """Paths of a table's files, or of what is published under this name."""
    if name not in TABLES:
        return list(warehouse.root.glob(f"report/{name}.[sj]*"))
    return [warehouse.root / file.name for file in warehouse.files(name)]


@pytest.mark.parametrize("name", published())
def test_what_is_older_than_a_batch_is_stale_and_the_batch_is_named(copy, name):  # noqa: F811
    for path in files(copy.warehouse, "episode_measures"):
        os.utime(path, (1_000, 1_000))
    assert newer_batches(copy.warehouse, name) is None
    os.utime(copy.warehouse.address("episode_measures", TALK), (9e9, 9e9))
    assert newer_batches(copy.warehouse, name).named == [f"batch={TALK}"]
    for path in files(copy.warehouse, name):
        path.unlink()
    if name in TABLES:
        with pytest.raises(DamageError, match=f"{name}.parquet: is missing"):
            newer_batches(copy.warehouse, name)
    else:
        assert newer_batches(copy.warehouse, name).named == [f"batch={MUTE}", f"batch={TALK}"]


def test_an_unfinished_arm_that_lay_idle_is_late_and_a_finished_one_never(copy):  # noqa: F811
    home, now = nightly(copy), datetime(2026, 1, 2, 12, tzinfo=UTC)
    long_ago, lately, on = now - timedelta(hours=27), now - timedelta(hours=25), now - timedelta(days=30)
    assert unplayed(home, "talk", None, since=on, now=now) is None
    set_in_first_row(copy, "episodes", status="failed")
    assert unplayed(home, "talk", lately, since=on, now=now) is None
    assert unplayed(home, "talk", long_ago, since=on, now=now).named == [f"batch={TALK}"]
    assert "last materialised never" in unplayed(home, "talk", None, since=on, now=now).description
    weekly = nightly(copy, Nightly(cron="0 1 * * 1"))
    assert unplayed(weekly, "talk", now - timedelta(days=7), since=on, now=now) is None


def test_an_arm_whose_schedule_is_off_or_new_is_not_late(copy):  # noqa: F811
    home, now = nightly(copy), datetime(2026, 1, 2, 12, tzinfo=UTC)
    set_in_first_row(copy, "episodes", status="failed")
    assert unplayed(home, "talk", None, since=None, now=now) is None
    assert unplayed(home, "talk", now - timedelta(days=9), since=None, now=now) is None
    assert unplayed(home, "talk", now - timedelta(days=9), since=now - timedelta(hours=1), now=now) is None
    assert unplayed(home, "talk", now - timedelta(days=9), since=now - timedelta(hours=27), now=now) is not None


def turn(instance, arm, status, at=None):
    """Turns the schedule of an arm on or off, as the Dagster UI does."""
    location = ManagedGrpcPythonEnvCodeLocationOrigin(LoadableTargetOrigin(module_name="di_assets.assets.definitions"))
    origin = RemoteInstigatorOrigin(RemoteRepositoryOrigin(location, "__repository__"), f"nightly_{arm}")
    data = ScheduleInstigatorData("0 1 * * *", start_timestamp=at and at.timestamp())
    state = InstigatorState(origin, InstigatorType.SCHEDULE, status, data)
    known = instance.get_instigator_state(origin.get_id(), origin.get_selector().get_id())
    (instance.update_instigator_state if known else instance.add_instigator_state)(state)


def test_a_schedule_is_off_until_it_is_turned_on():
    with dg.instance_for_test() as instance, dg.DagsterInstance.ephemeral() as nowhere:
        assert scheduled_since(instance, "talk") is None
        turn(instance, "talk", InstigatorStatus.RUNNING, at=datetime(2026, 1, 1, tzinfo=UTC))
        assert scheduled_since(instance, "talk") == datetime(2026, 1, 1, tzinfo=UTC)
        assert scheduled_since(instance, "mute") is None
        turn(instance, "talk", InstigatorStatus.STOPPED)
        assert scheduled_since(instance, "talk") is None
        assert scheduled_since(nowhere, "talk") is None


def test_the_checks_of_an_arm_that_nobody_scheduled_pass(copy):  # noqa: F811
    home = nightly(copy)
    set_in_first_row(copy, "episodes", status="failed")
    checks = [check for check in freshness_checks(home.configs) if "talk_is_fresh" in str(check.check_keys)]
    with dg.instance_for_test() as instance:

        def fresh():
            chosen = dg.AssetSelection.checks(*checks)
            resources = {"home": home, "outcome": Outcome()}
            return dg.materialize(checks, instance=instance, resources=resources, selection=chosen)

        assert [check.passed for check in fresh().get_asset_check_evaluations()] == [True]
        turn(instance, "talk", InstigatorStatus.RUNNING, at=datetime(2026, 1, 1, tzinfo=UTC))
        assert [check.passed for check in fresh().get_asset_check_evaluations()] == [False]


@pytest.mark.parametrize(
    ("cron", "hours"), [("0 1 * * *", 24), ("0 */6 * * *", 6), ("0 1 * * 1-5", 72), ("0 1 1 * *", 31 * 24)]
)
def test_the_longest_gap_is_that_between_two_nights(cron, hours):
    assert longest_gap(Nightly(cron=cron)) == timedelta(hours=hours)


def test_no_asset_goes_by_the_clock_alone_so_that_a_finished_study_stays_green(played):
    assert not any(spec.freshness_policy for spec in build(nightly(played)).resolve_all_asset_specs())


def test_when_an_arm_was_last_materialised_is_asked_of_its_own_batches(played):
    with instance_of(played) as instance:
        talk, mute = (last_materialised(instance, [batch]) for batch in (TALK, MUTE))
        assert last_materialised(instance, ["loop--b00"]) is None
        assert last_materialised(instance, [TALK, MUTE]) == max(talk, mute)
        assert talk != mute
