"""A bill against the recorded calls, from literal tables."""

from datetime import UTC, date, datetime

import polars as pl
import pytest

from di_assets.measures.billing import (
    AGREES,
    AT_MOST,
    BY_DAY,
    BY_REQUEST,
    COST_DIFFERS,
    ONLY_BILLED,
    ONLY_RECORDED,
    SCHEMA,
    TOKENS_DIFFER,
    compare,
    match_names,
)
from di_assets.tables.bills import SCHEMA as BILL

DAY = date(2026, 11, 20)
CALL = {"request_id": None, "started_at": datetime(2026, 11, 20, 23, 59, tzinfo=UTC), "model": "m", "input_tokens": 400,
        "output_tokens": 20, "cost_usd": 0.01, "bound_usd": 0.05, "retried": None}  # fmt: skip
TYPES = {"request_id": pl.String, "retried": pl.String, "started_at": pl.Datetime("us", "UTC"), "cost_usd": pl.Float64,
         "bound_usd": pl.Float64, "input_tokens": pl.Int64, "output_tokens": pl.Int64, "model": pl.String}  # fmt: skip
LINE = {
    "request_id": None,
    "day": DAY,
    "model": "m",
    "requests": 1,
    "input_tokens": 400,
    "output_tokens": 20,
    "usd": 0.01,
}
UNTOLD = {"input_tokens": None, "output_tokens": None, "cost_usd": 0.05}


def calls(*rows):
    return pl.DataFrame([CALL | row for row in rows], schema=TYPES)


def bill(*rows):
    return pl.DataFrame([LINE | row for row in rows], schema=BILL)


def found(recorded, billed, by=BY_REQUEST, **options):
    rows = compare(calls(*recorded), bill(*billed), by=by, **options)
    assert dict(rows.schema) == SCHEMA
    return [(row["request_id"] or row["model"], row["finding"]) for row in rows.iter_rows(named=True)]


@pytest.mark.parametrize(
    ("recorded", "billed", "finding"),
    [
        ({}, {}, AGREES),
        ({}, {"usd": 0.0100004}, AGREES),
        ({}, {"usd": 0.011}, COST_DIFFERS),
        ({}, {"usd": 0.009}, COST_DIFFERS),
        ({}, {"usd": 0.01, "input_tokens": 390}, AGREES),  # some bills count in tokens of their own
        ({}, {"usd": None}, AGREES),
        ({}, {"usd": None, "input_tokens": 401}, TOKENS_DIFFER),
        ({}, {"usd": None, "output_tokens": 19}, TOKENS_DIFFER),
        (UNTOLD, {"usd": 0.02}, AT_MOST),
        (UNTOLD, {"usd": 0.06}, COST_DIFFERS),
        ({"cost_usd": 0.05}, {"usd": 0.02}, AT_MOST),  # told, but could not be
        ({"cost_usd": 0.07}, {"usd": 0.07}, AGREES),  # above what the call could cost, and charged
        ({"cost_usd": 0.07}, {"usd": 0.05}, COST_DIFFERS),
        ({"retried": "server_error"}, {"usd": 0.004}, AT_MOST),
        ({"retried": "rate_limit rate_limit"}, {"usd": 0.004}, COST_DIFFERS),
    ],
)
def test_a_request_on_both_sides(recorded, billed, finding):
    assert found([recorded | {"request_id": "r"}], [billed | {"request_id": "r"}]) == [("r", finding)]


def test_what_either_side_lacks():
    recorded = [{"request_id": "both"}, {"request_id": "ours"}, {}, {**UNTOLD, "model": "lost"}]
    billed = [{"request_id": "both"}, {"request_id": "theirs"}, {"request_id": "free", "usd": 0.0}]
    assert sorted(found(recorded, billed)) == [
        ("both", AGREES),
        ("lost", AT_MOST),
        ("m", ONLY_RECORDED),
        ("ours", ONLY_RECORDED),
        ("theirs", ONLY_BILLED),
    ]


def test_calls_that_cost_nothing_need_no_line_in_the_bill():
    assert found([{"cost_usd": 0.0, "bound_usd": 0.0}], []) == []
    assert found([{"cost_usd": 0.0, "bound_usd": 0.0}], [], by=BY_DAY) == []


def test_a_call_answers_for_every_try_and_calls_of_one_id_are_one():
    assert found(
        [{"request_id": "a b", "cost_usd": 0.03}], [{"request_id": "a", "usd": 0.02}, {"request_id": "b"}]
    ) == [("a b", AGREES)]
    same = [{"request_id": "same"}] * 3
    assert found(same, same) == [("same", AGREES)]
    assert found(same, same[:2]) == [("same", COST_DIFFERS)]


def test_days_are_counted_in_utc_and_models_apart():
    recorded = [{}, {}, {"model": "other"}, {"started_at": datetime(2026, 11, 21, tzinfo=UTC)}]
    billed = [{"usd": 0.0195}, {"model": "unknown", "usd": 0.01}, {"day": date(2026, 11, 21), "usd": 0.02}]
    rows = compare(calls(*recorded), bill(*billed), by=BY_DAY)
    assert rows.select("day", "model", "finding", "recorded_calls").rows() == [
        (DAY, "m", AGREES, 2),
        (DAY, "other", ONLY_RECORDED, 1),
        (DAY, "unknown", ONLY_BILLED, None),
        (date(2026, 11, 21), "m", COST_DIFFERS, 1),
    ]
    assert found([{}], [{"usd": 0.02}], by=BY_DAY, apart_usd=0.02) == [("m", AGREES)]


def test_a_day_with_calls_that_were_recorded_at_most_may_be_charged_less_and_not_more():
    recorded = [{}, UNTOLD]
    assert found(recorded, [{"usd": 0.02}], by=BY_DAY) == [("m", AT_MOST)]
    assert found(recorded, [{"usd": 0.004}], by=BY_DAY) == [("m", COST_DIFFERS)]
    assert found(recorded, [{"usd": 0.07}], by=BY_DAY) == [("m", COST_DIFFERS)]
    assert found(recorded, [{"usd": None, "input_tokens": 500}], by=BY_DAY) == [("m", AT_MOST)]
    assert found(recorded, [{"usd": None, "input_tokens": 300}], by=BY_DAY) == [("m", TOKENS_DIFFER)]


def test_a_bill_s_parts_are_added_before_they_are_compared():
    parts = [{"usd": 0.006, "input_tokens": 400, "output_tokens": None}, {"usd": 0.004, "input_tokens": None}]
    assert found([{}], parts, by=BY_DAY) == [("m", AGREES)]


def test_models_are_known_by_other_names_where_only_one_can_be_meant():
    ours = {
        "gpt": ("gpt", "gpt-5.4-mini-2026-08-01"),
        "claude": ("claude", "claude-opus-5-20260901"),
        "old": ("old", "gpt-4o-2024-05-13"),
        "new": ("new", "gpt-4o-2024-08-06"),
    }
    billed = [
        "gpt-5.4-mini-2026-08-01", "openai/gpt-5.4-mini", "gpt-5.4-mini, input", "Claude Opus 5", "gpt-4o",
        "gpt-4o-2024-05-13", "mistral",
    ]  # fmt: skip
    assert match_names(billed, ours) == {
        "gpt-5.4-mini-2026-08-01": "gpt",
        "openai/gpt-5.4-mini": "gpt",
        "gpt-5.4-mini, input": "gpt",
        "Claude Opus 5": "claude",
        "gpt-4o-2024-05-13": "old",
    }
