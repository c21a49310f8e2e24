"""Money over real HTTP: what is reserved bounds what is spent, and an episode that stopped is resumed."""

import asyncio

import pytest

from di_assets.arms import ModelConfig, Price, load_configs
from di_assets.play.batch import play_batch
from di_assets.play.budget import Budget, BudgetExceededError, cost_of, most_it_can_cost
from di_assets.providers.types import Completion, Request
from di_assets.tables import Warehouse
from tests.conftest import ROOT
from tests.providers.server import answer, good, serving

CONFIG = ModelConfig(provider="openai", id="m", price=Price(input=2.0, cached=0.5, output=10.0), max_tokens=100)


def test_cost_counts_cached_tokens_at_their_price():
    reply = Completion(text="", input_tokens=1_000_000, cached_tokens=400_000, output_tokens=100_000)
    assert cost_of(CONFIG, reply) == pytest.approx(0.6 * 2.0 + 0.4 * 0.5 + 0.1 * 10.0)
    assert cost_of(CONFIG, Completion(text="")) is None


def test_a_reservation_bounds_what_a_call_can_cost():
    request = Request(system="é" * 50, turns=(("user", "hello"),), schema=None, seed=1, cache_key="k")
    tokens = len(("é" * 50 + "hello").encode())
    assert most_it_can_cost(CONFIG, request) >= (tokens * 2.0 + 100 * 10.0) / 1e6


async def test_a_reservation_waits_for_calls_in_flight_before_it_gives_up():
    budget = Budget(1.0)
    await budget.reserve(0.8)
    waiting = asyncio.create_task(budget.reserve(0.5))
    await asyncio.sleep(0)
    assert not waiting.done()
    await budget.settle(0.8, 0.1)
    await waiting
    with pytest.raises(BudgetExceededError):
        await asyncio.gather(budget.settle(0.5, 0.5), budget.reserve(0.6))
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
