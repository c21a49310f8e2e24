"""Limits of one server or model: calls in flight, requests per minute and tokens per minute.

Play begins with a few calls in flight and doubles their number with each round trip, until a limit is reached. If the
server asks for fewer calls, their number is halved and nothing is sent for the time it asks for. After that, the number
grows by one call per round trip.
"""

import asyncio
import logging
import math

import anyio
from aiolimiter import AsyncLimiter

from di_assets.arms.models import Limits

FIRST_CALLS = 8
# The share of a minute's limit that may be used at once. The rest is spread evenly over the minute, so that no minute
# has more than its limit.
BURST = 0.1
# After the number of calls was halved, further refusals within this time are ignored: they answer earlier calls.
SAME_REFUSAL_S = 1.0
# The longest pause, even if the server asks for more, seconds.
LONGEST_PAUSE_S = 600.0
WORTH_A_WORD_S = 30.0

log = logging.getLogger(__name__)


class Gate:
    """Holds the limits of one account, or of one model. Every call takes a slot here and gives it back.

    Args:
        limits: the most calls in flight, requests per minute and tokens per minute; None means no limit.
        minute_s: length of a minute, seconds; tests make it shorter.
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
        """How many calls may be in flight now."""
        return int(self._slots.total_tokens)

    def passage(self, tokens: int) -> "_Passage":
        """Use as `async with`: waits until a call of about so many tokens is allowed, and holds its slot."""
        return _Passage(self, tokens)

    async def enter(self, passage: object, tokens: int) -> None:
        """Takes a slot for `passage`, then waits until the limits per minute allow a call of `tokens` tokens."""
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
        """Gives the slot back. If a reply came, more calls may be in flight from now on."""
        if replied:
            self._grow()
        self._slots.release_on_behalf_of(passage)

    def slow_down(self, seconds: float) -> None:
        """Halves the number of calls in flight, and stops calls for so many seconds, at most `LONGEST_PAUSE_S`."""
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
        """Raises the number of calls if all slots are in use: by 1 below the threshold, by 1 / number above it."""
        if self._slots.available_tokens <= 1 and self._window < self._most:
            self._resize(min(self._most, self._window + (1 if self._window < self._threshold else 1 / self._window)))

    def _resize(self, window: float) -> None:
        self._window = window
        if int(window) != self._slots.total_tokens:
            self._slots.total_tokens = int(window)


class _Passage:
    """Holds one slot of a gate. It is a class because a generator-based context manager is several times slower."""

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
    """Takes an amount from the limiter in parts; the amount may be larger than the limiter allows at once."""
    while amount > 0:
        await limiter.acquire(min(amount, limiter.max_rate))
        amount -= limiter.max_rate
