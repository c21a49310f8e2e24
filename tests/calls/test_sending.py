"""How a call leaves: each try paid for, faults tried again under one deadline, what went wrong told with the reply."""

import asyncio
import time

import pytest

from di_assets.arms import ModelConfig, Price
from di_assets.arms.models import Account
from di_assets.calls import sending
from di_assets.calls.budget import Budget, BudgetExceededError, OverchargedError
from di_assets.calls.costing import most_it_can_cost, size
from di_assets.calls.permits import LocalPermits
from di_assets.calls.sending import Lines
from di_assets.calls.stopping import Stop, StoppedError
from di_assets.providers.asking import Ask
from di_assets.providers.types import BrokenReplyFault, FatalFault, ProviderError, Request, TransportFault
from tests.providers.server import RESET, SILENCE, answer, good, serving

ASK = Ask(
    request_hash="h",
    payload=Request.of(system="rules", turns=(("user", "one"),), schema=None, seed=7, cache_key="e/A"),
)
HTML = answer(200, "<html>busy</html>", content_type="text/html")
BUSY = answer(429, "{}", ["retry-after-ms: 5"])
FAILED = answer(500, "{}")
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


class Out(list):
    """What went out: the most it can cost, each time; and how many were free after all."""

    forgotten = 0

    def __call__(self, most_usd):
        self.append(most_usd)
        return self.forget

    def forget(self):
        self.forgotten += 1


async def send(dialect, *script, limit=None, account=None, stop=None, lines=None, **options):
    """What came, what went out (its most in dollars, each time), the budget, the bound of one try."""
    async with serving(*script) as (url, received):
        base = f"{url}/v1" if dialect == "openai" else url
        options = {"price": Price(input=3, output=15), "max_tokens": 50, "max_retries": 2, "timeout_s": 20, **options}
        config = ModelConfig(provider=dialect, id="x", base_url=base, key="none", **options)
        budget, out = Budget(limit), Out()
        lines = Lines({"m": config}, {config.account: account or Account()}, [budget], stop=stop)
        bound = most_it_can_cost(config, size(ASK.payload), 1)
        try:
            return await lines.send(Seat(lines), ASK, out), out, budget, bound, received
        except ProviderError as fault:
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
    assert bound < sent.cost_usd < 2 * bound == pytest.approx(sent.bound_usd)
    assert out.forgotten == 1  # the refusal
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
    assert caught.value.bound_usd == pytest.approx(3 * bound)


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_budget_that_ends_between_two_tries_tells_what_the_first_cost(dialect):
    with pytest.raises(BrokenReplyFault) as caught:
        await send(dialect, HTML, answer(body=good(dialect)), limit=0.0015)
    out, budget, bound, received = caught.value.seen
    assert len(received) == len(out) == 1
    assert bound < 0.0015 < 2 * bound
    assert caught.value.cost_usd == pytest.approx(bound) == pytest.approx(budget.spent_usd)
    assert isinstance(caught.value.__cause__, BudgetExceededError)


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    ("fault", "kind", "paid"),
    [(RESET, "connection", 2), (FAILED, "server_error", 2), (SILENCE, "timeout", 1), (BUSY, "rate_limit", 0)],
)
async def test_what_may_have_been_charged_is_counted_each_time_and_nothing_else(dialect, fault, kind, paid):
    with pytest.raises(TransportFault) as caught:
        await send(dialect, fault, timeout_s=0.8, max_retries=1)
    out, budget, bound, received = caught.value.seen
    assert caught.value.kind == kind
    assert caught.value.cost_usd == pytest.approx(budget.spent_usd) == pytest.approx(paid * bound)
    assert len(received) == len(out) == paid + out.forgotten


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(("fault", "paid"), [(RESET, 0), (FAILED, 0), (HTML, 0), (SILENCE, 1), (answer(401, "{}"), 0)])
async def test_an_account_may_say_that_its_failures_are_not_billed(dialect, fault, paid):
    with pytest.raises((TransportFault, FatalFault)) as caught:
        await send(dialect, fault, account=Account(failures_billed=False), timeout_s=1.5)
    _, budget, bound, _ = caught.value.seen
    assert caught.value.cost_usd == pytest.approx(budget.spent_usd) == pytest.approx(paid * bound)


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(("billed", "share"), [(True, 1), (False, 0)])
async def test_a_prompt_that_is_refused_may_have_been_charged_for_unless_the_account_says_not(dialect, billed, share):
    refused = answer(400, '{"error": {"type": "invalid_request_error", "code": "content_filter", "param": "prompt"}}')
    sent, _, budget, bound, received = await send(dialect, refused, account=Account(failures_billed=billed))
    assert (sent.completion.stop, len(received)) == ("refusal", 1)
    assert sent.cost_usd == pytest.approx(share * bound) == pytest.approx(budget.spent_usd)


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_what_was_never_sent_costs_nothing_and_is_not_noted(dialect):
    config = ModelConfig(
        provider=dialect,
        id="x",
        base_url="http://127.0.0.1:9",
        key="none",
        price=Price(input=3, output=15),
        max_retries=1,
    )
    budget, out, lines = Budget(None), Out(), Lines({"m": config}, {}, [])
    with pytest.raises(TransportFault) as caught:
        await lines.send(Seat(lines), ASK, out)
    await lines.close()
    assert (caught.value.kind, caught.value.cost_usd, budget.spent_usd, out) == ("connection", 0.0, 0.0, [])


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_tries_and_the_waits_between_them_share_one_deadline(dialect, monkeypatch):
    monkeypatch.setattr(sending, "FIRST_WAIT_S", 60.0)
    monkeypatch.setattr(sending, "LONGEST_WAIT_S", 60.0)
    monkeypatch.setattr("random.uniform", lambda _, high: high)
    began = time.monotonic()
    with pytest.raises(TransportFault) as caught:
        await send(dialect, FAILED, timeout_s=30)
    assert time.monotonic() - began < 30  # no wait that ends after the deadline is begun
    assert (caught.value.kind, len(caught.value.seen[3])) == ("server_error", 1)


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_server_is_left_alone_for_as_long_as_it_says(dialect):
    began = time.monotonic()
    sent, *_ = await send(dialect, answer(503, "{}", ["retry-after: 1"]), answer(body=good(dialect)))
    assert time.monotonic() - began >= 1
    assert sent.completion.retried == ("server_error",)


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(("fault", "told"), [(FAILED, TransportFault), (answer(429, "{}"), StoppedError)])
async def test_a_stop_wakes_the_wait_for_the_next_try_and_nothing_is_sent_then(dialect, fault, told, monkeypatch):
    monkeypatch.setattr(sending, "FIRST_WAIT_S", 60.0)
    monkeypatch.setattr("random.uniform", lambda _, high: high)
    stop = Stop()
    asyncio.get_running_loop().call_later(1.0, stop.ask, "enough")
    began = time.monotonic()
    with pytest.raises(told) as caught:  # what may have been charged has to be told; what was not has not
        await send(dialect, fault, stop=stop, timeout_s=600)
    assert time.monotonic() - began < 30
    if told is TransportFault:
        assert isinstance(caught.value.__cause__, StoppedError)
        assert len(caught.value.seen[3]) == 1


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_server_that_charges_above_what_a_call_can_cost_ends_play(dialect):
    usage = (
        {"prompt_tokens": 40, "completion_tokens": 5_000}
        if dialect == "openai"
        else {"input_tokens": 40, "output_tokens": 5_000}
    )
    async with serving(answer(body=good(dialect, usage=usage))) as (url, received):
        base = f"{url}/v1" if dialect == "openai" else url
        config = ModelConfig(
            provider=dialect, id="x", base_url=base, key="none", price=Price(input=3, output=15), max_tokens=50
        )
        budget = Budget(None)
        lines = Lines({"m": config}, {}, [budget])
        sent = await lines.send(Seat(lines), ASK, Out())
        assert sent.cost_usd == pytest.approx((40 * 3 + 5_000 * 15) / 1e6) == pytest.approx(budget.spent_usd)
        assert sent.cost_usd > sent.bound_usd
        with pytest.raises(BudgetExceededError, match=r"m: the server charged \$0.0751 for a call that can cost \$0.0"):
            await lines.send(Seat(lines), ASK, Out())
        await lines.close()
        assert len(received) == 1
        assert budget.reserved_usd == 0


