"""What Dagster is told of each asset, and which assets a change of rules or prompts marks."""

import shutil
from dataclasses import replace

import pytest

from di_assets.assets import events
from di_assets.assets.definitions import build
from di_assets.assets.home import Home
from di_assets.control_room.instance import instance_of
from di_assets.measures.declared import MEASURES
from di_assets.measures.labels import VERSION
from di_assets.play.batch import BatchResult
from di_assets.tables import EVENT_TABLES, Warehouse

EVENTS = {table.name for table in EVENT_TABLES}


@pytest.fixture
def home(small_configs, tmp_path):
    """A home with prompts of its own, to be edited."""
    shutil.copytree(small_configs.root, tmp_path / "configs")
    return Home(warehouse=Warehouse(tmp_path / "w"), configs=replace(small_configs, root=tmp_path / "configs"))


def versions(home):
    graph = build(home).resolve_asset_graph()
    return {key.to_user_string(): graph.get(key).code_version for key in graph.get_all_asset_keys()}


def changed(before, after):
    return {name for name in before if before[name] != after[name]}


def test_other_rules_are_another_version_of_event_tables_alone(home, monkeypatch):
    before = versions(home)
    assert None not in before.values()
    monkeypatch.setattr(events, "RULES_VERSION", "a later one")
    assert changed(before, versions(home)) == EVENTS


def test_another_word_in_a_prompt_is_another_version_of_event_tables_alone(home):
    before = versions(home)
    assert versions(home) == before
    prompt = home.configs.prompts / "turn.md.j2"
    prompt.write_text(prompt.read_text() + "\nThink well.")
    assert changed(before, versions(home)) == EVENTS


def test_a_measure_has_the_version_it_declares_and_labels_that_of_the_rule(home):
    of = versions(home)
    assert {name: of[name] for name in MEASURES} == {name: measure.version for name, measure in MEASURES.items()}
    assert (of["model_baseline"], of["lift"]) == ("2", "1")
    assert MEASURES["message_labels"].version is VERSION


def test_every_table_says_whose_it_is_what_it_is_and_whether_it_can_be_computed_again(home):
    graph = build(home).resolve_asset_graph()
    for measure in MEASURES.values():
        node = next(graph.get(k) for k in graph.get_all_asset_keys() if k.to_user_string() == measure.name)
        assert node.tags["origin"] == "computed"
        assert node.owners == ("team:benchmark",)
        assert node.description == measure.description
        assert node.description
        assert "\n" not in node.description
    played = {k.to_user_string() for k in graph.get_all_asset_keys() if graph.get(k).tags.get("origin") == "played"}
    assert played == EVENTS


def test_the_list_of_runs_shows_arm_batch_episodes_cost_and_that_players_were_scripted(played):
    with instance_of(played) as instance:
        tags = [run.tags for run in instance.get_runs() if "batch" in run.tags]
    shown = {t["batch"]: [t[name] for name in ("arm", "players", "cost_usd")] for t in tags}
    assert shown == {
        "talk--b00": ["talk", "scripted", "0.0000"],
        "mute--b00": ["mute", "scripted", "0.0000"],
    }
    assert "12" in {t["episodes"] for t in tags}


def test_a_run_of_many_batches_adds_them_up(small_configs):
    tags = events.run_tags(small_configs, ["talk--b00", "mute--b00"])
    assert tags == {"arm": "mute, talk", "batch": "2 batches", "players": "scripted"}
    one = BatchResult("b", 9, 5, 5, 1, 4, None, 0, 80, 40, 0.25, {}, None)
    assert "with 80 calls to models ($0.2500) and 40 calls to scripted agents, 1 failed" in events.sentence(one)
    assert "5 played now with 40 calls to scripted agents" in events.sentence(replace(one, calls=0, cost_usd=0.0))
    assert "0 played now with no call" in events.sentence(replace(one, played=0, calls=0, scripted_calls=0, failed=0))
    assert events.result_tags([one, replace(one, cost_usd=1.0)]) == {"episodes": "10", "cost_usd": "1.2500"}
