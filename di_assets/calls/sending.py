"""Sends requests to models: one client per model; each try waits for limits and budgets first.

A provider sends a request once. Retries are decided here. Each retry needs limits and budgets like the first try. A
failed try that may have been charged counts as the most it can have cost.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial

import tenacity

from di_assets.arms.models import Account, ModelConfig
from di_assets.calls.ask_once import GoesOut, Sent
from di_assets.calls.budget import Budget, BudgetExceededError
from di_assets.calls.costing import above, cost_of, most_it_can_cost, size, text_bytes
from di_assets.calls.permits import LocalPermits, Permit, Permits
from di_assets.calls.stopping import Departure, Stop, StoppedError
from di_assets.calls.tries import Tries
from di_assets.providers import connect
from di_assets.providers.asking import Ask, Respondent
from di_assets.providers.types import (
    Completion,
    FatalFault,
    FaultKind,
    Provider,
    ProviderError,
    Request,
    TransportFault,
)
from di_assets.tables.words import LIVE, SCRIPTED

log = logging.getLogger(__name__)

FIRST_WAIT_S, LONGEST_WAIT_S = 0.5, 30.0
# The assumed size of a call before the model's server has reported any usage.
BYTES_PER_TOKEN, TOKENS_OUT = 3.0, 200.0
# Faults of the server. An account with `failures_billed: false` does not charge for them. A timeout is not one of them:
# the server may still have worked on the reply.
SERVER_FAILED: frozenset[FaultKind] = frozenset({"server_error", "connection", "broken_reply"})


@dataclass(slots=True)
class _Usage:
    """Sums over a model's calls, used to estimate the tokens of its next call."""

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
    """The connections to the models of a run. Each is made when it is first needed; all are closed together.

    Args:
        models: configuration of each model, by name, without scripted agents.
        accounts: settings of each account, by name; they hold for all its models.
        budgets: a call needs a reservation in each of them.
        permits: limits and budgets of another process, to be used instead of those of this process.
        stop: after it is asked, no request is sent.
    """

    def __init__(
        self,
        models: Mapping[str, ModelConfig],
        accounts: Mapping[str, Account],
        budgets: Sequence[Budget],
        *,
        permits: Permits | None = None,
        stop: Stop | None = None,
    ) -> None:
        self._models, self._accounts, self._stop = models, accounts, stop or Stop()
        self._permits = permits or LocalPermits(models, accounts, budgets)
        self._providers: dict[str, Provider] = {}
        self._usage = {name: _Usage() for name in models}

    def connect(self, models: Iterable[str]) -> None:
        """Makes the clients of these models now. Importing an SDK takes seconds, which should not count for a call.

        A missing key raises no error here; the first call does.
        """
        for model in models:
            if model in self._models:
                with suppress(FatalFault):
                    self.provider(model)

    def provider(self, model: str) -> Provider:
        """Returns the client of this model.

        Raises:
            FatalFault: the model's key is not in the environment.
        """
        if model not in self._providers:
            config = self._models[model]
            self._providers[model] = connect(config.endpoint(model), partial(self._permits.slow_down, config.account))
        return self._providers[model]

    async def send(self, player: Respondent, ask: Ask, goes_out: GoesOut) -> Sent:
        """Sends a request: to a scripted agent at once, to a model when limits and budgets allow it.

        After a fault that may pass, the request is sent again, at most `max_retries` times. The model's `timeout_s`
        holds for all tries and the waits between them. If the server says how long to wait, that wait is kept.

        Raises:
            BudgetExceededError: a budget is too small; nothing was sent that may have cost money.
            StoppedError: play was stopped; nothing was sent that may have cost money, or the reply was no longer
                waited for (`cut`).
            ProviderError: no reply came; its `cost_usd` is what all tries may have cost. If play ended between two
                tries, its `__cause__` says why.
        """
        if player.kind == SCRIPTED or not isinstance(ask.payload, Request):
            return Sent(await player.send(ask), cost_usd=0.0)
        config, tries = self._models[player.model], Tries()
        again = tenacity.AsyncRetrying(
            retry=tenacity.retry_if_exception(_may_come),
            wait=_wait,
            stop=lambda state: (
                state.attempt_number > config.max_retries or tries.used_s + state.upcoming_sleep >= config.timeout_s
            ),
            sleep=partial(self._pause, tries),
            reraise=True,
        )
        try:
            sent: Sent = await again(self._once, player, ask, ask.payload, tries, goes_out)
        except (BudgetExceededError, StoppedError) as reason:
            if not tries.cost_usd or tries.fault is None or getattr(reason, "cut", False):
                raise  # nothing was charged, or all tries are listed as in flight
            raise tries.fault from reason
        return sent

    async def _once(self, player: Respondent, ask: Ask, request: Request, tries: Tries, goes_out: GoesOut) -> Sent:
        """One try: waits for limits and budgets, then sends the request."""
        config, usage = self._models[player.model], self._usage[player.model]
        sent_bytes = size(request)
        most_usd = most_it_can_cost(config, sent_bytes, len(request.encoded))
        noted: list[Callable[[], None]] = []
        async with self._stop.departure(lambda: noted.append(goes_out(most_usd))) as departure:
            permit = await self._permits.enter(player.model, usage.expected(sent_bytes), most_usd)
            try:
                completion, spent_usd = await self._paid(player, ask, request, permit, tries, departure)
            except ProviderError as fault:
                if fault.cost_usd == tries.cost_usd:
                    for forget in noted:
                        forget()
                fault.engine = LIVE
                tries.failed(fault)
                raise
        usage.add(sent_bytes, completion)
        return Sent(
            replace(completion, retried=tries.retried, request_id=tries.named(completion.request_id)),
            cost_usd=tries.cost_usd + spent_usd,
            bound_usd=tries.cost_usd + most_usd,
            engine=LIVE,
        )

    async def _paid(
        self, player: Respondent, ask: Ask, request: Request, permit: Permit, tries: Tries, departure: Departure
    ) -> tuple[Completion, float]:
        """Sends a permitted try; returns the reply and its cost, US dollars.

        Raises:
            ProviderError: no reply came; its `cost_usd` and `bound_usd` are those of all tries together.
        """
        config, most_usd, clock = self._models[player.model], permit.most_usd, asyncio.get_running_loop().time
        spent_usd, replied, began = 0.0, False, clock()
        try:
            completion = await _within(config.timeout_s - tries.used_s, player, ask, config)
            spent_usd = self.cost(config, completion, request, most_usd)
            replied = True
        except ProviderError as fault:
            spent_usd = self.lost(config, fault, most_usd, left=departure.out)
            fault.cost_usd, fault.bound_usd = tries.cost_usd + spent_usd, tries.cost_usd + most_usd
            raise
        except BaseException:
            spent_usd = most_usd if departure.out else 0.0  # a call that is cut off may have cost that much
            raise
        finally:
            tries.used_s += clock() - began
            self._permits.leave(permit, spent_usd=spent_usd, replied=replied)
        return completion, spent_usd

    def cost(self, config: ModelConfig, completion: Completion, request: Request, most_usd: float) -> float:
        """The cost of a reply, US dollars. Some servers charge for a refused prompt without reporting it."""
        if not completion.billed and self._failures_billed(config):
            computed_usd = most_usd
        else:
            computed_usd = cost_of(config, completion, sent_bytes=text_bytes(request), most_usd=most_usd)
        return self._at_least_told(config, computed_usd, completion.told_usd, most_usd)

    def _at_least_told(
        self, config: ModelConfig, computed_usd: float, told_usd: float | None, most_usd: float
    ) -> float:
        """The computed cost, or the cost that the server tells if that is more, US dollars.

        A lower cost that is told changes nothing: budgets go by the prices of models.yaml.
        """
        if told_usd is None or told_usd <= computed_usd or not self._account(config).cost_in_dollars:
            return computed_usd
        if above(told_usd, most_usd):
            log.warning(
                "%s: the server says that a call cost $%.6f; it can cost $%.6f at most. If the server does not count "
                "in dollars, set `cost_in_dollars: false` under `accounts: %s` in models.yaml",
                config.id, told_usd, most_usd, config.account,
            )  # fmt: skip
        return told_usd

    def lost(self, config: ModelConfig, fault: ProviderError, most_usd: float, *, left: bool = True) -> float:
        """What a try that brought no reply may have cost, US dollars; `left`: its request was sent."""
        charged = left and fault.perhaps_paid
        charged = charged and (self._failures_billed(config) or fault.kind not in SERVER_FAILED)
        return self._at_least_told(config, most_usd if charged else 0.0, fault.told_usd, most_usd)

    def _failures_billed(self, config: ModelConfig) -> bool:
        return self._account(config).failures_billed

    def _account(self, config: ModelConfig) -> Account:
        return self._accounts.get(config.account, Account())

    async def _pause(self, tries: Tries, seconds: float) -> None:
        tries.used_s += seconds
        await self._stop.sleep(seconds)

    async def close(self) -> None:
        """Closes every connection."""
        for provider in self._providers.values():
            await provider.close()


def _may_come(error: BaseException) -> bool:
    """Whether sending the same request again may bring a reply."""
    return isinstance(error, ProviderError) and error.retryable


def _wait(state: tenacity.RetryCallState) -> float:
    """Seconds until the next try: random in a range that doubles with each try, but at least what the server asks."""
    fault = state.outcome.exception() if state.outcome else None
    drawn = tenacity.wait_random_exponential(multiplier=FIRST_WAIT_S, max=LONGEST_WAIT_S)(state)
    return max(drawn, fault.retry_after_s) if isinstance(fault, ProviderError) else drawn


async def _within(seconds: float, player: Respondent, ask: Ask, config: ModelConfig) -> Completion:
    """Returns the reply if it comes within so many seconds.

    Raises:
        ProviderError: a fault came instead, or no reply in time (kind `timeout`).
    """
    try:
        async with asyncio.timeout(seconds):
            return await player.send(ask)
    except TimeoutError:
        text = f"{player.model}: no whole reply within {config.timeout_s:g} s"
        raise TransportFault(text, kind="timeout", perhaps_paid=True) from None
