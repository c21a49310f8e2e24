"""A limit leaves whole pairs; what belongs together is played in turns."""

import polars as pl
import pytest

from di_assets.arms import load_configs, planned_ids
from di_assets.assets.home import Home
from di_assets.control_room.runs import materialise_batches, planned_runs
from di_assets.play.keys import KeyMissingError, check_keys, models_needed
from di_assets.play.pairs import interleaved, limited
from di_assets.tables import TABLES, Warehouse
from tests.play.hostility import hostile_configs

MUTED = "title: Mute\nid: mute--{focal}_r{replicate}\nmirrors: hard\nchannel: none\nbudget_usd: 1\nbatch_size: 3\n"


@pytest.fixture
def paired(tmp_path):
    """Twelve episodes an arm and its control, four and three a batch, and an arm apart."""
    configs = hostile_configs(tmp_path / "c", "http://127.0.0.1:1", episodes=12)
    hard = tmp_path / "c" / "hard.yaml"
    hard.write_text(hard.read_text().replace("batch_size: 1000", "batch_size: 4"))
    (tmp_path / "c" / "mute.yaml").write_text(MUTED)
    (tmp_path / "c" / "apart.yaml").write_text(hard.read_text().replace("id: hard--", "id: apart--"))
    configs = load_configs(tmp_path / "c")
    return [configs.arm(name) for name in ("hard", "mute", "apart")], Warehouse(tmp_path / "w"), configs


def store(warehouse, arm, count):
    """The first `count` episodes of an arm, complete."""
    rows = [
        {"episode_id": episode, "arm": arm.name, "batch": batch, "status": "complete"}
        for episode, batch in list(planned_ids(arm).items())[:count]
    ]
    frame = pl.DataFrame(rows, schema=TABLES["episodes"].schema)
    for (batch,), part in frame.group_by("batch"):
        path = warehouse.root / "tables" / "episodes" / f"{batch}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_parquet(path)


def test_a_limit_counts_pairs_of_arms_that_mirror_and_episodes_of_others(paired):
    arms, warehouse, _ = paired
    assert limited(arms, warehouse, 5) == {
        "hard--b00": 4, "hard--b01": 1, "mute--b00": 3, "mute--b01": 2, "apart--b00": 4, "apart--b01": 1,
    }  # fmt: skip


def test_a_limit_first_fills_the_pairs_that_are_half_there(paired):
    arms, warehouse, _ = paired
    store(warehouse, arms[0], 4)
    assert limited(arms[:2], warehouse, 3) == {"mute--b00": 3}
    assert limited(arms[:2], warehouse, 6) == {"mute--b00": 3, "mute--b01": 3, "hard--b01": 2}


def test_two_controls_of_an_arm_that_is_not_played_have_the_same_pairs(paired, tmp_path):
    _, warehouse, _ = paired
    (tmp_path / "c" / "placebo.yaml").write_text(MUTED.replace("mute--", "p--").replace("none", "placebo"))
    configs = load_configs(tmp_path / "c")
    chosen = limited([configs.arm("mute"), configs.arm("placebo")], warehouse, 4)
    assert chosen == {"mute--b00": 3, "mute--b01": 1, "placebo--b00": 3, "placebo--b01": 1}


def test_batches_of_a_pair_take_turns(paired, tmp_path):
    arms, warehouse, configs = paired
    batches = [
        f"{arm}--b{number:02d}" for arm, many in (("hard", 3), ("mute", 4), ("apart", 3)) for number in range(many)
    ]
    order = ["hard--b00", "mute--b00", "mute--b01", "hard--b01", "mute--b02", "hard--b02", "mute--b03"]
    assert interleaved(arms, batches) == [*order, "apart--b00", "apart--b01", "apart--b02"]
    runs = planned_runs(Home(warehouse=warehouse, configs=configs), batches)
    assert [batch for _, together in runs for batch in together][:7] == order


@pytest.mark.slow
def test_after_a_limit_both_arms_hold_the_same_pairs(small_configs, tmp_path):
    home = Home(warehouse=Warehouse(tmp_path), configs=small_configs)
    for expected in (3, 5):
        materialise_batches(home, ["talk--b00", "mute--b00"], limit=expected if expected == 3 else 2)
        held = home.warehouse.read("episodes").filter(pl.col("status") == "complete")
        pairs = {arm: set(part["episode_id"].str.split("--").list[1]) for (arm,), part in held.group_by("arm")}
        assert len(pairs["talk"]) == expected
        assert pairs["talk"] == pairs["mute"]


def test_all_keys_that_are_missing_are_named_and_none_where_nothing_is_left(paired, monkeypatch):
    arms, warehouse, configs = paired
    monkeypatch.delenv("PLANTED_KEY", raising=False)
    assert models_needed(arms[:1], warehouse) == {"o", "a"}
    with pytest.raises(KeyMissingError, match=r"set PLANTED_KEY \(for a, o\)"):
        check_keys(configs, ["o", "a", "promiser"])
    store(warehouse, arms[0], 12)
    assert models_needed(arms[:1], warehouse) == set()
    assert models_needed(arms[:1], warehouse, launching=["hard"]) == {"o", "a"}
