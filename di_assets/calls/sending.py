"""How asks leave this process: one client a model, through the gates of model and account, each try paid for first.

A provider tries once. Whether a fault is tried again is decided here, and each further try pays at the toll like the
first: what may have been charged for a try that brought nothing counts as what it can have cost.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial

import tenacity

from di_assets.arms.models import Account, ModelConfig
from di_assets.calls.ask_once import GoesOut, Sent
from di_assets.calls.budget import Budget, BudgetExceededError
from di_assets.calls.costing import cost_of, most_it_can_cost, size, text_bytes
from di_assets.calls.stopping import Departure, Stop, StoppedError
from di_assets.calls.tolls import OwnTolls, Toll, Tolls
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
from di_assets.tables.words import SCRIPTED

FIRST_WAIT_S, LONGEST_WAIT_S = 0.5, 30.0
# What a call is taken to be before its model has told any usage.
BYTES_PER_TOKEN, TOKENS_OUT = 3.0, 200.0
# Faults of the server's own making: an account with `failures_billed: false` does not charge for them. What was given
# up here while the server may still have been at work counts all the same.
SERVER_FAILED: frozenset[FaultKind] = frozenset({"server_error", "connection", "broken_reply"})


@dataclass(slots=True)
class _Tries:
    """What the tries of one call have come to.

    Attributes:
        retried: kinds of the faults so far, in order.
        request_ids: the provider's, of the tries so far that were told one.
        cost_usd: what they may have cost.
        used_s: seconds in flight and between tries; turns at gates are waited for besides.
        fault: the last one.
    """

    retried: tuple[FaultKind, ...] = ()
    request_ids: tuple[str, ...] = ()
    cost_usd: float = 0.0
    used_s: float = 0.0
    fault: ProviderError | None = None

    def failed(self, fault: ProviderError) -> None:
        """Adds a try that brought no reply; its fault tells of all of them."""
        self.cost_usd = fault.cost_usd
        fault.retried, self.retried = self.retried, (*self.retried, fault.kind)
        if fault.request_id is not None:
            self.request_ids = (*self.request_ids, fault.request_id)
        fault.request_id, self.fault = self.named(), fault

    def named(self, last: str | None = None) -> str | None:
        """The ids of all tries, separated by spaces; None where none was told."""
        return " ".join((*self.request_ids, *([last] if last else []))) or None


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
        accounts: what holds for each account, for all models that are reached there.
        budgets: every one of them must allow a call.
        tolls: where calls are let out instead, by another process's limits and budgets.
        stop: once it is asked for, no call leaves.
    """

    def __init__(
        self,
        models: Mapping[str, ModelConfig],
        accounts: Mapping[str, Account],
        budgets: Sequence[Budget],
        *,
        tolls: Tolls | None = None,
        stop: Stop | None = None,
    ) -> None:
        self._models, self._accounts, self._stop = models, accounts, stop or Stop()
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

        A fault that may pass is tried again, `max_retries` times at most and under the model's `timeout_s` for all
        tries and the waits between them; a server that says how long it wants to be left alone is waited for.

        Raises:
            BudgetExceededError: nothing was sent.
            StoppedError: nothing was sent, or the reply was waited for no longer (`cut`).
            ProviderError: no reply came; its `cost_usd` is what all tries may have cost. Where play ended between two
                tries, its cause says why.
        """
        if player.kind == SCRIPTED or not isinstance(ask.payload, Request):
            return Sent(await player.send(ask), cost_usd=0.0)
        config, tries = self._models[player.model], _Tries()
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
                raise  # nothing is to be told, or all tries stand noted as on their way
            raise tries.fault from reason
        return sent

    async def _once(self, player: Respondent, ask: Ask, request: Request, tries: _Tries, goes_out: GoesOut) -> Sent:
        """One try, once it is let out."""
        config, usage = self._models[player.model], self._usage[player.model]
        sent_bytes = size(request)
        most_usd = most_it_can_cost(config, sent_bytes, len(request.encoded))
        noted: list[Callable[[], None]] = []
        async with self._stop.departure(lambda: noted.append(goes_out(most_usd))) as departure:
            toll = await self._tolls.enter(player.model, usage.expected(sent_bytes), most_usd)
            try:
                completion, spent_usd = await self._paid(player, ask, request, toll, tries, departure)
            except ProviderError as fault:
                if fault.cost_usd == tries.cost_usd:
                    for forget in noted:
                        forget()
                tries.failed(fault)
                raise
        usage.add(sent_bytes, completion)
        return Sent(
            replace(completion, retried=tries.retried, request_id=tries.named(completion.request_id)),
            cost_usd=tries.cost_usd + spent_usd,
            bound_usd=tries.cost_usd + most_usd,
        )

    async def _paid(
        self, player: Respondent, ask: Ask, request: Request, toll: Toll, tries: _Tries, departure: Departure
    ) -> tuple[Completion, float]:
        """The reply to a try that was let out, and what it cost; a fault tells what all tries may have cost."""
        config, most_usd, clock = self._models[player.model], toll.most_usd, asyncio.get_running_loop().time
        spent_usd, replied, began = 0.0, False, clock()
        try:
            completion = await _within(config.timeout_s - tries.used_s, player, ask, config)
            spent_usd = self._cost(config, completion, request, most_usd)
            replied = True
        except ProviderError as fault:
            spent_usd = most_usd if departure.out and self._charged(config, fault) else 0.0
            fault.cost_usd, fault.bound_usd = tries.cost_usd + spent_usd, tries.cost_usd + most_usd
            raise
        except BaseException:
            spent_usd = most_usd if departure.out else 0.0  # what a call that is cut off may have cost
            raise
        finally:
            tries.used_s += clock() - began
            self._tolls.leave(toll, spent_usd=spent_usd, replied=replied)
        return completion, spent_usd

    def _cost(self, config: ModelConfig, completion: Completion, request: Request, most_usd: float) -> float:
        """What a reply cost; some servers charge for a prompt that they refuse, and don't say so."""
        if not completion.billed and self._failures_billed(config):
            return most_usd
        return cost_of(config, completion, sent_bytes=text_bytes(request), most_usd=most_usd)

    def _charged(self, config: ModelConfig, fault: ProviderError) -> bool:
        """Whether a try that brought no reply may have been charged for."""
        return fault.perhaps_paid and (self._failures_billed(config) or fault.kind not in SERVER_FAILED)

    def _failures_billed(self, config: ModelConfig) -> bool:
        return self._accounts.get(config.account, Account()).failures_billed

    async def _pause(self, tries: _Tries, seconds: float) -> None:
        tries.used_s += seconds
        await self._stop.sleep(seconds)

    async def close(self) -> None:
        """Closes every connection."""
        for provider in self._providers.values():
            await provider.close()


def _may_come(error: BaseException) -> bool:
    """Whether the same request may bring a reply when it is sent again."""
    return isinstance(error, ProviderError) and error.retryable


def _wait(state: tenacity.RetryCallState) -> float:
    """Seconds until the next try: drawn from a span that doubles, and no fewer than the server asked for."""
    fault = state.outcome.exception() if state.outcome else None
    drawn = tenacity.wait_random_exponential(multiplier=FIRST_WAIT_S, max=LONGEST_WAIT_S)(state)
    return max(drawn, fault.retry_after_s) if isinstance(fault, ProviderError) else drawn


async def _within(seconds: float, player: Respondent, ask: Ask, config: ModelConfig) -> Completion:
    """The reply that comes within so many seconds.

    Raises:
        ProviderError: none comes.
    """
    try:
        async with asyncio.timeout(seconds):
            return await player.send(ask)
    except TimeoutError:
        text = f"{player.model}: no whole reply within {config.timeout_s:g} s"
        raise TransportFault(text, kind="timeout", perhaps_paid=True) from None
