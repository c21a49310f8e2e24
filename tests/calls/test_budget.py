"""Money over real HTTP: what is reserved bounds what is spent, and an episode that stopped is resumed."""

import asyncio

import pytest

from di_assets.arms import load_configs
from di_assets.calls.budget import Budget, BudgetExceededError
from di_assets.play.batch import play_batch
from di_assets.tables import Warehouse
from tests.conftest import ROOT
from tests.providers.server import answer, good, serving


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
