"""Rows in key order: told from all others, and what is not in order is put in order or refused."""

from itertools import pairwise

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from di_assets.tables import TABLES, ContractError, Warehouse

EDGES = TABLES["edges"]
ROWS = st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 2), st.integers(0, 2)), max_size=6)


def frame_of(rows):
    return pl.DataFrame(rows, schema=EDGES.schema, orient="row")


@given(ROWS)
def test_rows_are_in_order_when_each_key_is_above_the_one_before(rows):
    assert EDGES.in_order(frame_of(rows)) == all(a < b for a, b in pairwise(rows))


@given(ROWS)
def test_a_frame_conforms_sorted_or_names_the_key_it_has_twice(rows):
    if len(set(rows)) < len(rows):
        with pytest.raises(ContractError, match="occurs more than once"):
            EDGES.conform(frame_of(rows))
    else:
        assert EDGES.conform(frame_of(rows)).rows() == sorted(rows)


def test_a_table_is_read_in_key_order_over_all_its_partitions(tmp_path):
    warehouse = Warehouse(tmp_path)
    warehouse.write("edges", frame_of([("b", 0, 1), ("c", 0, 1)]), "a--b00")
    warehouse.write("edges", frame_of([("a", 0, 1)]), "a--b01")
    assert warehouse.read("edges")["episode_id"].to_list() == ["a", "b", "c"]
    assert warehouse.read("edges", "a--b00")["episode_id"].to_list() == ["b", "c"]
    assert warehouse.read("edges", "a--b02").height == 0
