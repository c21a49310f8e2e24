"""What a call can cost at most, and what it did cost by the usage that was told."""

import pytest

from di_assets.arms import ModelConfig, Price
from di_assets.calls.costing import cost_of, least_tokens, most_it_can_cost, size, text_bytes
from di_assets.providers.types import Completion, Request

CONFIG = ModelConfig(provider="openai", id="m", price=Price(input=2.0, cached=0.5, output=10.0), max_tokens=100)
REQUEST = Request.of(system="é" * 50, turns=(("user", "hello"),), schema={"type": "object"}, seed=1, cache_key="k")


def cost(completion, *, config=CONFIG, sent_bytes=1_000, most_usd=9.0):
    return cost_of(config, completion, sent_bytes=sent_bytes, most_usd=most_usd)


def told(sent, received, *, text="", **more):
    return Completion(text=text, input_tokens=sent, output_tokens=received, **more)


def test_cost_counts_cached_tokens_at_their_price():
    reply = told(1_000_000, 100_000, cached_tokens=400_000)
    assert cost(reply) == pytest.approx(0.6 * 2.0 + 0.4 * 0.5 + 0.1 * 10.0)


def test_tokens_written_to_a_cache_have_a_price_of_their_own():
    reply = told(1_000_000, 0, cached_tokens=400_000, written_tokens=500_000)
    config = CONFIG.model_copy(update={"price": Price(input=2.0, cached=0.5, written=3.0, output=1.0)})
    assert cost(reply, config=config) == pytest.approx(0.1 * 2.0 + 0.4 * 0.5 + 0.5 * 3.0)
    assert ModelConfig(provider="anthropic", id="m", price=Price(input=2, output=1)).price.written == 2.5


@pytest.mark.parametrize(
    "reply",
    [
        Completion(text="hello"),
        told(400, None, text="hello"),
        told(None, 20, text="hello"),
        told(0, 0, text="hello"),
        told(400, 0, text="hello"),
        told(0, 20, text="hello"),
        told(400, 0, reasoning="hm"),
        told(400, 7, text="hello", reasoning="I wonder. " * 12),
        told(400, 1, text="x" * 129),
        told(7, 20, text="hello"),
        told(-400, 20, text="hello"),
        told(400, -20, text="hello"),
        told(400, 20, cached_tokens=-1),
        told(400, 20, cached_tokens=401),
        told(400, 20, cached_tokens=300, written_tokens=101),
    ],
)
def test_usage_that_cannot_be_counts_as_the_most_a_call_can_cost(reply):
    assert cost(reply, most_usd=0.7) == 0.7


def test_usage_that_can_be_is_believed_on_both_sides_of_what_is_likely(caplog):
    assert cost(told(8, 1, text="x" * 128)) == pytest.approx((8 * 2 + 1 * 10) / 1e6)
    assert cost(told(400, 0)) == pytest.approx(400 * 2 / 1e6)
    assert cost(told(400, 20, cached_tokens=400, text="hello")) == pytest.approx((400 * 0.5 + 20 * 10) / 1e6)
    assert cost(told(10**6, 10**6), most_usd=0.7) == pytest.approx(12.0)
    assert not caplog.text


def test_a_prompt_that_was_refused_unbilled_costs_nothing():
    assert cost(Completion(text="", billed=False)) == 0.0
    assert cost(told(400, 0, billed=False)) == 0.0


def test_a_text_has_at_least_one_token_for_as_many_bytes_as_the_longest_word_of_a_vocabulary():
    assert [least_tokens(n) for n in (0, 1, 128, 129)] == [0, 1, 1, 2]


def test_the_most_that_a_call_can_cost_bounds_what_it_can_cost():
    tokens = len(("é" * 50 + "hello").encode())
    assert size(REQUEST) > text_bytes(REQUEST) >= tokens
    assert most_it_can_cost(CONFIG, size(REQUEST), 1) >= (tokens * 2.0 + 100 * 10.0) / 1e6


def test_tokens_that_are_kept_in_a_cache_for_an_hour_cost_more():
    config = ModelConfig(provider="anthropic", id="m", price=Price(input=2, output=1))
    reply = told(1_000, 0, written_tokens=600, written_hour_tokens=400)
    assert cost(reply, config=config) == pytest.approx((400 * 2 + 200 * 2.5 + 400 * 4) / 1e6)


def test_what_params_add_to_each_request_counts_as_text():
    tools = CONFIG.model_copy(update={"params": {"tools": [{"description": "x" * 1_000}]}})
    assert most_it_can_cost(tools, 10, 1) - most_it_can_cost(CONFIG, 10, 1) > 1_000 * 2.0 / 1e6
