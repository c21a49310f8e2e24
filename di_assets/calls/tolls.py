"""What every call pays before it goes out: a turn at its model and its account, and the most it can cost."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from di_assets.arms.models import Limits, ModelConfig
from di_assets.calls.budget import Budget, OverchargedError
from di_assets.calls.costing import above
from di_assets.calls.limits import Gate


@dataclass(eq=False, slots=True)
class Toll:
    """One call that is let out.

    Attributes:
        model: that is asked.
        most_usd: set aside for it, US dollars.
        number: by which another process knows it.
    """

    model: str
    most_usd: float
    number: int = -1
    reserved: list[Budget] = field(default_factory=list)


class Tolls(Protocol):
    """Where calls are let out; in this process, or in the one that counts for a cluster."""

    async def enter(self, model: str, tokens: int, most_usd: float) -> Toll:
        """Returns when limits and budgets allow a call of about so many tokens.

        Raises:
            BudgetExceededError: a budget does not reach for it, or a server charged for more than it was asked for.
        """
        ...

    def leave(self, toll: Toll, *, spent_usd: float, replied: bool) -> None:
        """The call is over, and has cost this much."""
        ...

    def slow_down(self, account: str, seconds: float) -> None:
        """A server asks for fewer calls, and for none for so long."""
        ...


class OwnTolls:
    """The limits and budgets of this process.

    Once a call has cost more than it can cost, no further one is let out: budgets hold because that never happens.

    Args:
        models: by name.
        accounts: limits by account, shared by all models that are reached there.
        budgets: every one of them must allow a call.
        each_for_itself: a model that is charged too much keeps only its own calls in.
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

    async def enter(self, model: str, tokens: int, most_usd: float) -> Toll:
        """Returns when limits and budgets allow a call of about so many tokens.

        Raises:
            BudgetExceededError: a budget does not reach for it, or a server charged too much; nothing is held.
        """
        toll = Toll(model, most_usd)
        gate, account = self._gates[model]
        await gate.enter(toll, tokens)
        try:
            await account.enter(toll, tokens)
            try:
                self._refuse_the_overcharged(model)
                for budget in self._budgets:
                    await budget.reserve(most_usd)
                    toll.reserved.append(budget)
                self._refuse_the_overcharged(model)  # what was in flight meanwhile may have shown it
            except BaseException:
                self._settle(toll, 0.0)
                account.leave(toll, replied=False)
                raise
        except BaseException:
            gate.leave(toll, replied=False)
            raise
        return toll

    def leave(self, toll: Toll, *, spent_usd: float, replied: bool) -> None:
        """The call is over, and has cost this much."""
        if above(spent_usd, toll.most_usd):
            self._overcharged.setdefault(
                toll.model,
                f"{toll.model}: the server charged ${spent_usd:.4f} for a call that can cost ${toll.most_usd:.4f} at "
                "most; look at `price`, and set `max_tokens` to what its replies really come to",
            )
        self._settle(toll, spent_usd)
        gate, account = self._gates[toll.model]
        account.leave(toll, replied=replied)
        gate.leave(toll, replied=replied)

    def slow_down(self, account: str, seconds: float) -> None:
        """A server asks for fewer calls, and for none for so long."""
        self._accounts[account].slow_down(seconds)

    def _refuse_the_overcharged(self, model: str) -> None:
        first = next(iter(self._overcharged.values()), None)
        said = self._overcharged.get(model) if self._each_for_itself else first
        if said is not None:
            raise OverchargedError(said)

    @staticmethod
    def _settle(toll: Toll, spent_usd: float) -> None:
        for budget in toll.reserved:
            budget.settle(toll.most_usd, spent_usd)
        toll.reserved.clear()
