"""The graph as Dagster sees it, run in process on the small arms."""

import dagster as dg
import pytest

from di_assets.assets import metadata
from di_assets.assets.definitions import build
from di_assets.assets.home import Home
from di_assets.assets.measured import measure_all
from di_assets.assets.metadata import of_episodes
from di_assets.control_room.instance import instance_of
from di_assets.control_room.runs import RunFailedError, materialise_batches
from di_assets.measures.declared import MEASURES
from di_assets.report.questions.registry import QUESTIONS
from di_assets.tables import TABLES, Warehouse, episode_set


def test_every_table_of_the_contract_is_an_asset_and_is_stored(played):
    keys = {key.to_user_string() for key in build(played).resolve_all_asset_keys()}
    assert set(TABLES) | {"summary", *QUESTIONS} == keys
    for name, table in TABLES.items():
        frame = played.warehouse.read(name)
        # Only one labeller has labelled there, and it agrees with nobody.
        assert (frame.height > 0) == (name != "label_agreement"), name
        assert dict(frame.schema) == table.schema


def test_runs_are_kept_where_the_ui_looks(played):
    with instance_of(played) as instance:
        assert len(instance.get_runs()) == 3
        record = instance.get_latest_materialization_event(dg.AssetKey("pulls"))
        metadata = record.asset_materialization.metadata
        assert {"preview", "dagster/row_count", "dagster/column_schema", "dagster/column_lineage"} <= set(metadata)
        figure = instance.get_latest_materialization_event(dg.AssetKey("q1")).asset_materialization.metadata
        assert figure["figure"].value.startswith("![q1](data:image/")


def test_the_report_and_aggregates_say_which_episodes_they_were_made_from(played, monkeypatch):
    ids = played.warehouse.read("episodes").filter(status="complete")["episode_id"]
    with instance_of(played) as instance:
        for name in ("summary", "q1", "lift", "model_points"):
            told = instance.get_latest_materialization_event(dg.AssetKey(name)).asset_materialization.metadata
            assert (told["episodes"].value, told["episode set"].value) == (24, episode_set(ids)), name
            assert told["episodes page"].value.endswith("/episodes"), name
    monkeypatch.setenv("DI_DASHBOARD", "http://127.0.0.1:9/")
    assert of_episodes(played.warehouse.read("episodes"))["episodes page"].value == "http://127.0.0.1:9/episodes"


def test_every_check_passed(played):
    with instance_of(played) as instance:
        results = [
            e.dagster_event.asset_check_evaluation_data
            for r in instance.get_runs()
            for e in instance.all_logs(r.run_id)
            if e.dagster_event and e.dagster_event.event_type_value == "ASSET_CHECK_EVALUATION"
        ]
    assert {r.check_name for r in results} >= {
        "keys_unique",
        "measured_keys_unique",
        "planned_equals_played",
        "sample_replays",
        "control_mirrors_arm",
        "lift_is_fresh",
    }
    assert all(r.passed for r in results), [r.check_name for r in results if not r.passed]


def test_materialising_again_plays_nothing_and_gives_the_same_bytes(played):
    def before():
        return {p: p.read_bytes() for p in (played.warehouse.root / "tables").rglob("*.parquet")}

    first = before()
    [result] = materialise_batches(played, ["talk--b00"])
    assert (result.batch, result.calls, result.played) == ("talk--b00", 0, 0)
    assert before() == first


def test_a_report_made_again_is_no_new_look(played):
    recorded = played.warehouse.read("looks")
    assert recorded.select("arm", "model", "look", "n_pairs", "ci_method").rows() == [
        ("mute", "con_artist", 1, 6, "paired t"),
        ("mute", "promiser", 1, 6, "paired t"),
    ]
    again, _ = measure_all(played, MEASURES["looks"])
    assert again.equals(recorded)
    above = build(played).resolve_asset_graph().get(dg.AssetKey("looks")).parent_keys
    assert {key.to_user_string() for key in above} == {"episodes", "episode_measures"}


def test_a_failed_step_says_which_and_why(small_configs, tmp_path):
    home = Home(warehouse=Warehouse(tmp_path), configs=small_configs)
    (tmp_path / "tables").write_text("in the way")
    with pytest.raises(RunFailedError) as failed:
        materialise_batches(home, ["talk--b00"])
    line = str(failed.value)
    assert line.startswith(f"play: {tmp_path}/tables/")
    assert line.endswith(": Not a directory; a file stands where a folder is needed; name a folder")


def test_what_fails_around_the_work_of_a_step_is_told_in_a_line_too(small_configs, tmp_path, monkeypatch):
    described = metadata.of_table

    def broken(name, *args, **more):
        if name == "message_labels":
            raise OSError("nothing to tell")
        return described(name, *args, **more)

    monkeypatch.setattr(metadata, "of_table", broken)
    with pytest.raises(RunFailedError, match=r"message_labels: .*nothing to tell"):
        materialise_batches(Home(warehouse=Warehouse(tmp_path), configs=small_configs), ["talk--b00"])
