"""The cost that a server tells, read from the places where gateways put it; anything that is no cost is ignored."""

import json

import pytest

from di_assets.providers.told_cost import told_cost
from di_assets.providers.types import FatalFault, TransportFault
from tests.providers import wire
from tests.providers.server import answer, good
from tests.providers.test_providers import DIALECTS
from tests.providers.test_wire import _keyed, each  # noqa: F401 -- a fixture

pytestmark = pytest.mark.usefixtures("_keyed")
NAME = "x-litellm-response-cost"


@pytest.mark.parametrize(
    ("usage", "header", "usd"),
    [
        ({"cost": 0.0125}, None, 0.0125),
        ({"cost": 0}, None, 0.0),
        ({"cost": 3}, None, 3.0),
        ({"total_cost": 0.5}, None, 0.5),
        ({"cost": 0.25, "total_cost": 0.5}, None, 0.5),
        ({"cost": {"input_tokens_cost": 0.1, "total_cost": 0.7}}, None, 0.7),
        ({}, "0.000415", 0.000415),
        ({}, "4.15e-05", 4.15e-05),
        ({"cost": 0.25}, "0.5", 0.5),
        ({"cost": "0.25"}, "0.5", 0.5),
        ({"cost": 10_000}, None, 10_000.0),
    ],
)
def test_a_cost_is_read_and_of_several_the_largest(usage, header, usd):
    assert told_cost({"usage": usage}, {} if header is None else {NAME: header}) == usd


@pytest.mark.parametrize(
    "value",
    ["0.5", "", True, None, -0.5, -1, float("nan"), float("inf"), float("-inf"), 1e308, 10**400, 10_001, [0.5],
     {"cost": 0.5}, {"total_cost": "0.5"}, {"total_cost": {"total_cost": 1}}],
)  # fmt: skip
def test_what_is_no_cost_is_ignored(value):
    assert told_cost({"usage": {"cost": value, "total_cost": value}}, {}) is None


@pytest.mark.parametrize(
    "text",
    ["", "None", "nan", "inf", "-1", "+1", "1_0", " 1", "1e308", "1e999", "0x1", "\u0661", "1" * 500, "$1", "1,5"],
)
def test_a_header_that_is_no_cost_is_ignored(text):
    assert told_cost({}, {NAME: text}) is None


@pytest.mark.parametrize("data", [None, [], "x", 7, {"usage": None}, {"usage": []}, {"usage": "cost"}, {"cost": 5}])
def test_a_body_of_any_kind_has_no_cost(data):
    assert told_cost(data, {}) is None


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_it_comes_with_replies_and_with_faults_and_never_breaks_one(dialect):
    usage = json.loads(good(dialect))["usage"]
    answers = [
        answer(body=good(dialect, usage=usage | {"cost": 0.5})),
        answer(body=good(dialect), headers=(f"{NAME}: 0.25",)),
        answer(body=good(dialect, usage=usage | {"cost": {"a": [1e308]}, "total_cost": float("nan")})),
        answer(body=good(dialect)),
        wire.sent(429, {}, f"{NAME}: 0.125"),
        wire.sent(401, {"usage": {"cost": 0.5}}),
        wire.sent(500, "<html>", f"{NAME}: None"),
    ]
    outcomes, _ = await each(dialect, answers)
    assert [outcome.told_usd for outcome in outcomes] == [0.5, 0.25, None, None, 0.125, 0.5, None]
    assert [outcome.text for outcome in outcomes[:4]] == ["hello"] * 4
    assert [type(outcome) for outcome in outcomes[4:]] == [TransportFault, FatalFault, TransportFault]
