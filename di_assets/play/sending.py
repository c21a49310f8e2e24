"""How asks leave this process: one client a model, at most so many calls in flight, each paid for out of a budget."""

import asyncio
from collections.abc import Mapping, Sequence

from di_assets.agents.player import Ask, Player
from di_assets.arms.models import ModelConfig
from di_assets.play.budget import Budget, cost_of, most_it_can_cost
from di_assets.providers import connect
from di_assets.providers.types import Completion, Provider, Request


class Lines:
    """Connections to the models of a run, made when first needed, closed together.

    Args:
        models: by name; scripted agents need none.
        budgets: every one of them must allow a call.
    """

    def __init__(self, models: Mapping[str, ModelConfig], budgets: Sequence[Budget]) -> None:
        self._models, self._budgets = models, budgets
        self._providers: dict[str, Provider] = {}
        self._slots = {name: asyncio.Semaphore(config.concurrency) for name, config in models.items()}

    def provider(self, model: str) -> Provider:
        """The client that reaches this model.

        Raises:
            FatalFault: its key is not in the environment.
        """
        if model not in self._providers:
            self._providers[model] = connect(self._models[model].endpoint(model))
        return self._providers[model]

    async def send(self, player: Player, ask: Ask) -> Completion:
        """Sends an ask: at once to a scripted agent, else when a slot is free and the budgets allow it.

        Raises:
            BudgetExceededError: nothing was sent.
            ProviderError: no reply came.
        """
        if player.kind == "scripted" or not isinstance(ask.payload, Request):
            return await player.send(ask)
        config = self._models[player.model]
        async with self._slots[player.model]:
            bound = most_it_can_cost(config, ask.payload)
            reserved: list[Budget] = []
            spent = bound  # what a call without usage, or one cut off, may have cost
            try:
                for budget in self._budgets:
                    await budget.reserve(bound)
                    reserved.append(budget)
                completion = await player.send(ask)
                known = cost_of(config, completion)
                spent = bound if known is None else known
                return completion
            finally:
                everywhere = len(reserved) == len(self._budgets)
                for budget in reserved:
                    await budget.settle(bound, spent if everywhere else 0.0)

    def price(self, model: str, completion: Completion) -> float | None:
        """US dollars of one call; 0 for a scripted agent or a call that brought nothing; None where unknown."""
        if model not in self._models or completion.stop == "fault":
            return 0.0
        return cost_of(self._models[model], completion)

    async def close(self) -> None:
        """Closes every connection."""
        for provider in self._providers.values():
            await provider.close()
