"""The words of the table contract are those that the game, the arms and the providers use."""

from typing import get_args, get_type_hints

import polars as pl
import pytest

from di_assets.agents.replies import READERS
from di_assets.calls.call import COLUMN_OF, FAULTS, Call
from di_assets.calls.place import Place
from di_assets.game import types
from di_assets.providers.asking import Kind
from di_assets.providers.types import FaultKind
from di_assets.tables import TABLES, words

# Columns of `calls` that the episode knows, and a call does not.
OF_THE_EPISODE = {"episode_id", "call_id", "provider", "model"}


@pytest.mark.parametrize(
    ("kind", "known"),
    [
        (types.Channel, {words.OPEN, words.NO_MESSAGES, words.FOCAL_MUTED, words.RIVALS_MUTED, words.PLACEBO}),
        (types.Channel, set(words.MESSAGING)),
        (types.PullStatus, {words.VALID, words.FORFEIT, words.KEPT}),
        (types.Phase, set(words.PHASES)),
        (Kind, {words.LLM, words.SCRIPTED}),
    ],
)
def test_those_who_play_and_the_tables_use_the_same_words(kind, known):
    assert set(get_args(kind)) == known


def test_every_fault_is_a_status_and_no_reply_has_one():
    assert {*get_args(FaultKind), words.INTERRUPTED} == FAULTS
    assert words.OK not in FAULTS


def test_files_that_name_no_reader_were_read_by_one_that_is_known():
    assert min(READERS, key=int) == words.FIRST_READER


def test_a_condition_says_whether_all_talk():
    assert words.condition_of("ring", "outside(0.5)", words.OPEN) == "ring/outside(0.5)/msg-on"
    assert [c for c in words.MESSAGING if words.talks_openly(words.condition_of("ring", "pure", c))] == [words.OPEN]


def test_a_call_begins_with_its_place():
    call = Call(*range(len(Call._fields)))
    assert call.place == Place(0, 1, 2, 3, 4)
    assert Call._fields[:5] == Place._fields


def test_every_field_of_a_call_is_in_the_contract_and_every_column_is_a_field_or_the_episode_s():
    columns = {column.name: column for column in TABLES["calls"].columns}
    kept = {name: column for name, column in COLUMN_OF.items() if column is not None}
    assert set(columns) - set(kept.values()) == OF_THE_EPISODE
    assert set(COLUMN_OF) - set(kept) == {"stop"}  # follows from the status
    hints = get_type_hints(Call)
    dtypes = {str: pl.String(), int: pl.Int64(), float: pl.Float64()}
    for name, column in kept.items():
        required = hints[name] in dtypes
        kind = hints[name] if required else next(one for one in get_args(hints[name]) if one is not type(None))
        expected = pl.Datetime("us", "UTC") if name == "started_at" else dtypes[kind]
        assert columns[column].dtype == expected, name
        assert not columns[column].nullable or not required or name == "cost_usd", name
