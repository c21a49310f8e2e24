"""How fast a server is asked: so many calls in flight, so many requests and tokens a minute, fewer when it says so.

Calls start few and double with each round trip until a limit is met; a server that asks for fewer halves them, is left
alone for as long as it says, and is then asked for more again, one more call each round trip.
"""

import asyncio
import logging
import math

import anyio
from aiolimiter import AsyncLimiter

from di_assets.arms.models import Limits

FIRST_CALLS = 8
# Of a minute's worth this much may go at once; the rest flows evenly, so that no minute ever sees more than its limit.
BURST = 0.1
# Refusals that come within this of a cut answer calls that were sent before it.
SAME_REFUSAL_S = 1.0
# After this a server is tried again, whatever it said.
LONGEST_PAUSE_S = 600.0
WORTH_A_WORD_S = 30.0

log = logging.getLogger(__name__)


class Gate:
    """The way to one server, or to one model on it; every call enters it and leaves it.

    Args:
        limits: most calls in flight, requests and tokens a minute; None is no limit.
        minute_s: seconds in a minute; shorter in tests.
    """

    def __init__(self, limits: Limits, *, minute_s: float = 60.0) -> None:
        self._most = math.inf if limits.concurrency is None else limits.concurrency
        self._window = float(min(self._most, FIRST_CALLS))
        self._threshold = self._most
        self._slots = anyio.CapacityLimiter(int(self._window))
        self._requests = _rate(limits.requests_per_minute, minute_s)
        self._tokens = _rate(limits.tokens_per_minute, minute_s)
        self._closed_until = self._cut_at = -math.inf

    @property
    def window(self) -> int:
        """Calls that may be in flight now."""
        return int(self._slots.total_tokens)

    def passage(self, tokens: int) -> "_Passage":
        """`async with` it: holds one of the slots, once the server may be asked for a reply of about so many tokens."""
        return _Passage(self, tokens)

    async def enter(self, passage: object, tokens: int) -> None:
        """Takes a slot, in the name of this passage, and waits for the rates."""
        try:
            self._slots.acquire_on_behalf_of_nowait(passage)
        except anyio.WouldBlock:
            await self._slots.acquire_on_behalf_of(passage)
        try:
            while (wait := self._closed_until - asyncio.get_running_loop().time()) > 0:  # noqa: ASYNC110 -- it may move
                await asyncio.sleep(wait)
            if self._requests:
                await self._requests.acquire()
            if self._tokens:
                await _pour(self._tokens, tokens)
        except BaseException:
            self.leave(passage, replied=False)
            raise

    def leave(self, passage: object, *, replied: bool) -> None:
        """Gives the slot back; a reply lets more calls fly."""
        if replied:
            self._grow()
        self._slots.release_on_behalf_of(passage)

    def slow_down(self, seconds: float) -> None:
        """The server asks for fewer calls, and for none for so long (of which `LONGEST_PAUSE_S` are granted)."""
        now = asyncio.get_running_loop().time()
        if seconds > WORTH_A_WORD_S:
            log.warning("a server asks to be left alone for %.0f s", seconds)
        self._closed_until = max(self._closed_until, now + min(seconds, LONGEST_PAUSE_S))
        if now - self._cut_at < SAME_REFUSAL_S:
            return
        self._cut_at = now
        self._threshold = max(1.0, self._window / 2)
        self._resize(self._threshold)

    def _grow(self) -> None:
        """After a reply: one more call while they double, a part of one when near what was refused."""
        if self._slots.available_tokens <= 1 and self._window < self._most:
            self._resize(min(self._most, self._window + (1 if self._window < self._threshold else 1 / self._window)))

    def _resize(self, window: float) -> None:
        self._window = window
        if int(window) != self._slots.total_tokens:
            self._slots.total_tokens = int(window)


class _Passage:
    """One call's way through a gate. A class of its own: a generator would cost every call several times as much."""

    __slots__ = ("_gate", "_tokens")

    def __init__(self, gate: Gate, tokens: int) -> None:
        self._gate, self._tokens = gate, tokens

    async def __aenter__(self) -> None:
        await self._gate.enter(self, self._tokens)

    async def __aexit__(self, problem: object, *_: object) -> None:
        self._gate.leave(self, replied=problem is None)


def _rate(per_minute: int | None, minute_s: float) -> AsyncLimiter | None:
    if per_minute is None:
        return None
    at_once = max(1.0, BURST * per_minute)
    evenly = max(per_minute - at_once, per_minute / 2)
    return AsyncLimiter(at_once, time_period=minute_s * at_once / evenly)


async def _pour(limiter: AsyncLimiter, amount: float) -> None:
    """Takes an amount that may be more than the limiter holds at once."""
    while amount > 0:
        await limiter.acquire(min(amount, limiter.max_rate))
        amount -= limiter.max_rate
