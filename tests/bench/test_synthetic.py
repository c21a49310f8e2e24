"""The synthetic warehouse: what it holds could have been played, and is the same for the same seed."""

import polars as pl
import pytest

from bench.synthetic import ARMS, build
from di_assets.measures.declared import by_batch
from di_assets.measures.labels import message_labels
from di_assets.tables import EVENT_TABLES, TABLES, Warehouse


@pytest.fixture(scope="module")
def synthetic(tmp_path_factory):
    warehouse = Warehouse(tmp_path_factory.mktemp("synthetic"))
    build(warehouse, 110, batch_size=20, calls=True, measures=True)
    return warehouse


def test_every_event_table_of_every_arm_is_there_and_keeps_the_contract(synthetic):
    for table in EVENT_TABLES:
        for file in synthetic.files(table.name):
            frame = synthetic.scan(table.name, file.stem).collect()
            assert frame.equals(TABLES[table.name].conform(frame))
    episodes = synthetic.read("episodes")
    assert episodes.height == 110
    assert set(episodes["arm"]) == {arm.name for arm in ARMS}
    assert episodes.group_by("arm").len()["len"].sort().to_list() == [20, 20, 30, 40]
    assert episodes["scripted"].all()
    assert episodes["focal_model"].n_unique() == 5


def test_events_of_an_episode_count_up_from_0_round_by_round(synthetic):
    messages = synthetic.read("messages").select("episode_id", "event_id", "round", phase=0)
    pulls = synthetic.read("pulls").select("episode_id", "event_id", "round", phase=1)
    events = pl.concat([messages, pulls]).sort("episode_id", "round", "phase", "event_id")
    assert events["event_id"].equals(events.select(pl.int_range(pl.len()).over("episode_id")).to_series())
    assert pulls.group_by("episode_id").len()["len"].unique().to_list() == [125]


def test_pulls_and_messages_travel_along_edges_and_a_few_pulls_are_lost(synthetic):
    edges = synthetic.read("edges")
    both = pl.concat([edges, edges.select("episode_id", seat_a="seat_b", seat_b="seat_a")])
    pulls = synthetic.read("pulls")
    valid = pulls.filter(pl.col("status") == "valid")
    for frame, ends in ((valid, ["puller", "target"]), (synthetic.read("messages"), ["sender", "recipient"])):
        on = ["episode_id", "seat_a", "seat_b"]
        assert frame.join(both, left_on=["episode_id", *ends], right_on=on, how="anti").height == 0
    assert pulls.filter(pl.col("target").is_null())["status"].unique().to_list() == ["forfeit"]
    assert 0.005 < 1 - valid.height / pulls.height < 0.02
    lost = pulls.group_by("episode_id").agg(lost=pl.col("target").null_count()).sort("episode_id")
    assert lost["lost"].to_list() == synthetic.read("episodes")["n_forfeits"].to_list()


def test_the_focal_seat_is_played_by_the_focal_model(synthetic):
    focal = synthetic.read("seats").filter(pl.col("role") == "focal").select("episode_id", "seat", "model")
    stated = synthetic.read("episodes").select("episode_id", seat="focal_seat", model="focal_model")
    assert focal.equals(stated)


def test_labels_are_the_lexical_rules_and_some_messages_ask(synthetic):
    labels = synthetic.read("message_labels")
    assert labels.equals(message_labels(synthetic.read("messages")))
    assert 0 < labels["asks_for_pull"].mean() < 1
    mute = synthetic.read("episodes").filter(pl.col("channel") == "none")["episode_id"]
    assert not labels["episode_id"].is_in(mute.implode()).any()


def test_a_call_for_each_turn_says_what_was_pulled(synthetic):
    calls, episodes = synthetic.read("calls"), synthetic.read("episodes")
    counted = calls.group_by("episode_id").len().sort("episode_id")
    assert counted["len"].to_list() == episodes["n_calls"].to_list()
    letters = synthetic.read("seats").select("episode_id", "label", target="seat")
    said = (
        synthetic.read("pulls")
        .join(letters, on=["episode_id", "target"], how="left")
        .join(
            calls.filter(pl.col("phase") == "pull"),
            left_on=["episode_id", "round", "puller"],
            right_on=["episode_id", "round", "seat"],
        )
    )
    pulled = said["reply_text"].str.json_path_match("$.pull")
    assert pulled.equals(said["label"], null_equal=True, check_names=False)


def test_the_same_seed_gives_the_same_bytes_and_another_does_not(tmp_path):
    folders = [Warehouse(tmp_path / name) for name in "abc"]
    for warehouse, seed in zip(folders, (3, 3, 4), strict=True):
        build(warehouse, 12, seed=seed, batch_size=6)
    one, same, other = ({p.relative_to(w.root): p.read_bytes() for p in w.root.rglob("*.parquet")} for w in folders)
    assert one == same
    assert one.keys() == other.keys()
    assert one != other


def test_it_comes_with_its_measures_when_asked(synthetic):
    for measure in by_batch():
        assert len(synthetic.files(measure.name)) == len(synthetic.files("episodes")), measure.name
    assert synthetic.read("episode_measures").height == 110
    assert synthetic.read("pair_capture").height == 110 * 20
    assert synthetic.read("pull_kinds").height == synthetic.read("episode_measures")["n_pulls"].sum()
