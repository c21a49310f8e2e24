"""The stop itself: what it wakes, what it keeps in, what it waits for, and how signals reach it."""

import asyncio
import os
import signal
import threading
import time

import pytest
import uvloop

from di_assets.calls.stopping import SIGNALS, Stop, StoppedError, stopped_by_signals
from di_assets.providers.types import LEAVES

# What nobody waits for to its end.
WAITS_S = 60.0


def in_loop(main):
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main)


async def call(stop, *, wait_s=0.0, reply_s=0.0, noted=lambda: None):
    """As a call is made: it waits for its turn, leaves, and waits for its reply."""
    async with stop.departure(noted):
        await asyncio.sleep(wait_s)
        LEAVES.get()()
        await asyncio.sleep(reply_s)
        return "reply"


async def ended(*calls):
    return await asyncio.gather(*calls, return_exceptions=True)


async def test_what_waits_is_woken_at_once_and_what_has_left_is_waited_for():
    stop, noted = Stop(), []
    asyncio.get_running_loop().call_later(0.02, stop.ask, "enough")
    started = time.monotonic()
    waiting, left, asleep = await ended(
        call(stop, wait_s=WAITS_S, noted=lambda: noted.append("waiting")),
        call(stop, reply_s=0.1, noted=lambda: noted.append("left")),
        stop.sleep(WAITS_S),
    )
    assert 0.1 <= time.monotonic() - started < WAITS_S / 2
    assert left == "reply"
    assert noted == ["left"]
    assert [(type(end), str(end), end.cut) for end in (waiting, asleep)] == [(StoppedError, "enough", False)] * 2
    with pytest.raises(StoppedError, match=r"^enough$"):
        await call(stop)
    with pytest.raises(StoppedError, match=r"^enough$"):
        stop.check()


async def test_a_call_that_was_let_out_does_not_leave_once_the_flag_is_set():
    """Between the signal and the loop's next look at it, other callbacks run."""
    stop, noted = Stop(), []

    async def late():
        async with stop.departure(lambda: noted.append("left")):
            stop.ask("just now")
            LEAVES.get()()

    with pytest.raises(StoppedError, match=r"^just now$") as told:
        await late()
    assert not told.value.cut
    assert noted == []
    assert asyncio.current_task().cancelling() == 0


@pytest.mark.parametrize("how", ["again", "patience"])
async def test_replies_are_waited_for_no_longer_than_is_allowed(how):
    stop = Stop(drain_s=0.1 if how == "patience" else WAITS_S)
    loop = asyncio.get_running_loop()
    loop.call_later(0.02, stop.ask, "first")
    if how == "again":
        loop.call_later(0.1, stop.ask, "second")
    started = time.monotonic()
    (end,) = await ended(call(stop, reply_s=WAITS_S))
    assert time.monotonic() - started < WAITS_S / 2
    assert (type(end), str(end), end.cut) == (StoppedError, "first", True)


async def test_a_cancellation_from_elsewhere_stays_one():
    stop = Stop()
    task = asyncio.create_task(call(stop, wait_s=60))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    both = asyncio.create_task(call(stop, wait_s=60))
    await asyncio.sleep(0)
    stop.ask("enough")
    both.cancel()
    with pytest.raises(asyncio.CancelledError):
        await both


async def test_a_fault_that_comes_with_the_stop_is_told():
    stop = Stop()

    async def fails():
        async with stop.departure(lambda: None):
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                raise ValueError("the line broke") from None

    task = asyncio.create_task(fails())
    await asyncio.sleep(0)
    stop.ask("enough")
    with pytest.raises(ValueError, match="the line broke"):
        await task


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_ends_play_in_the_middle_of_a_loop_and_handlers_are_put_back(number):
    kept = signal.signal(number, signal.SIG_DFL)  # what started the tests may have told it to be ignored
    stop, before = Stop(), [signal.getsignal(one) for one in SIGNALS]

    async def main():
        threading.Timer(0.05, os.kill, (os.getpid(), number)).start()
        return await ended(call(stop, wait_s=60), call(stop, reply_s=0.1))

    with stopped_by_signals(stop):
        waiting, left = in_loop(main())
    assert isinstance(waiting, StoppedError)
    assert str(waiting) == f"interrupted by {number.name}"
    assert left == "reply"
    assert [signal.getsignal(one) for one in SIGNALS] == before
    signal.signal(number, kept)


def test_a_second_signal_cuts_the_waiting_short():
    stop = Stop()

    async def main():
        for after in (0.05, 0.15):
            threading.Timer(after, os.kill, (os.getpid(), signal.SIGINT)).start()
        return await ended(call(stop, reply_s=WAITS_S))

    with stopped_by_signals(stop):
        (end,) = in_loop(main())
    assert end.cut


def test_a_signal_is_heard_where_no_loop_runs_and_elsewhere_than_the_main_thread_nothing_is_taken_over():
    stop = Stop()
    with stopped_by_signals(stop):
        os.kill(os.getpid(), signal.SIGTERM)
        assert stop.reason == "interrupted by SIGTERM"

    before, seen = signal.getsignal(signal.SIGINT), []

    def elsewhere():
        with stopped_by_signals(Stop()):
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert seen == [before]
