"""What the daemon makes by itself: a batch's measures, then aggregates, then the report; and what holds it back."""

from itertools import product

import dagster as dg
import pytest
from dagster._core.definitions.asset_checks.asset_check_evaluation import AssetCheckEvaluationTargetMaterializationData
from dagster._core.events import DagsterEvent, DagsterEventType, StepMaterializationData
from dagster._utils.caching_instance_queryer import CachingInstanceQueryer

from di_assets.arms import load_configs
from di_assets.assets.definitions import PLAY, build
from di_assets.assets.home import Home
from di_assets.control_room.code_location import location
from di_assets.control_room.runs import FIRST_TAG, LAST_TAG, QUIET
from di_assets.measures.declared import by_batch, over_all
from di_assets.play.batch import play_batch
from di_assets.report.questions.registry import QUESTIONS
from di_assets.tables import EVENT_TABLES, Warehouse
from tests.assets.test_checks import MUTE, TALK, other_choice
from tests.conftest import write_small_configs

EVENTS = [table.name for table in EVENT_TABLES]
MEASURES = {measure.name for measure in by_batch()}
# Measures of a batch that read what is played, and no other measure.
FIRST = {measure.name for measure in by_batch() if set(measure.above) <= set(EVENTS)}
AGGREGATES = {measure.name for measure in over_all()}
PUBLISHED = {"summary", *QUESTIONS}


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

    def run(self, names, partition=None, job=None, tags=None):
        found = (
            self.definitions.resolve_job_def(job) if job else self.definitions.resolve_implicit_global_asset_job_def()
        )
        return found.execute_in_process(
            asset_selection=[dg.AssetKey(name) for name in names] if names else None,
            partition_key=partition,
            tags=tags,
            instance=self.instance,
            run_config=QUIET,
            raise_on_error=False,
        )

    def checks_of(self, names):
        """(asset, check) of every check of these assets."""
        keys = self.graph.get_check_keys_for_assets({dg.AssetKey(name) for name in names})
        return {(key.asset_key.to_user_string(), key.name) for key in keys}


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


@pytest.mark.slow
def test_a_new_batch_is_measured_aggregated_and_published_with_every_check_and_nothing_twice(daemon, home):
    assert daemon.run(EVENTS, TALK, PLAY).success
    ticks = []
    while requested := daemon.tick():
        ticks.append(requested)
        for partition, names in requested.items():
            result = daemon.run(names, partition)
            assert result.success
            found = result.get_asset_check_evaluations()
            assert {(one.asset_key.to_user_string(), one.check_name) for one in found} == daemon.checks_of(names)
            assert all(one.passed for one in found)
        assert len(ticks) < 9
    assert {partition for one in ticks for partition in one} == {None, TALK}
    measured = [one[TALK] for one in ticks if TALK in one]
    whole = [one[None] for one in ticks if None in one]
    # Once each, and no measure before the labels that it reads were checked.
    assert sorted(name for names in measured for name in names) == sorted(MEASURES)
    assert measured[0] == FIRST
    assert sorted(name for names in whole for name in names) == sorted(AGGREGATES | PUBLISHED)
    assert ticks[-1][None] >= PUBLISHED
    assert home.warehouse.read("model_points").height > 0
    assert home.warehouse.read_report("summary.json")


@pytest.mark.parametrize("first", [TALK, MUTE])
def test_what_a_backfill_made_in_one_run_is_followed_batch_by_batch(daemon, first):
    """A run of a range of partitions, of one or of both arms' only batches."""
    assert daemon.run(EVENTS, tags={FIRST_TAG: first, LAST_TAG: TALK}).success
    asked = daemon.tick()
    assert set(asked) - {None} == {first, TALK}
    assert {frozenset(names) for batch, names in asked.items() if batch} == {frozenset(FIRST)}


def test_what_a_night_measured_itself_is_only_aggregated_and_published(daemon):
    assert daemon.run(None, TALK, PLAY).success
    assert daemon.tick() == {None: AGGREGATES | PUBLISHED}


