"""Budgets: money is reserved before a call, and the reservation is replaced by the real cost after it.

A reservation is the most that the call can cost (see `costing`). So spending cannot pass the limit, no matter how many
calls are in flight. There is one exception: a server that charges more than that maximum. Then play stops.
"""

import asyncio


class BudgetExceededError(Exception):
    """The next call could pass the limit; the message says which limit and how much is spent."""


class OverchargedError(BudgetExceededError):
    """A server charged more for a call than the maximum that was computed for it."""


def of_arm(name: str) -> str:
    """The name of an arm's budget."""
    return f"budget of arm {name}"


def exceeded(name: str, limit_usd: float) -> str:
    """How the message begins that says that a budget is too small for the next call; the amount spent follows."""
    return f"{name} of ${limit_usd:.2f} would be exceeded"


class Budget:
    """A limit in US dollars, with the amounts spent and reserved so far. A limit of None means no limit.

    Args:
        limit_usd: the limit.
        spent_usd: what was spent before.
        open_usd: the part of `spent_usd` that counts requests which an earlier run sent and whose replies may come.
        name: for messages.
    """

    def __init__(
        self, limit_usd: float | None, *, spent_usd: float = 0.0, open_usd: float = 0.0, name: str = "budget"
    ) -> None:
        self.limit_usd, self.spent_usd, self.name = limit_usd, spent_usd, name
        self.reserved_usd, self._open_usd = 0.0, open_usd
        self._exceeded = False
        self._waiting: list[asyncio.Future[None]] = []

    async def reserve(self, usd: float) -> None:
        """Reserves this amount. If it does not fit, waits: calls in flight may cost less than was reserved for them.

        Raises:
            BudgetExceededError: it does not fit although no call is in flight. All later reservations fail too,
                except those of 0.
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

    def has_room(self, usd: float) -> bool:
        """Whether this amount can be reserved now, or (then `reserve` says so) never."""
        return (
            self.limit_usd is None
            or not usd
            or self._exceeded
            or not self.reserved_usd
            or self._fits(usd, self.limit_usd)
        )

    def adopt(self, usd: float) -> None:
        """Reserves this amount for a request that an earlier run sent, whether or not it fits: it has left already."""
        counted = min(usd, self._open_usd)
        self._open_usd -= counted
        self.spent_usd -= counted
        self.reserved_usd += usd

    def settle(self, reserved_usd: float, spent_usd: float) -> None:
        """Replaces a reservation by the amount spent, both in US dollars."""
        self.reserved_usd -= reserved_usd
        if abs(self.reserved_usd) < 1e-12:  # a rounding error must not look like a call in flight
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
