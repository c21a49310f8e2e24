"""What the daemon makes by itself: a batch's measures, then aggregates, then the report; and what holds it back."""

import dagster as dg
import polars as pl
import pytest

from di_assets.arms import load_configs
from di_assets.assets.home import Home
from di_assets.assets.measured import BY_BATCH, OVER_ALL
from di_assets.definitions import PLAY, REPORT, build
from di_assets.play.batch import play_batch
from di_assets.report.figures import FIGURES
from di_assets.runs import QUIET
from di_assets.tables import EVENT_TABLES, Warehouse
from tests.conftest import write_small_configs

EVENTS = [table.name for table in EVENT_TABLES]
MEASURES = {measure.__name__ for measure in BY_BATCH}
AGGREGATES = {measure.__name__ for measure in OVER_ALL}
PUBLISHED = {"summary", *FIGURES}


class Daemon:
    """Evaluates conditions against an instance, tick by tick, and runs what they request as the daemon does."""

    def __init__(self, home, instance):
        self.definitions, self.instance, self.cursor = build(home, pool=None), instance, None
        self.graph = self.definitions.resolve_asset_graph()
        self.tick()

    def tick(self):
        """Names requested, by partition."""
        told = dg.evaluate_automation_conditions(self.definitions, self.instance, cursor=self.cursor)
        self.cursor = told.cursor
        requested = {}
        for key in self.graph.materializable_asset_keys:
            for partition in told.get_requested_partitions(key):
                requested.setdefault(partition, set()).add(key.to_user_string())
        return requested

    def run(self, names, partition=None, job=None):
        found = (
            self.definitions.resolve_job_def(job) if job else self.definitions.resolve_implicit_global_asset_job_def()
        )
        return found.execute_in_process(
            asset_selection=[dg.AssetKey(name) for name in names] if names else None,
            partition_key=partition,
            instance=self.instance,
            run_config=QUIET,
            raise_on_error=False,
        )


@pytest.fixture
def home(tmp_path):
    folder = tmp_path / "configs"
    folder.mkdir()
    write_small_configs(folder)
    return Home(warehouse=Warehouse(tmp_path / "warehouse"), configs=load_configs(folder))


@pytest.fixture
def daemon(home):
    with dg.DagsterInstance.ephemeral() as instance:
        yield Daemon(home, instance)


def test_a_new_batch_is_measured_aggregated_and_published_tick_by_tick(daemon, home):
    assert daemon.run(EVENTS, "talk--b00", PLAY).success
    ticks = []
    while requested := daemon.tick():
        ticks.append(requested)
        for partition, names in requested.items():
            result = daemon.run(names, partition)
            assert result.success
            assert all(check.passed for check in result.get_asset_check_evaluations())
        assert len(ticks) < 9
    measured = [one["talk--b00"] for one in ticks if "talk--b00" in one]
    whole = [one[None] for one in ticks if None in one]
    assert {partition for one in ticks for partition in one} == {None, "talk--b00"}
    # Each measure once, and none before what it is made of was checked.
    assert sorted(name for names in measured for name in names) == sorted(MEASURES)
    assert {"message_labels", "pair_capture", "seat_measures"} == measured[0]
    assert set().union(*whole) == AGGREGATES | PUBLISHED
    assert PUBLISHED <= ticks[-1][None]
    assert home.warehouse.read("model_points").height > 0
    assert (home.warehouse.report / "summary.json").exists()


def test_what_the_night_measured_itself_is_only_aggregated_and_published(daemon):
    assert daemon.run(None, "talk--b00", PLAY).success
    assert daemon.tick() == {None: AGGREGATES | PUBLISHED}
    assert daemon.run(None, job=REPORT).success
    assert daemon.tick() == {}


def test_a_blocking_check_that_fails_holds_everything_back(daemon, home):
    play_batch(home.configs, home.configs.arm("talk"), "talk--b00", home.warehouse)
    pulls = home.warehouse.read("pulls", "talk--b00")
    home.warehouse.write("pulls", pl.concat([pulls, pulls[:1]]), "talk--b00")
    result = daemon.run(EVENTS, "talk--b00", PLAY)
    assert not result.success
    (failed,) = [check for check in result.get_asset_check_evaluations() if not check.passed and check.blocking]
    requested = daemon.tick()
    below = {key.to_user_string() for key in daemon.graph.get(failed.asset_key).child_keys}
    assert below & MEASURES
    assert not below & set().union(set(), *requested.values())


def test_what_costs_nothing_follows_by_itself_and_nights_wait_to_be_turned_on(configs, tmp_path):
    definitions = build(Home(warehouse=Warehouse(tmp_path), configs=configs))
    (sensor,) = [s for s in definitions.sensors if isinstance(s, dg.AutomationConditionSensorDefinition)]
    assert sensor.default_status == dg.DefaultSensorStatus.RUNNING
    # It watches all that has a condition, so Dagster adds none of its own.
    found = definitions.get_repository_def().sensor_defs
    assert [s.name for s in found if isinstance(s, dg.AutomationConditionSensorDefinition)] == ["downstream"]
    assert {s.default_status for s in definitions.schedules} == {dg.DefaultScheduleStatus.STOPPED}


def test_everything_but_the_played_events_has_the_one_condition(small_configs, tmp_path):
    graph = build(Home(warehouse=Warehouse(tmp_path), configs=small_configs)).resolve_asset_graph()
    conditions = {key.to_user_string(): graph.get(key).automation_condition for key in graph.materializable_asset_keys}
    assert {name for name, condition in conditions.items() if condition is None} == set(EVENTS)
    assert (
        len(
            {
                condition.get_node_unique_id(parent_unique_id=None, index=None, target_key=None)
                for condition in conditions.values()
                if condition
            }
        )
        == 1
    )
