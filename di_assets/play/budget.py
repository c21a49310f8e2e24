"""Money: what a call may cost is reserved before it is made, and what it did cost is settled after it.

The reservation is an upper bound (no tokenizer makes more tokens than a text has bytes; no reply is longer than
`max_tokens`), so the sum of what is spent can't pass the limit, however many calls are in flight.
"""

import asyncio
import logging

from di_assets.arms.models import ModelConfig
from di_assets.providers.types import Completion, Request

log = logging.getLogger(__name__)

# Tokens that dialects add around each turn (role marks and the like): more than any of them does.
TOKENS_PER_TURN = 16


class BudgetExceededError(Exception):
    """The next call could pass the limit; the message says which limit and how much is spent."""


def of_arm(name: str) -> str:
    """The name of an arm's budget."""
    return f"budget of arm {name}"


def exceeded(name: str, limit_usd: float) -> str:
    """How it is said that a budget does not reach for the next call; what is spent follows."""
    return f"{name} of ${limit_usd:.2f} would be exceeded"


def size(request: Request) -> int:
    """Bytes of a request's text as it is sent, and so no fewer than the text has."""
    return sum(map(len, request.encoded)) + len(request.system.encode()) + len(str(request.schema or ""))


def most_it_can_cost(config: ModelConfig, sent_bytes: int, turns: int) -> float:
    """Upper bound of one call's cost, US dollars, before it is made: so many bytes of text in so many turns."""
    tokens = sent_bytes + (turns + 2) * TOKENS_PER_TURN
    return (tokens * config.dearest_input + config.max_tokens * config.price.output) / 1_000_000


def cost_of(config: ModelConfig, completion: Completion, *, otherwise: float) -> float:
    """Cost of a call by the usage that came back, US dollars; `otherwise` where none came.

    Usage that comes to more than that upper bound is no usage that can be: the bound stands in for it, loudly.
    """
    if not completion.billed:
        return 0.0
    if completion.input_tokens is None or completion.output_tokens is None:
        return otherwise
    cost = config.price.cost(
        completion.input_tokens,
        completion.cached_tokens or 0,
        completion.output_tokens,
        completion.written_tokens or 0,
        completion.written_hour_tokens or 0,
    )
    if cost > otherwise:
        log.warning("%s: usage worth $%.4f was told for a call that can cost $%.4f at most", config.id, cost, otherwise)
    return min(cost, otherwise)


class Budget:
    """A limit in US dollars and what is spent and reserved of it; None is no limit."""

    def __init__(self, limit_usd: float | None, *, spent_usd: float = 0.0, name: str = "budget") -> None:
        self.limit_usd, self.spent_usd, self.name = limit_usd, spent_usd, name
        self.reserved_usd = 0.0
        self._exceeded = False
        self._waiting: list[asyncio.Future[None]] = []

    async def reserve(self, usd: float) -> None:
        """Sets this much aside; waits while calls in flight may still turn out cheaper than reserved.

        Raises:
            BudgetExceededError: it does not fit, even with nothing in flight; from then on nothing is reserved.
        """
        while self.limit_usd is not None and usd and (self._exceeded or not self._fits(usd, self.limit_usd)):
            if self._exceeded or self.reserved_usd <= 0:
                self._exceeded = True
                self._wake()
                raise BudgetExceededError(f"{exceeded(self.name, self.limit_usd)} (${self.spent_usd:.4f} spent)")
            change: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(change)
            await change
        self.reserved_usd += usd

    def settle(self, reserved_usd: float, spent_usd: float) -> None:
        """Replaces a reservation by what was spent."""
        self.reserved_usd -= reserved_usd
        if abs(self.reserved_usd) < 1e-12:  # sums of floats leave dust, which must not look like a call in flight
            self.reserved_usd = 0.0
        self.spent_usd += spent_usd
        if self._waiting:
            self._wake()

    def _fits(self, usd: float, limit_usd: float) -> bool:
        return self.spent_usd + self.reserved_usd + usd <= limit_usd

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, []
        for change in waiting:
            if not change.done():
                change.set_result(None)
