"""Asks models in waves: when every episode in play waits for a reply, all their requests go to the batch interfaces.

A request goes into a wave if its model has a batch interface; others are sent live meanwhile. Money for each request of
a wave is reserved before the wave leaves; what does not fit waits until the wave before it is paid. A request that a
batch did not answer goes into the next wave, at most `max_retries` times.

A wave that an earlier run left at a provider is fetched when its episodes, replayed from their journals, ask the same
questions again. So nothing is sent twice, whatever the moment at which a run ended.
"""

import asyncio
from collections.abc import Coroutine, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

from di_assets.arms.models import ModelConfig
from di_assets.arms.settings import BatchSettings
from di_assets.calls.ask_once import GoesOut, Sender, Sent
from di_assets.calls.at_provider import AtProvider, LostWaveError
from di_assets.calls.budget import BudgetExceededError
from di_assets.calls.costing import most_it_can_cost, size
from di_assets.calls.permits import LocalPermits, Permit
from di_assets.calls.sending import Lines
from di_assets.calls.stopping import Stop
from di_assets.calls.tries import Tries
from di_assets.calls.wave_file import Asked, Owed, Unanswered, Wave
from di_assets.providers import DIALECTS
from di_assets.providers.asking import Ask, Respondent
from di_assets.providers.batches import Batches, BatchLimits, Outcome
from di_assets.providers.types import Completion, ProviderError, Request
from di_assets.tables.words import BATCH, SCRIPTED

# A wave leaves so long after the last request of its episodes came, seconds.
TOGETHER_S = 0.05
# Bytes that a batch adds around a request's text, at most.
AROUND = 4_096


@dataclass(eq=False, slots=True)
class _Waiting:
    """A request that waits for its reply: for a wave to leave, or in one."""

    model: str
    episode_id: str
    ask: Ask
    request: Request
    most_usd: float
    reply: "asyncio.Future[Sent]"
    tries: Tries = field(default_factory=Tries)
    permit: Permit | None = None
    wave: Wave | None = None

    @property
    def key(self) -> tuple[str, str]:
        return self.episode_id, self.ask.request_hash


