"""How asks leave this process: one client a model, through the gates of model and account, each call paid for first."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial

import tenacity

from di_assets.agents.player import Ask, Respondent
from di_assets.arms.models import Limits, ModelConfig
from di_assets.play.budget import Budget, BudgetExceededError, cost_of, most_it_can_cost, size
from di_assets.play.calling import GoesOut, Sent
from di_assets.play.stopping import Departure, Stop, StoppedError
from di_assets.play.tolls import OwnTolls, Toll, Tolls
from di_assets.providers import connect
from di_assets.providers.types import (
    Completion,
    FatalFault,
    FaultKind,
    Provider,
    ProviderError,
    Request,
)

FIRST_WAIT_S, LONGEST_WAIT_S = 0.5, 30.0
# What a call is taken to be before its model has told any usage.
BYTES_PER_TOKEN, TOKENS_OUT = 4.0, 200.0


@dataclass(slots=True)
class _Trail:
    """What went wrong on the way to a reply, and what that may have cost."""

    retried: tuple[FaultKind, ...] = ()
    cost_usd: float = 0.0
    fault: ProviderError | None = None


@dataclass(slots=True)
class _Usage:
    """What a model's calls have come to, to tell the next one's tokens beforehand."""

    calls: int = 0
    sent_bytes: int = 0
    sent_tokens: int = 0
    received_tokens: int = 0

    def add(self, sent_bytes: int, completion: Completion) -> None:
        if completion.input_tokens and completion.output_tokens is not None:
            self.calls += 1
            self.sent_bytes += sent_bytes
            self.sent_tokens += completion.input_tokens
            self.received_tokens += completion.output_tokens

    def expected(self, sent_bytes: int) -> int:
        if not self.calls:
            return int(sent_bytes / BYTES_PER_TOKEN + TOKENS_OUT)
        return int(sent_bytes * self.sent_tokens / self.sent_bytes + self.received_tokens / self.calls)


class Lines:
    """Connections to the models of a run, made when first needed, closed together.

    Args:
        models: by name; scripted agents need none.
        accounts: limits by account, shared by all models that are reached there.
        budgets: every one of them must allow a call.
        tolls: where calls are let out instead, by another process's limits and budgets.
        stop: once it is asked for, no call leaves.
    """

    def __init__(
        self,
        models: Mapping[str, ModelConfig],
        accounts: Mapping[str, Limits],
        budgets: Sequence[Budget],
        *,
        tolls: Tolls | None = None,
        stop: Stop | None = None,
    ) -> None:
        self._models, self._stop = models, stop or Stop()
        self._tolls = tolls or OwnTolls(models, accounts, budgets)
        self._providers: dict[str, Provider] = {}
        self._usage = {name: _Usage() for name in models}

    def connect(self, models: Iterable[str]) -> None:
        """Makes their clients now: importing an SDK takes seconds, in which no call should wait under its deadline.

        A model without a key is left for its first call to find out.
        """
        for model in models:
            if model in self._models:
                with suppress(FatalFault):
                    self.provider(model)

    def provider(self, model: str) -> Provider:
        """The client that reaches this model.

        Raises:
            FatalFault: its key is not in the environment.
        """
        if model not in self._providers:
            config = self._models[model]
            self._providers[model] = connect(config.endpoint(model), partial(self._tolls.slow_down, config.account))
        return self._providers[model]

    async def send(self, player: Respondent, ask: Ask, goes_out: GoesOut) -> Sent:
        """Sends an ask: at once to a scripted agent, else when limits and budgets allow it.

        What failed and may pass is sent again, up to the model's `max_retries`; each time is paid for.

        Raises:
            BudgetExceededError: nothing was sent.
            StoppedError: nothing was sent, or the reply was waited for no longer (`cut`).
            ProviderError: no reply came; its `cost_usd` is what it may have cost.
        """
        if player.kind == "scripted" or not isinstance(ask.payload, Request):
            return Sent(await player.send(ask), cost_usd=0.0)
        trail = _Trail()
        again = tenacity.AsyncRetrying(
            retry=tenacity.retry_if_exception(_may_come),
            stop=tenacity.stop_after_attempt(1 + self._models[player.model].max_retries),
            wait=_pause,
            sleep=self._stop.sleep,
            reraise=True,
        )
        try:
            sent: Sent = await again(self._once, player, ask, ask.payload, trail, goes_out)
        except (BudgetExceededError, StoppedError) as reason:
            if trail.fault is None or (isinstance(reason, StoppedError) and reason.cut):
                raise  # where it was cut, both tries stand noted as on their way
            # What went out has to be told; the budget is met again by the next call.
            raise trail.fault from None
        return sent

    async def _once(self, player: Respondent, ask: Ask, request: Request, trail: _Trail, goes_out: GoesOut) -> Sent:
        config = self._models[player.model]
        usage, sent_bytes = self._usage[player.model], size(request)
        tokens = usage.expected(sent_bytes)
        bound = most_it_can_cost(config, sent_bytes, len(request.encoded))
        async with self._stop.departure(partial(goes_out, bound)) as departure:
            toll = await self._tolls.enter(player.model, tokens, bound)
            completion, spent = await self._paid(player, ask, toll, trail, departure)
        usage.add(sent_bytes, completion)
        if trail.retried:
            completion = replace(completion, retried=(*trail.retried, *completion.retried))
        return Sent(completion, cost_usd=trail.cost_usd + spent)

    async def _paid(
        self, player: Respondent, ask: Ask, toll: Toll, trail: _Trail, departure: Departure
    ) -> tuple[Completion, float]:
        """The reply to a call that was let out, and what it cost."""
        bound, spent, replied = toll.most_usd, 0.0, False
        try:
            completion = await player.send(ask)
            spent = cost_of(self._models[player.model], completion, otherwise=bound)
            replied = True
        except ProviderError as fault:
            spent = bound if fault.perhaps_paid else 0.0
            fault.retried = (*trail.retried, *fault.retried)
            trail.retried = (*fault.retried, fault.kind)
            trail.cost_usd += spent
            fault.cost_usd, trail.fault = trail.cost_usd, fault
            raise
        except BaseException:
            spent = bound if departure.out else 0.0  # what a call that is cut off may have cost
            raise
        finally:
            self._tolls.leave(toll, spent_usd=spent, replied=replied)
        return completion, spent

    async def close(self) -> None:
        """Closes every connection."""
        for provider in self._providers.values():
            await provider.close()


def _may_come(error: BaseException) -> bool:
    return isinstance(error, ProviderError) and error.retryable


def _pause(state: tenacity.RetryCallState) -> float:
    """Seconds before the next try; the gates hold back what a server asked for beyond them."""
    backoff = tenacity.wait_exponential_jitter(initial=FIRST_WAIT_S, max=LONGEST_WAIT_S, jitter=FIRST_WAIT_S)(state)
    fault = state.outcome.exception() if state.outcome else None
    return max(backoff, min(fault.retry_after_s, LONGEST_WAIT_S) if isinstance(fault, ProviderError) else 0.0)
