"""Episodes of every kind together, in any order of rows and in groups of any size, are measured as the slow program does."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from di_assets.measures import dense
from di_assets.measures.declared import by_batch
from di_assets.measures.making import make_batch
from di_assets.measures.row_spans import spans
from di_assets.tables import Warehouse
from tests.measures.test_invariants import random_vector, slowly
from tests.measures.test_vectors import KEPT, measured, tables_of, together

SIZES = [("complete", 5, 9), ("ring", 5, 9), ("star", 4, 3), ("complete", 10, 4), ("star", 20, 3), ("complete", 2, 12)]
CLOSE = {"abs": 1e-12, "rel": 0}
JUDGED = pl.lit("judge").alias("labeller")


def mixture(kinds, seed):
    """Vectors by episode id, and the tables of all of them; those of kind None did not come to their end."""
    vectors, tables = {}, []
    for number, kind in enumerate(kinds):
        topology, n, rounds = SIZES[0 if kind is None else kind]
        key, vector = f"episode-{number:02}-of-a-long-name", random_vector(seed + number, topology, n, rounds)
        made = tables_of(vector, episode_id=key, focal_seat=number % n, status="failed" if kind is None else "complete")
        # Every third message turns out not to ask for anything.
        made["labels"] = made["labels"].with_columns(asks_for_pull=pl.col("event_id") % 3 > 0)
        if kind is None:
            made |= {"pulls": made["pulls"].head(7), "messages": made["messages"].clear()}
        else:
            vectors[key] = {**vector, "asks": [ask for event, ask in enumerate(vector["asks"]) if event % 3]}
        tables.append(made)
    return vectors, together(*tables)


def check(made, vectors):
    assert made["whole"]["episode_id"].to_list() == sorted(vectors)
    for key, vector in vectors.items():
        expected = slowly(vector)
        seats, whole = (made[name].filter(pl.col("episode_id") == key) for name in ("seats", "whole"))
        assert seats["points"].to_list() == expected["points"]
        assert seats["floor_points"].to_list() == pytest.approx(expected["floor"], **CLOSE)
        assert seats["capture"].to_list() == pytest.approx(expected["capture"], **CLOSE)
        row = whole.row(0, named=True)
        rates = [row[f"{kind}_rate"] for kind in ("payback", "solicited_not_payback", "unprompted")]
        assert rates == pytest.approx(list(expected["rates"].values()), **CLOSE)
        assert (row["cascades"], row["n_pulls"]) == (expected["cascades"], sum(expected["points"]))
        assert row["n_forfeits"] == sum(pull["target"] is None for pull in vector["pulls"])
        assert row["gini"] == pytest.approx(expected["gini"], **CLOSE)
        focal = seats.filter(pl.col("role") == "focal").row(0, named=True)
        assert [row[f"focal_{name}"] for name in ("points", "floor_points", "capture")] == [
            focal[name] for name in ("points", "floor_points", "capture")
        ]
    pairs = {(r["episode_id"], r["seat"], r["other"]): r["net_capture"] for r in made["pairs"].iter_rows(named=True)}
    net = {(key, *pair): value for key, vector in vectors.items() for pair, value in slowly(vector)["net"].items()}
    assert pairs == pytest.approx(net, **CLOSE)


@settings(max_examples=40)
@given(
    st.lists(st.sampled_from([None, *range(len(SIZES))]), min_size=1, max_size=6),
    st.integers(0, 10**6),
    st.sampled_from([1, 700, 2_500, 10**7]),
    st.booleans(),
)
def test_a_mixture_of_episodes_is_measured_as_the_slow_program_does(kinds, seed, cells, shuffled):
    vectors, tables = mixture(kinds, seed)
    if shuffled:
        tables = {
            name: frame.sample(fraction=1, shuffle=True, seed=seed + k)
            for k, (name, frame) in enumerate(tables.items())
        }
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dense, "MOST_CELLS", cells)
        check(measured(tables), vectors)


def test_a_second_labeller_between_the_rows_changes_nothing():
    vectors, tables = mixture([0, 1, 3], seed=5)
    unheard = tables["labels"].with_columns(JUDGED)
    both = pl.concat([tables["labels"], unheard.with_columns(~pl.col("asks_for_pull"))])
    check(measured({**tables, "labels": both.sort("episode_id", "event_id", "labeller")}), vectors)
    assert measured({**tables, "labels": unheard})["whole"]["solicited_not_payback_rate"].sum() == 0


def test_messages_without_a_label_ask_for_nothing():
    vectors, tables = mixture([0, 1], seed=6)
    for vector in vectors.values():
        vector["asks"] = vector["asks"][:2]  # of messages 0, 1, 2 and 3 these ask: 1 and 2
    check(measured({**tables, "labels": tables["labels"].filter(pl.col("event_id") < 4)}), vectors)


@pytest.mark.parametrize("measure", by_batch(), ids=lambda one: one.name)
def test_a_measure_made_from_the_columns_it_needs_is_what_it_says_of_whole_tables(measure, tmp_path):
    warehouse, (_, tables) = Warehouse(tmp_path), mixture([0, None, 2, 4, 1], seed=7)
    tables["message_labels"] = tables.pop("labels").with_columns(promises_pull="asks_for_pull")
    for name, frame in tables.items():
        warehouse.write(name, frame, "a--b00")
    for one in by_batch():
        if one.name in measure.above and one.name not in tables:
            tables[one.name] = make_batch(warehouse, one, "a--b00", {})
    made = make_batch(warehouse, measure, "a--b00", {})
    assert made.height
    assert made.equals(measure.function(**{name: tables[name] for name in measure.reads}))
    assert warehouse.read(measure.name, "a--b00").equals(made)
    assert make_batch(warehouse, measure, "a--b01", {}).height == 0


def test_a_row_that_is_missing_is_a_pull_for_nobody_and_no_forfeit():
    tables = tables_of(KEPT)
    tables["pulls"] = tables["pulls"].filter(~((pl.col("round") == 1) & (pl.col("puller") == 0)))
    whole = measured(tables)["whole"].row(0, named=True)
    assert (whole["n_pulls"], whole["n_forfeits"]) == (3, 1)


def test_a_row_of_a_seat_or_round_the_episode_does_not_have_is_refused():
    for name, value in (("puller", 3), ("round", 3)):
        tables = tables_of(KEPT)
        last = (pl.col("round") == 2) & (pl.col("puller") == 2)
        tables["pulls"] = tables["pulls"].with_columns(pl.when(last).then(value).otherwise(name).alias(name))
        with pytest.raises(ValueError, match="invalid entry"):
            measured(tables)


def test_rows_of_an_episode_are_found_wherever_they_stand():
    frame = pl.DataFrame({"episode_id": ["a", "a", "c", "b", "d", "c"], "event_id": [0, 1, 0, 0, 0, 1]})
    found = spans(frame, pl.Series(["d", "c", "none", "a"]))
    cut = found.cut(0, 4)
    assert cut.frame.rows() == [("d", 0), ("c", 0), ("c", 1), ("a", 0), ("a", 1)]
    assert cut.episode.tolist() == [0, 1, 1, 3, 3]
    assert found.cut(2, 3).frame.height == 0
