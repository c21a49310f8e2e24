"""Every check passes on whole data, and fails on data that was broken on purpose, naming the rows that were."""

import shutil

import polars as pl
import pytest

from di_assets.assets.checks import (
    EVENT_CHECKS,
    LABEL_CHECKS,
    MEASURE_CHECKS,
    PROMISE_CHECKS,
    capture_antisymmetric,
    control_mirrors_arm,
    kept_promises_were_pulls,
    keys_unique,
    kinds_sum_to_one,
    measured_keys_unique,
    messages_labelled,
    planned_equals_played,
    points_equal_pulls,
    sample_replays,
)
from di_assets.assets.home import Home
from di_assets.assets.problems import MOST_NAMED, problem
from di_assets.control_room.instance import instance_of
from di_assets.control_room.runs import RunFailedError, materialise_batches
from di_assets.tables import EVENT_TABLES, Warehouse

TALK, MUTE = "talk--b00", "mute--b00"
ALL = [check for check, _ in (*EVENT_CHECKS, *LABEL_CHECKS, *PROMISE_CHECKS, *MEASURE_CHECKS)]


@pytest.fixture
def copy(played, tmp_path):
    """The played home, to be broken."""
    for folder in ("tables", "report"):
        shutil.copytree(played.warehouse.root / folder, tmp_path / folder)
    return Home(warehouse=Warehouse(tmp_path), configs=played.configs)


def overwrite(home, table, frame, batch=TALK):
    """Past the contract, as another program would that keeps the record."""
    frame.write_parquet(home.warehouse.address(table, batch))
    assert home.warehouse.adopt(batch)


def set_in_first_row(home, table, batch=TALK, **values):
    """Changes the first row of a table; returns the row as it was."""
    frame = home.warehouse.read(table, batch)
    first = pl.int_range(pl.len()) == 0
    changed = frame.with_columns(
        pl.when(first).then(pl.lit(value, dtype=frame.schema[c])).otherwise(pl.col(c)).alias(c)
        for c, value in values.items()
    )
    overwrite(home, table, changed, batch)
    return frame.row(0, named=True)


def repeat_first_row(home, table):
    frame = home.warehouse.read(table, TALK)
    overwrite(home, table, pl.concat([frame.head(1), frame]))
    return frame.row(0, named=True)


def drop_first_row(home, table):
    frame = home.warehouse.read(table, TALK)
    overwrite(home, table, frame.slice(1))
    return frame.row(0, named=True)


def other_choice(home):
    """A valid pull of the first episode, given to somebody else than the stored reply says."""
    frame = home.warehouse.read("pulls", TALK)
    row = frame.row(0, named=True)
    other = next(seat for seat in range(5) if seat not in (row["puller"], row["target"]))
    return set_in_first_row(home, "pulls", target=other)


def unkept(home):
    outcome = home.warehouse.read("promises", TALK)["outcome"][0]
    return set_in_first_row(home, "promises", outcome="broken" if outcome == "kept" else "kept")


BROKEN = {
    keys_unique: ("pulls", lambda home: repeat_first_row(home, "pulls"), ["episode_id", "event_id"]),
    measured_keys_unique: ("choices", lambda home: repeat_first_row(home, "choices"), ["episode_id"]),
    planned_equals_played: ("episodes", lambda home: drop_first_row(home, "episodes"), ["episode_id"]),
    points_equal_pulls: (
        "seat_measures",
        lambda home: set_in_first_row(home, "seat_measures", points=99),
        ["episode_id"],
    ),
    capture_antisymmetric: (
        "pair_capture",
        lambda home: set_in_first_row(home, "pair_capture", net_capture=9.0),
        ["episode_id", "seat", "other"],
    ),
    kinds_sum_to_one: (
        "episode_measures",
        lambda home: set_in_first_row(home, "episode_measures", payback_rate=0.9, unprompted_rate=0.9),
        ["episode_id"],
    ),
    sample_replays: ("episodes", other_choice, ["episode_id"]),
    messages_labelled: ("messages", lambda home: drop_first_row(home, "message_labels"), ["episode_id", "event_id"]),
    kept_promises_were_pulls: ("promises", unkept, ["episode_id", "event_id"]),
    control_mirrors_arm: (
        "episodes",
        lambda home: set_in_first_row(home, "episodes", MUTE, seed=424242),
        ["episode_id"],
    ),
}