def test_a_batch_that_fails_a_blocking_check_holds_back_its_measures_and_all_that_is_made_of_all_batches(daemon, home):
    play_batch(home.configs, home.configs.arm("talk"), TALK, home.warehouse)
    sound = home.warehouse.read("pulls", TALK)
    other_choice(home)
    result = daemon.run(EVENTS, TALK, PLAY)
    assert not result.success
    assert [one.check_name for one in result.get_asset_check_evaluations() if not one.passed] == ["sample_replays"]
    # Labels are made of texts alone; whatever reads them waits for the batch's checks too.
    assert daemon.tick() == {TALK: {"message_labels"}}
    assert daemon.run(["message_labels"], TALK).success
    assert daemon.tick() == {}
    assert daemon.run(None, MUTE, PLAY).success
    assert daemon.tick() == {}
    home.warehouse.write("pulls", sound, TALK)
    assert daemon.run(None, TALK, PLAY).success
    assert daemon.tick() == {None: AGGREGATES | PUBLISHED}


def test_nothing_is_made_of_what_is_just_being_made(daemon):
    assert daemon.run(None, TALK, PLAY).success
    again = daemon.instance.create_run_for_job(
        daemon.definitions.resolve_job_def(PLAY), tags={"dagster/partition": MUTE}, status=dg.DagsterRunStatus.STARTED
    )
    assert daemon.tick() == {}
    daemon.instance.report_run_failed(again)
    assert daemon.tick() == {None: AGGREGATES | PUBLISHED}


@pytest.mark.slow
def test_what_a_run_of_many_batches_makes_while_the_daemon_looks_is_not_made_again(daemon, monkeypatch):
    """Between the moment from which it knows what is new and the one at which it asks what is being made."""
    both = {FIRST_TAG: MUTE, LAST_TAG: TALK}
    assert daemon.run(None, job=PLAY, tags=both).success
    assert daemon.tick() == {None: AGGREGATES | PUBLISHED}
    keys = {dg.AssetKey(name) for name in [*EVENTS, *MEASURES]}
    again = daemon.instance.create_run_for_job(
        daemon.definitions.resolve_job_def(PLAY).get_subset(asset_selection=keys, asset_check_selection=set()),
        tags=both,
        status=dg.DagsterRunStatus.STARTED,
        asset_selection=frozenset(keys),
    )

    def made(names):
        for name, batch in product(sorted(names), (TALK, MUTE)):
            event = DagsterEvent(
                event_type_value=DagsterEventType.ASSET_MATERIALIZATION.value,
                job_name=PLAY,
                event_specific_data=StepMaterializationData(dg.AssetMaterialization(name, partition=batch)),
            )
            daemon.instance.report_dagster_event(event, run_id=again.run_id)

    assert daemon.tick() == {}
    made([*EVENTS, "message_labels"])
    for (asset, check), batch in product(sorted(daemon.checks_of([*EVENTS, "message_labels"])), (TALK, MUTE)):
        key = dg.AssetKey(asset)
        [of] = daemon.instance.fetch_materializations(
            dg.AssetRecordsFilter(key, asset_partitions=[batch]), limit=1
        ).records
        target = AssetCheckEvaluationTargetMaterializationData(
            storage_id=of.storage_id, run_id=of.run_id, timestamp=of.timestamp
        )
        passed = dg.AssetCheckEvaluation(
            asset_key=key, check_name=check, passed=True, partition=batch, target_materialization_data=target
        )
        daemon.instance.report_runless_asset_event(passed)
    known = CachingInstanceQueryer.prefetch_asset_records

    def late(queryer, assets):
        known(queryer, assets)
        made(MEASURES - {"message_labels"})

    with monkeypatch.context() as patched:
        patched.setattr(CachingInstanceQueryer, "prefetch_asset_records", late)
        assert set(daemon.tick()) <= {None}
    assert set(daemon.tick()) <= {None}


def test_what_costs_nothing_follows_by_itself_and_nights_wait_to_be_turned_on(configs, tmp_path):
    definitions = location(Home(warehouse=Warehouse(tmp_path), configs=configs))
    # It watches all that has a condition, so Dagster adds none of its own.
    found = definitions.get_repository_def().sensor_defs
    (sensor,) = [one for one in found if isinstance(one, dg.AutomationConditionSensorDefinition)]
    assert (sensor.name, sensor.default_status) == ("downstream", dg.DefaultSensorStatus.RUNNING)
    assert {one.name for one in definitions.schedules if one.default_status.value == "RUNNING"} == {"prune_history"}


def test_everything_but_the_played_events_has_the_one_condition(small_configs, tmp_path):
    graph = build(Home(warehouse=Warehouse(tmp_path), configs=small_configs)).resolve_asset_graph()
    conditions = {key.to_user_string(): graph.get(key).automation_condition for key in graph.materializable_asset_keys}
    assert {name for name, condition in conditions.items() if condition is None} == set(EVENTS)
    assert len({repr(condition) for condition in conditions.values() if condition}) == 1