class Waves:
    """The waves of the episodes that are played together.

    Args:
        lines: the connections to models; they send what goes live.
        models: configuration of each model, by name.
        permits: the budgets, shared with `lines`.
        folder: the folder of the journals.
        owed: what waves of earlier runs in this folder owe.
        settings: how the providers are asked.
        stop: after it is asked, no wave leaves, and no wave is waited for.
        fresh: new requests go into waves; if False, only waves of earlier runs are fetched, and all else goes live.
    """

    def __init__(
        self,
        lines: Lines,
        models: Mapping[str, ModelConfig],
        permits: LocalPermits,
        *,
        folder: Path,
        owed: Iterable[Owed],
        settings: BatchSettings,
        stop: Stop,
        fresh: bool = True,
    ) -> None:
        self._lines, self._permits, self._folder, self._settings = lines, permits, folder, settings
        self._models, self._stop, self._fresh = models, stop, fresh
        self._owed: dict[tuple[str, str], list[Owed]] = {}
        for one in owed:
            self._owed.setdefault(one.asked[:2], []).append(one)
        self._waiting: dict[str, int] = {}  # episodes in play, and how many of their requests have no reply yet
        self._gathered: list[_Waiting] = []
        self._timer: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @contextmanager
    def playing(self, episode_id: str) -> Iterator[Sender]:
        """Yields the sender of an episode. No wave leaves while an episode in such a block may still ask."""
        self._waiting[episode_id] = 0
        try:
            yield partial(self._send, episode_id)
        finally:
            del self._waiting[episode_id]
            self._changed()

    async def close(self) -> None:
        """Ends all waiting. Waves that were handed over stay at their providers."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _send(self, episode_id: str, player: Respondent, ask: Ask, goes_out: GoesOut) -> Sent:
        """Sends a request and waits for its reply; see `Lines.send`.

        Raises:
            DiskFullError: there is no room for the record of the wave.
        """
        config = None if player.kind == SCRIPTED else self._models[player.model].in_batches
        if config is None or not isinstance(ask.payload, Request) or not self._in_a_wave(episode_id, ask):
            try:
                return await self._lines.send(player, ask, goes_out)
            finally:
                self._changed()  # a request that waits for room in a budget may have it now
        most_usd = most_it_can_cost(config, size(ask.payload), len(ask.payload.encoded))
        reply: asyncio.Future[Sent] = asyncio.get_running_loop().create_future()
        waiting = _Waiting(player.model, episode_id, ask, ask.payload, most_usd, reply)
        self._waiting[episode_id] += 1
        self._gather(waiting)
        async with self._stop.waiting():
            return await reply

    def _in_a_wave(self, episode_id: str, ask: Ask) -> bool:
        live = not self._fresh or (ask.again and self._settings.reask == "live")
        return not live or (episode_id, ask.request_hash) in self._owed

    def _gather(self, waiting: _Waiting) -> None:
        self._gathered.append(waiting)
        self._changed()

    def _changed(self) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(TOGETHER_S, self._leave_if_all_wait)

    def _leave_if_all_wait(self) -> None:
        self._timer = None
        if self._gathered and all(self._waiting.values()) and self._stop.reason is None:
            gathered, self._gathered = self._gathered, []
            self._run(self._leave(gathered), gathered)

    def _run(self, work: Coroutine[Any, Any, None], waiting: Sequence[_Waiting]) -> None:
        """Runs a task; an error in it becomes the error of all these requests that have no reply yet."""

        def ended(task: "asyncio.Task[None]") -> None:
            self._tasks.discard(task)
            error = None if task.cancelled() else task.exception()
            if error is not None:
                for one in waiting:
                    self._fail(one, one.tries.ended_by(error))

        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(ended)

    async def _leave(self, gathered: Sequence[_Waiting]) -> None:
        """Sends requests away: those in a wave of an earlier run wait for that, all others form new waves."""
        old: dict[Wave, dict[str, _Waiting]] = {}
        new: list[_Waiting] = []
        for one in sorted((one for one in gathered if not one.reply.done()), key=lambda one: (one.model, *one.key)):
            owed = self._owed.pop(one.key, ())
            for failed in (each for each in owed if not each.open):
                one.tries.cost_usd += failed.cost_usd
            left = next((each for each in owed if each.open and not each.wave.forgotten), None)
            if left is not None:
                one.permit, one.wave = self._permits.adopt(one.model, left.asked.most_usd), left.wave
                old.setdefault(left.wave, {})[left.custom_id] = one
            elif not self._permits.has_room(one.most_usd):
                self._gathered.append(one)  # until a wave is paid
            else:
                try:
                    one.permit = await self._permits.reserve(one.model, one.most_usd)
                    new.append(one)
                except BudgetExceededError as reason:
                    self._fail(one, reason)
        for wave, members in old.items():
            self._run(self._fetch(wave, members), list(members.values()))
        for model, of_model in groupby(new, key=lambda one: one.model):
            for part in _parts(list(of_model), self._batches(model).limits):
                wave = Wave.write(self._folder, model, [Asked(*one.key, one.most_usd) for one in part])
                for one in part:
                    one.wave = wave
                self._run(self._hand_over(wave, dict(zip(wave.requests, part, strict=True))), part)

    async def _hand_over(self, wave: Wave, members: Mapping[str, _Waiting]) -> None:
        await self._at_provider(wave).hand_over({name: one.request for name, one in members.items()})
        await self._fetch(wave, members)

    async def _fetch(self, wave: Wave, members: Mapping[str, _Waiting]) -> None:
        """Waits for a wave, and gives each request its reply, its fault, or a place in the next wave."""
        there = self._at_provider(wave)
        try:
            await there.find_again()
        except LostWaveError:
            for one in members.values():
                self._to_the_next(one, 0.0)
            return
        outcomes = await there.outcomes(wave.requests)
        config = self._priced(wave.model)
        if not wave.ended:
            faults = {name: one for name, one in outcomes.items() if isinstance(one, ProviderError)}
            most = {name: wave.requests[name].most_usd for name in faults}
            wave.has_ended(
                {name: Unanswered(f.kind, self._lines.lost(config, f, most[name])) for name, f in faults.items()}
            )
        if any(isinstance(one, ProviderError) and one.kind == "rate_limit" for one in outcomes.values()):
            await self._stop.sleep(self._settings.poll_s)
        for name, one in members.items():
            self._answer(config, one, outcomes[name])

    def _answer(self, config: ModelConfig, one: _Waiting, outcome: Outcome) -> None:
        if one.permit is None or one.reply.done():
            return  # play has ended for it: its wave still owes the reply
        most_usd, before = one.permit.most_usd, one.tries.cost_usd
        if isinstance(outcome, Completion):
            spent = self._lines.cost(config, outcome, one.request, most_usd)
            named = one.tries.named(outcome.request_id)
            whole = replace(outcome, retried=one.tries.retried, request_id=named)
            self._release(one, spent)
            self._done(one)
            one.reply.set_result(Sent(whole, before + spent, before + most_usd, BATCH))
            return
        spent = self._lines.lost(config, outcome, most_usd)
        outcome.cost_usd, outcome.bound_usd, outcome.engine = before + spent, before + most_usd, BATCH
        one.tries.failed(outcome)
        if outcome.retryable and len(one.tries.retried) <= config.max_retries:
            self._to_the_next(one, spent)
        else:
            self._release(one, spent)
            self._fail(one, outcome)

    def _to_the_next(self, one: _Waiting, spent_usd: float) -> None:
        self._release(one, spent_usd)
        self._gather(one)

    def _fail(self, one: _Waiting, error: BaseException) -> None:
        owed = one.permit is not None and one.wave is not None and not one.wave.forgotten
        self._release(one, one.permit.most_usd if owed and one.permit else 0.0)
        if not one.reply.done():
            self._done(one)
            one.reply.set_exception(error)

    def _done(self, one: _Waiting) -> None:
        if one.episode_id in self._waiting:
            self._waiting[one.episode_id] -= 1
        self._changed()

    def _release(self, one: _Waiting, spent_usd: float) -> None:
        if one.permit is not None:
            self._permits.settle(one.permit, spent_usd)
        one.permit = one.wave = None

    def _at_provider(self, wave: Wave) -> AtProvider:
        retries = self._models[wave.model].max_retries
        batches = self._batches(wave.model)
        return AtProvider(wave, batches, settings=self._settings, stop=self._stop, max_retries=retries)

    def _priced(self, model: str) -> ModelConfig:
        return self._models[model].in_batches or self._models[model]

    def _batches(self, model: str) -> Batches:
        make = DIALECTS[self._models[model].provider].batches
        assert make is not None
        return make(self._lines.provider(model))


def _parts(waiting: Sequence[_Waiting], limits: BatchLimits) -> Iterator[list[_Waiting]]:
    """Cuts requests into parts that a provider takes in one batch."""
    part: list[_Waiting] = []
    room = limits.bytes
    for one in waiting:
        needed = size(one.request) + AROUND
        if part and (len(part) == limits.requests or needed > room):
            yield part
            part, room = [], limits.bytes
        part.append(one)
        room -= needed
    if part:
        yield part