def test_every_check_of_a_batch_is_broken_below():
    assert set(BROKEN) == set(ALL)


@pytest.mark.parametrize("check", ALL, ids=lambda check: check.__name__)
def test_whole_data_passes(played, check):
    assert check(played, TALK) is None
    assert check(played, MUTE) is None


@pytest.mark.parametrize("check", ALL, ids=lambda check: check.__name__)
def test_broken_data_fails_and_its_row_is_named(copy, check):
    table, break_it, keys = BROKEN[check]
    row = break_it(copy)
    found = check(copy, MUTE if check is control_mirrors_arm else TALK)
    assert found is not None
    assert found.table == table
    for key in keys:
        assert f"{key}={row[key]}" in found.description
    assert str(row["episode_id"]) in found.metadata()["first rows"].value


def test_other_ways_to_break_the_same_checks_are_found(copy):
    lost = drop_first_row(copy, "pair_capture")
    found = capture_antisymmetric(copy, TALK)
    assert found.rows.rows() == [(lost["episode_id"], lost["other"], lost["seat"])]
    overwrite(copy, "pulls", copy.warehouse.read("pulls", TALK).filter(pl.col("episode_id") != lost["episode_id"]))
    assert points_equal_pulls(copy, TALK).named == [f"episode_id={lost['episode_id']}"]
    message = drop_first_row(copy, "messages")
    assert message["event_id"] == messages_labelled(copy, TALK).rows["event_id"][0]
    assert messages_labelled(copy, TALK).table == "message_labels"


def test_a_label_or_a_promise_that_stands_twice_is_found(copy):
    label, promise = repeat_first_row(copy, "message_labels"), repeat_first_row(copy, "promises")
    assert str(label["event_id"]) in messages_labelled(copy, TALK).named[0]
    assert str(promise["event_id"]) in kept_promises_were_pulls(copy, TALK).named[0]


def test_a_problem_names_five_rows_in_order_and_counts_the_rest():
    rows = pl.DataFrame({"episode_id": [f"e{i}" for i in range(7, -1, -1)], "text": ["<b>"] * 8})
    found = problem("wrong", "episodes", rows, "episode_id")
    assert found.description == (
        "wrong: episodes episode_id=e0; episode_id=e1; episode_id=e2; episode_id=e3; episode_id=e4; and 3 more"
    )
    assert len(found.named) == MOST_NAMED
    assert found.metadata()["rows"].value == 8
    assert problem("wrong", "episodes", rows.head(0)) is None


def test_a_failed_check_of_a_run_names_the_row_and_holds_back_what_is_below(copy):
    row = set_in_first_row(copy, "episodes", MUTE, seed=424242)
    with pytest.raises(RunFailedError) as failed:
        materialise_batches(copy, [MUTE])
    # One line: the check, its table, and the row.
    line = str(failed.value)
    assert (
        "check control_mirrors_arm of episodes failed: not the game of its pair in talk: episodes episode_id=mute--"
        in line
    )
    assert "\n" not in line
    with instance_of(copy) as instance:
        (run,) = instance.get_runs()
        events = [e.dagster_event for e in instance.all_logs(run.run_id) if e.dagster_event]
    told = {
        (found := e.asset_check_evaluation_data).check_name: found
        for e in events
        if e.event_type_value == "ASSET_CHECK_EVALUATION"
    }["control_mirrors_arm"]
    assert not told.passed
    assert f"episode_id={row['episode_id']}" in told.description
    assert f"`{row['episode_id']}`" in told.metadata["first rows"].value
    made = {e.asset_key.to_user_string() for e in events if e.event_type_value == "ASSET_MATERIALIZATION"}
    # Labels are of messages alone, whatever is wrong with an episode.
    assert made == {table.name for table in EVENT_TABLES} | {"message_labels"}
