"""A measure is declared once: what does not fit, or is forgotten, fails when declarations are loaded."""

from dataclasses import replace
from graphlib import CycleError

import polars as pl
import pytest

from di_assets.measures.declared import MEASURES, by_batch, checked, in_order, over_all
from di_assets.measures.measure import Measure, MeasureError, Shown
from di_assets.tables import EVENT_TABLES, TABLES
from di_assets.tables.contract import EPISODE, INT, Table, columns

N_MESSAGES = Table("n_messages", "episode", ("episode_id",), columns(EPISODE, ("n", INT, "messages")))
READS = {"episodes": ("episode_id",), "messages": ("episode_id",)}


def n_messages(episodes: pl.DataFrame, messages: pl.DataFrame, *, least: int = 0) -> pl.DataFrame:
    """One row an episode."""
    raise AssertionError("never called")


def test_every_table_is_played_or_measured_and_measures_come_after_what_they_read():
    assert {*MEASURES, *(table.name for table in EVENT_TABLES)} == set(TABLES)
    assert {one.name for one in by_batch()} == {name for name in MEASURES if TABLES[name].partitioned}
    assert list(MEASURES.values()) == in_order([*by_batch(), *over_all()][::-1])
    made = {table.name for table in EVENT_TABLES}
    for measure in MEASURES.values():
        assert made >= set(measure.above), measure.name
        made.add(measure.name)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"reads": {"episodes": ("episode_id",)}}, "messages is not declared"),
        ({"reads": {**READS, "pulls": ("round",)}}, "pulls is no table that its function takes"),
        ({"reads": {**READS, "least": ("round",)}}, "least is no table that its function takes"),
        ({"settings": ("now",)}, "now is no setting that its function takes"),
        ({"settings": ("least",)}, "least is no setting that there is"),
        ({"table": replace(N_MESSAGES, name="messages_a_game")}, "its function has another name, n_messages"),
    ],
)
def test_a_declaration_that_does_not_fit_its_function_is_refused(wrong, says):
    with pytest.raises(MeasureError, match=says):
        Measure(**{"function": n_messages, "table": N_MESSAGES, "reads": READS, **wrong})


def test_a_function_without_a_docstring_is_refused(monkeypatch):
    monkeypatch.setattr(n_messages, "__doc__", None)
    with pytest.raises(MeasureError, match="n_messages: its function has no docstring"):
        Measure(n_messages, N_MESSAGES, reads=READS)


@pytest.mark.parametrize(
    ("table", "reads", "says"),
    [
        (N_MESSAGES, {**READS, "messages": ("episode_id", "words")}, "messages has no column words"),
        (replace(N_MESSAGES, keys=("n",)), READS, "has episode_id among its keys"),
    ],
)
def test_a_declaration_that_does_not_keep_the_contract_is_refused(table, reads, says, monkeypatch):
    measure = Measure(n_messages, table, reads=reads)
    with pytest.raises(MeasureError, match="its table is not in the contract"):
        checked([*MEASURES.values(), measure])
    monkeypatch.setitem(TABLES, "n_messages", table)
    with pytest.raises(MeasureError, match=says):
        checked([*MEASURES.values(), measure])


def test_a_batch_does_not_read_what_is_made_of_all_batches_and_no_labels_are_given_of_all():
    lift, labels = MEASURES["lift"], MEASURES["message_labels"]
    with pytest.MonkeyPatch.context() as patch:
        table = replace(TABLES["estimated_floors"], partitioned=True)
        patch.setitem(TABLES, "estimated_floors", table)
        with pytest.raises(MeasureError, match="a batch has no repayments"):
            replace(MEASURES["estimated_floors"], table=table).check()
    with pytest.MonkeyPatch.context() as patch:
        table = replace(labels.table, partitioned=False)
        patch.setitem(TABLES, "message_labels", table)
        with pytest.raises(MeasureError, match="labels are given of a batch"):
            replace(labels, table=table).check()
    lift.check()


@pytest.mark.parametrize(
    ("name", "columns", "says"),
    [
        ("seat_measures", ("seat", "luck"), "seat_measures: shows no column of its table, luck"),
        ("seat_measures", (), "seat_measures: shows no column of its table, none"),
        ("model_points", ("model",), "model_points: the reader shows an episode, and it is over all batches"),
    ],
)
def test_the_reader_is_shown_only_what_a_table_has_of_an_episode(name, columns, says):
    with pytest.raises(MeasureError, match=says):
        replace(MEASURES[name], shown=Shown("T", columns)).check()


def test_a_table_that_no_measure_gives_or_that_two_give_is_refused():
    with pytest.raises(MeasureError, match="table looks: no measure in di_assets/measures/ gives it"):
        checked(one for one in MEASURES.values() if one.name != "looks")
    with pytest.raises(MeasureError, match="measure looks: two measures give this table"):
        checked([*MEASURES.values(), MEASURES["looks"]])


def test_measures_that_read_each_other_are_refused():
    def repayments(episodes, choices, estimated_floors):
        """One row a model."""

    floors = MEASURES["estimated_floors"]
    reads = {**MEASURES["repayments"].reads, "estimated_floors": ("model",)}
    with pytest.raises(CycleError):
        in_order([Measure(repayments, TABLES["repayments"], reads=reads), floors])
