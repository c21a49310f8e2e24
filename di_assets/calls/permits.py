"""What a call needs before it is sent: a free slot at its model and its account, and a reservation in each budget."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from di_assets.arms.models import Limits, ModelConfig
from di_assets.calls.budget import Budget, BudgetExceededError, OverchargedError
from di_assets.calls.costing import above
from di_assets.calls.limits import Gate


@dataclass(eq=False, slots=True)
class Permit:
    """The permission for one call.

    Attributes:
        model: the model that is called.
        most_usd: the amount reserved for the call, US dollars.
        number: identifies the call between a worker and the driver; -1 within one process.
        reserved: the budgets in which the amount is reserved.
    """

    model: str
    most_usd: float
    number: int = -1
    reserved: list[Budget] = field(default_factory=list)


class Permits(Protocol):
    """Gives permission for calls: in this process, or for a worker of a cluster in the driver's process."""

    async def enter(self, model: str, tokens: int, most_usd: float) -> Permit:
        """Waits until limits and budgets allow a call.

        Args:
            model: the model's name.
            tokens: about how many tokens the call will use.
            most_usd: the most that it can cost, US dollars.

        Raises:
            BudgetExceededError: a budget is too small for the call, or a server charged more than a call's maximum.
        """
        ...

    def leave(self, permit: Permit, *, spent_usd: float, replied: bool) -> None:
        """Ends a call: frees its slots, and replaces its reservations by what it cost, US dollars."""
        ...

    def slow_down(self, account: str, seconds: float) -> None:
        """Allows fewer calls to an account, and none for so many seconds, because its server asked for that."""
        ...


class LocalPermits:
    """The limits and budgets of this process.

    Budgets rely on the maximum cost of a call. After a server has charged more than that, no further call is permitted.

    Args:
        models: configuration of each model, by name.
        accounts: limits of each account, by name; all models of an account share them.
        budgets: a call needs a reservation in each of them.
        each_for_itself: after a call was too expensive, only calls of the same model are refused.
    """

    def __init__(
        self,
        models: Mapping[str, ModelConfig],
        accounts: Mapping[str, Limits],
        budgets: Sequence[Budget],
        *,
        each_for_itself: bool = False,
    ) -> None:
        self._budgets, self._each_for_itself = budgets, each_for_itself
        self._accounts = {config.account: Gate(accounts.get(config.account, Limits())) for config in models.values()}
        gates = {name: Gate(config.limits) for name, config in models.items()}
        self._gates = {name: (gates[name], self._accounts[config.account]) for name, config in models.items()}
        self._overcharged: dict[str, str] = {}

    async def enter(self, model: str, tokens: int, most_usd: float) -> Permit:
        """Waits until limits and budgets allow a call; see `Permits.enter`.

        Raises:
            BudgetExceededError: a budget is too small for the call, or a server charged more than a call's maximum.
                No slot and no reservation is kept then.
        """
        permit = Permit(model, most_usd)
        gate, account = self._gates[model]
        await gate.enter(permit, tokens)
        try:
            await account.enter(permit, tokens)
            try:
                self._refuse_the_overcharged(model)
                await self._reserve(permit)
                self._refuse_the_overcharged(model)  # a call that ended meanwhile may have been too expensive
            except BaseException:
                self._settle(permit, 0.0)
                account.leave(permit, replied=False)
                raise
        except BaseException:
            gate.leave(permit, replied=False)
            raise
        return permit

    def leave(self, permit: Permit, *, spent_usd: float, replied: bool) -> None:
        """Ends a call: frees its slots, and replaces its reservations by what it cost, US dollars."""
        self.settle(permit, spent_usd)
        gate, account = self._gates[permit.model]
        account.leave(permit, replied=replied)
        gate.leave(permit, replied=replied)

    def has_room(self, most_usd: float) -> bool:
        """Whether every budget can decide now about a request that can cost so many US dollars; see `reserve`."""
        return all(budget.has_room(most_usd) for budget in self._budgets)

    async def reserve(self, model: str, most_usd: float) -> Permit:
        """Reserves money for a request in a batch, which no limit of live calls holds for; `settle` ends it.

        Raises:
            BudgetExceededError: as `enter`.
        """
        permit = Permit(model, most_usd)
        try:
            self._refuse_the_overcharged(model)
            await self._reserve(permit)
        except BaseException:
            self._settle(permit, 0.0)
            raise
        return permit

    def adopt(self, model: str, most_usd: float) -> Permit:
        """The permission for a request in a batch that an earlier run sent; `settle` ends it."""
        for budget in self._budgets:
            budget.adopt(most_usd)
        return Permit(model, most_usd, reserved=list(self._budgets))

    def settle(self, permit: Permit, spent_usd: float) -> None:
        """Replaces a permission's reservations by what the request cost, US dollars."""
        if above(spent_usd, permit.most_usd):
            self._overcharged.setdefault(
                permit.model,
                f"{permit.model}: the server charged ${spent_usd:.4f} for a call that can cost ${permit.most_usd:.4f} "
                "at most; look at `price`, and set `max_tokens` to what its replies really come to",
            )
        self._settle(permit, spent_usd)

    def slow_down(self, account: str, seconds: float) -> None:
        """Allows fewer calls to an account, and none for so many seconds, because its server asked for that."""
        self._accounts[account].slow_down(seconds)

    async def _reserve(self, permit: Permit) -> None:
        for budget in self._budgets:
            try:
                await budget.reserve(permit.most_usd)
            except BudgetExceededError:
                self._refuse_the_overcharged(permit.model)  # that is then why the budget is used up
                raise
            permit.reserved.append(budget)

    def _refuse_the_overcharged(self, model: str) -> None:
        first = next(iter(self._overcharged.values()), None)
        reason = self._overcharged.get(model) if self._each_for_itself else first
        if reason is not None:
            raise OverchargedError(reason)

    @staticmethod
    def _settle(permit: Permit, spent_usd: float) -> None:
        for budget in permit.reserved:
            budget.settle(permit.most_usd, spent_usd)
        permit.reserved.clear()
