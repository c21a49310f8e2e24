"""How a call leaves: broken replies asked for again and paid for each time, what went wrong told with the reply."""

import pytest

from di_assets.agents.player import Ask
from di_assets.arms import ModelConfig, Price
from di_assets.play import sending
from di_assets.play.budget import Budget, most_it_can_cost, size
from di_assets.play.sending import Lines
from di_assets.providers.types import BrokenReplyFault, Request, TransportFault
from tests.providers.server import RESET, SILENCE, answer, good, serving

ASK = Ask(
    request_hash="h",
    payload=Request.of(system="rules", turns=(("user", "one"),), schema=None, seed=7, cache_key="e/A"),
)
HTML = answer(200, "<html>busy</html>", content_type="text/html")
BUSY = answer(429, "{}", ["retry-after-ms: 5"])
DIALECTS = ["anthropic", "openai"]


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(sending, "FIRST_WAIT_S", 0.01)


class Seat:
    """A model's seat that sends what it is given."""

    model, kind = "m", "llm"

    def __init__(self, lines):
        self.lines = lines

    async def send(self, ask):
        return await self.lines.provider("m").complete(ask.payload)


async def send(dialect, *script, limit=None, **options):
    """What came, what went out (its most in dollars, each time), the budget, the bound of one call."""
    async with serving(*script) as (url, received):
        base = f"{url}/v1" if dialect == "openai" else url
        options = {"price": Price(input=3, output=15), "max_tokens": 50, "max_retries": 2, "timeout_s": 20, **options}
        config = ModelConfig(provider=dialect, id="x", base_url=base, key="none", **options)
        budget, out = Budget(limit), []
        lines = Lines({"m": config}, {}, [budget])
        bound = most_it_can_cost(config, size(ASK.payload), 1)
        try:
            return await lines.send(Seat(lines), ASK, out.append), out, budget, bound, received
        except TransportFault as fault:
            fault.seen = (out, budget, bound, received)
            raise
        finally:
            await lines.close()


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_broken_reply_is_asked_for_again_and_reserved_again(dialect):
    sent, out, budget, bound, received = await send(dialect, HTML, BUSY, answer(body=good(dialect)))
    assert sent.completion.text == "hello"
    assert sent.completion.retried == ("broken_reply", "rate_limit")
    assert out == [bound, bound, bound]
    assert len(received) == 3
    assert bound < sent.cost_usd < 2 * bound
    assert budget.spent_usd == pytest.approx(sent.cost_usd)
    assert budget.reserved_usd == 0


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_reply_that_stays_broken_is_a_fault_that_says_what_it_may_have_cost(dialect):
    with pytest.raises(BrokenReplyFault) as caught:
        await send(dialect, HTML)
    out, budget, bound, received = caught.value.seen
    assert caught.value.retried == ("broken_reply", "broken_reply")
    assert len(received) == len(out) == 3
    assert caught.value.cost_usd == pytest.approx(3 * bound) == pytest.approx(budget.spent_usd)


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_budget_that_ends_between_two_tries_tells_what_the_first_cost(dialect):
    with pytest.raises(BrokenReplyFault) as caught:
        await send(dialect, HTML, answer(body=good(dialect)), limit=0.0015)
    out, budget, bound, received = caught.value.seen
    assert len(received) == len(out) == 1
    assert bound < 0.0015 < 2 * bound
    assert caught.value.cost_usd == pytest.approx(bound) == pytest.approx(budget.spent_usd)


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    ("fault", "kind", "paid"), [(RESET, "connection", 2), (SILENCE, "timeout", 2), (BUSY, "rate_limit", 0)]
)
async def test_what_may_have_been_charged_is_counted_each_time_and_nothing_else(dialect, fault, kind, paid):
    with pytest.raises(TransportFault) as caught:
        await send(dialect, fault, timeout_s=0.8, max_retries=1)
    _, budget, bound, _ = caught.value.seen
    assert caught.value.kind == kind
    assert caught.value.cost_usd == pytest.approx(budget.spent_usd) == pytest.approx(paid * bound)


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_refusal_slows_the_account_down(dialect):
    sent, *_ = await send(dialect, BUSY, answer(body=good(dialect)))
    assert sent.completion.retried == ("rate_limit",)


async def test_models_of_one_account_share_its_gate_and_its_refusals():
    price = Price(input=0, output=0)
    models = {
        name: ModelConfig(provider="openai", id=name, base_url=url, key="none", price=price)
        for name, url in {"a": "http://h:1/v1", "b": "http://h:1/v1", "c": "http://h:2/v1"}.items()
    }
    assert [config.account for config in models.values()] == ["h:1", "h:1", "h:2"]
    lines = Lines(models, {}, [])
    gates = lines._tolls._accounts
    assert set(gates) == {"h:1", "h:2"}
    lines.connect(models)
    lines.provider("a")._slow_down(0.0)
    assert gates["h:1"].window < gates["h:2"].window
    await lines.close()
