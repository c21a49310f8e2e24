"""The way to a server: calls in flight, rates, slow starts, and what happens when it asks for fewer."""

import asyncio
import itertools

import pytest

from di_assets.arms import Limits
from di_assets.calls import limits as limits_module
from di_assets.calls.limits import FIRST_CALLS, Gate


async def through(gate, calls, *, tokens=1, seconds=0.001, starts=None, flying=None):
    """Sends so many calls at once; returns the most that were ever in flight."""
    most = now = 0

    async def one():
        nonlocal most, now
        async with gate.passage(tokens):
            now += 1
            most = max(most, now)
            if starts is not None:
                starts.append(asyncio.get_running_loop().time())
            await asyncio.sleep(seconds)
            now -= 1

    await asyncio.gather(*(one() for _ in range(calls)))
    return most


async def test_calls_start_few_and_double_up_to_the_limit():
    gate = Gate(Limits(concurrency=50))
    assert gate.window == FIRST_CALLS
    assert await through(gate, FIRST_CALLS) <= FIRST_CALLS
    assert FIRST_CALLS < gate.window <= 2 * FIRST_CALLS
    assert await through(gate, 500) == 50
    assert gate.window == 50


async def test_an_idle_gate_does_not_open_further():
    gate = Gate(Limits(concurrency=50))
    for _ in range(100):
        await through(gate, 1, seconds=0)
    assert gate.window == FIRST_CALLS


async def test_a_refusal_halves_the_calls_once_and_they_come_back_one_by_one(monkeypatch):
    gate = Gate(Limits(concurrency=64))
    await through(gate, 600)
    for _ in range(20):  # a volley of refusals, all of calls that were in flight together
        gate.slow_down(0)
    assert gate.window == 32
    assert await through(gate, 33) <= 33
    assert gate.window in {32, 33}  # near what was refused it grows by one in a round trip
    monkeypatch.setattr(limits_module, "SAME_REFUSAL_S", 0.0)
    for _ in range(10):
        gate.slow_down(0)
    assert gate.window == 1
    assert await through(gate, 3) >= 1


async def test_retry_after_holds_back_every_call_not_only_the_refused_one():
    gate = Gate(Limits(concurrency=10))
    starts = []
    refused = asyncio.get_running_loop().time()
    gate.slow_down(0.2)
    gate.slow_down(0.1)  # the longest wish counts
    await through(gate, 5, starts=starts)
    assert min(starts) >= refused + 0.2


@pytest.mark.parametrize(
    ("limits", "tokens"),
    [(Limits(requests_per_minute=40), 1), (Limits(tokens_per_minute=400), 10)],
    ids=["requests", "tokens"],
)
async def test_no_minute_sees_more_than_its_limit(limits, tokens):
    starts, minute = [], 0.4
    await through(Gate(limits, minute_s=minute), 60, tokens=tokens, seconds=0, starts=starts)
    windows = [sum(start <= t < start + minute for t in starts) for start in starts]
    assert max(windows) <= 40
    assert len(starts) == 60


async def test_a_call_larger_than_what_may_go_at_once_goes_all_the_same():
    gate = Gate(Limits(tokens_per_minute=100), minute_s=0.1)
    await asyncio.wait_for(through(gate, 1, tokens=130), timeout=30)


async def test_waiting_calls_go_in_order():
    gate, order = Gate(Limits(concurrency=1)), []

    async def one(number):
        async with gate.passage(1):
            order.append(number)
            await asyncio.sleep(0)

    await asyncio.gather(*map(one, range(20)))
    assert order == list(range(20))
    assert all(a < b for a, b in itertools.pairwise(order))


async def test_a_failed_call_frees_its_slot_and_opens_nothing():
    gate = Gate(Limits(concurrency=9))
    for _ in range(30):
        with pytest.raises(ValueError, match="no"):
            async with gate.passage(1):
                raise ValueError("no")
    assert gate.window == FIRST_CALLS
    assert await through(gate, 100) == 9
