"""Money: what a call may cost is reserved before it is made, and what it did cost is settled after it.

The reservation is the most that the call can cost (see `costing`), so the sum of what is spent can't pass the limit,
however many calls are in flight; only a server that charges a call above that can pass it, and then play stops.
"""

import asyncio


class BudgetExceededError(Exception):
    """The next call could pass the limit; the message says which limit and how much is spent."""


class OverchargedError(BudgetExceededError):
    """A server has charged more for a call than it can cost."""


def of_arm(name: str) -> str:
    """The name of an arm's budget."""
    return f"budget of arm {name}"


def exceeded(name: str, limit_usd: float) -> str:
    """How it is said that a budget does not reach for the next call; what is spent follows."""
    return f"{name} of ${limit_usd:.2f} would be exceeded"


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