async def test_a_call_that_waits_for_a_budget_is_told_that_a_dear_one_used_it_up():
    config = ModelConfig(provider="openai", id="x", price=Price(input=3, output=15), max_tokens=50)
    budget = Budget(0.02, name="budget of arm a")
    permits = LocalPermits({"m": config}, {}, [budget])
    first = await permits.enter("m", 10, 0.015)
    waiting = asyncio.create_task(permits.enter("m", 10, 0.015))
    await asyncio.sleep(0.01)  # it waits for what the first has reserved
    assert not waiting.done()
    permits.leave(first, spent_usd=0.1, replied=True)
    with pytest.raises(OverchargedError, match=r"m: the server charged \$0.1000 for a call that can cost \$0.0150"):
        await waiting
    assert (budget.spent_usd, budget.reserved_usd) == (0.1, 0)


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_reply_names_its_request_and_those_that_failed_before_it(dialect):
    sent, *_ = await send(dialect, HTML, answer(body=good(dialect)))
    assert sent.completion.request_id == "r1"


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
    gates = lines._permits._accounts
    assert set(gates) == {"h:1", "h:2"}
    lines.connect(models)
    lines.provider("a")._slow_down(0.0)
    assert gates["h:1"].window < gates["h:2"].window
    await lines.close()


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_cost_that_is_told_counts_where_it_is_above_what_is_computed(dialect, caplog):
    header = "x-litellm-response-cost: {}"
    plain, *_ = await send(dialect, answer(body=good(dialect)))
    for told, booked in (("0.0", plain.cost_usd), ("0.0009", 0.0009)):
        sent, _, budget, bound, _ = await send(dialect, answer(body=good(dialect), headers=(header.format(told),)))
        assert sent.cost_usd == budget.spent_usd == pytest.approx(booked)
        assert sent.bound_usd == bound > booked
    assert not caplog.text


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_cost_that_is_told_above_the_bound_is_recorded_and_names_the_setting(dialect, caplog):
    dear = answer(body=good(dialect), headers=("x-litellm-response-cost: 7.5",))
    sent, _, budget, bound, _ = await send(dialect, dear)
    assert sent.cost_usd == budget.spent_usd == 7.5 > sent.bound_usd == bound
    assert "$7.500000; it can cost $0.00" in caplog.text
    assert "`cost_in_dollars: false` under `accounts: 127.0.0.1:" in caplog.text
    sent, *_ = await send(dialect, dear, account=Account(cost_in_dollars=False))
    assert 0 < sent.cost_usd < sent.bound_usd


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_fault_that_tells_a_cost_is_booked_with_the_call(dialect):
    busy = answer(429, "{}", ["retry-after-ms: 5", "x-litellm-response-cost: 0.0002"])
    plain, *_ = await send(dialect, answer(body=good(dialect)))
    sent, out, budget, _, _ = await send(dialect, busy, answer(body=good(dialect)))
    assert sent.cost_usd == budget.spent_usd == pytest.approx(plain.cost_usd + 0.0002)
    assert out.forgotten == 0
