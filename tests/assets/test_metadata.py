"""What a materialisation shows a person in the Dagster UI."""

import dagster as dg

from di_assets.assets.definitions import build
from di_assets.assets.metadata import interval_table
from di_assets.control_room.instance import instance_of
from di_assets.report.published import read_summary
from di_assets.tables import TABLES

LIFT = (15, 15, 15, 50.0, 30.0, 20.0, 15.5, 24.25, "paired t", 0.001, 0.002, None)


def shown(home, asset, batch=None):
    """Metadata of the latest materialisation of an asset, or of one batch of it."""
    of_batch = dg.AssetRecordsFilter(dg.AssetKey(asset), asset_partitions=[batch] if batch else None)
    with instance_of(home) as instance:
        [record] = instance.fetch_materializations(of_batch, limit=1).records
    return {name: value.value for name, value in record.asset_materialization.metadata.items()}


def test_a_table_of_intervals_gives_keys_values_ends_n_and_p():
    lines = interval_table("lift", TABLES["lift"].frame([("a|b", *LIFT)])).splitlines()
    assert lines[0] == "| model | lift [95% CI] | n_pairs | p_value | p_holm |"
    assert lines[2] == "| `a¦b` | 20 [15.5, 24.25] | 15 | 0.001 | 0.002 |"


def test_an_interval_that_is_not_there_is_left_out_and_a_table_without_any_has_no_such_table():
    alone = ("one", 0, 1, 0, None, 30.0, None, None, None, "none", None, None, "messages on")
    assert "| `one` | — | 0 | — | — |" in interval_table("lift", TABLES["lift"].frame([alone])).splitlines()
    assert interval_table("pulls", TABLES["pulls"].empty()) is None


def test_every_table_with_an_interval_shows_it_beside_its_value():
    for name, table in TABLES.items():
        lows = [column for column in table.schema if column.endswith("_low")]
        heads = (interval_table(name, table.empty()) or "").partition("\n")[0]
        assert heads.count(" [") == len(lows), name


def test_aggregates_show_intervals_and_who_played(played):
    for name in ("lift", "model_points", "relations"):
        told = shown(played, name)
        assert " [" in told["intervals"], name
        assert told["players"] == "scripted agents, not language models", name
    for name in ("summary", "q1", "pulls", "pull_kinds"):
        assert shown(played, name)["players"] == "scripted agents, not language models", name


def test_the_summary_shows_its_first_question_without_the_many_marks(played):
    told = shown(played, "summary")["summary"]
    published = read_summary(played.warehouse)["questions"]["q1"]
    assert told == {key: value for key, value in published.items() if key != "marks"}
    assert published["marks"]


def test_a_batch_links_to_its_episodes_in_the_dashboard(played):
    told = shown(played, "episodes", "mute--b00")
    assert told["episodes page"] == "http://127.0.0.1:8501/episodes?arm=mute"
    assert told["arms page"] == "http://127.0.0.1:8501/arms"


def test_every_asset_has_an_owner_an_origin_a_kind_a_group_and_a_description(played):
    for spec in build(played).resolve_all_asset_specs():
        name = spec.key.to_user_string()
        assert spec.owners, name
        assert spec.tags["origin"] in {"played", "computed"}, name
        assert spec.kinds, name
        assert spec.group_name in {"events", "measures", "aggregates", "report"}, name
        assert spec.description, name
        assert spec.code_version, name
