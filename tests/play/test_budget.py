"""Money over real HTTP: what is reserved bounds what is spent, and an episode that stopped is resumed."""

import asyncio

import pytest

from di_assets.arms import ModelConfig, Price, load_configs
from di_assets.play.batch import play_batch
from di_assets.play.budget import Budget, BudgetExceededError, cost_of, most_it_can_cost, size
from di_assets.providers.types import Completion, Request
from di_assets.tables import Warehouse
from tests.conftest import ROOT
from tests.providers.server import answer, good, serving

CONFIG = ModelConfig(provider="openai", id="m", price=Price(input=2.0, cached=0.5, output=10.0), max_tokens=100)


def test_cost_counts_cached_tokens_at_their_price():
    reply = Completion(text="", input_tokens=1_000_000, cached_tokens=400_000, output_tokens=100_000)
    assert cost_of(CONFIG, reply, otherwise=9.0) == pytest.approx(0.6 * 2.0 + 0.4 * 0.5 + 0.1 * 10.0)


def test_tokens_written_to_a_cache_have_a_price_of_their_own():
    reply = Completion(text="", input_tokens=1_000_000, cached_tokens=400_000, written_tokens=500_000, output_tokens=0)
    config = CONFIG.model_copy(update={"price": Price(input=2.0, cached=0.5, written=3.0, output=1.0)})
    assert cost_of(config, reply, otherwise=9.0) == pytest.approx(0.1 * 2.0 + 0.4 * 0.5 + 0.5 * 3.0)
    assert ModelConfig(provider="anthropic", id="m", price=Price(input=2, output=1)).price.written == 2.5


def test_unknown_usage_is_taken_to_cost_the_most_and_impossible_usage_no_more(caplog):
    assert cost_of(CONFIG, Completion(text=""), otherwise=0.7) == 0.7
    assert cost_of(CONFIG, Completion(text="", input_tokens=10**9, output_tokens=1), otherwise=0.7) == 0.7
    assert "can cost $0.7000 at most" in caplog.text


def test_a_reservation_bounds_what_a_call_can_cost():
    request = Request.of(system="é" * 50, turns=(("user", "hello"),), schema=None, seed=1, cache_key="k")
    tokens = len(("é" * 50 + "hello").encode())
    assert size(request) >= tokens
    assert most_it_can_cost(CONFIG, size(request), 1) >= (tokens * 2.0 + 100 * 10.0) / 1e6


async def test_a_reservation_waits_for_calls_in_flight_before_it_gives_up():
    budget = Budget(1.0)
    await budget.reserve(0.8)
    waiting = asyncio.create_task(budget.reserve(0.5))
    await asyncio.sleep(0)
    assert not waiting.done()
    budget.settle(0.8, 0.1)
    await waiting
    budget.settle(0.5, 0.5)
    with pytest.raises(BudgetExceededError):
        await budget.reserve(0.6)
    assert budget.spent_usd == pytest.approx(0.6)


def arm_over(url, folder, budget):
    (folder / "prompts").symlink_to(ROOT / "configs" / "prompts")
    (folder / "models.yaml").write_text(
        f"models:\n  m: {{provider: openai, id: x, base_url: '{url}/v1', key: none, price: {{input: 10, output: 10}}, max_tokens: 50}}\n"
    )
    (folder / "paid.yaml").write_text(
        f"title: Paid\nid: paid--{{focal}}_r{{replicate}}\nfocal: [m]\nbackground: [random, random, random, random]\n"
        f"episodes: 3\nrounds: 2\nchannel: none\nbudget_usd: {budget}\n"
    )
    return load_configs(folder)


async def test_a_spent_budget_stops_play_and_loses_nothing(tmp_path):
    usage = {"prompt_tokens": 900, "completion_tokens": 3}
    reply = answer(body=good("openai", '{"pull": "Player A"} {"pull": "B"}', usage=usage))
    async with serving(reply) as (url, received):
        configs = arm_over(url, tmp_path, budget=0.04)
        warehouse, arm = Warehouse(tmp_path / "w"), configs.arm("paid")
        first = await asyncio.to_thread(play_batch, configs, arm, "paid--b00", warehouse)
        spent = first.cost_usd
        assert first.stopped is not None
        assert spent <= 0.04
        assert first.left == 3 - first.complete
        richer = arm.model_copy(update={"budget_usd": 1.0})
        second = await asyncio.to_thread(play_batch, configs, richer, "paid--b00", warehouse)
        assert (second.complete, second.left) == (3, 0)
        assert len(received) == warehouse.read("calls").filter(provider="openai").height
