"""Checks whether models can play: the key, the connection, the schema, and two turns of a small real game."""

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from di_assets.agents.llm import LLMPlayer
from di_assets.agents.prompts import Prompts
from di_assets.agents.replies import read_reply
from di_assets.arms import Configs, ModelConfig
from di_assets.arms.yaml_files import ConfigError
from di_assets.calls.advice import advice_for
from di_assets.calls.budget import Budget, BudgetExceededError, OverchargedError
from di_assets.calls.calibration import Sample, Size, keep
from di_assets.calls.permits import LocalPermits
from di_assets.calls.sending import Lines
from di_assets.game import Reply, Rules, Setup, edges, observe, seat_labels, start, step
from di_assets.nearest import nearest
from di_assets.play.checkup import (
    ENFORCED,
    NOT_ENFORCED,
    REFUSED,
    VALID,
    YES,
    Checkup,
    advice_on,
    before_a_call,
)
from di_assets.providers.asking import Ask
from di_assets.providers.types import Completion, ProviderError, Request
from di_assets.tables import Warehouse
from di_assets.tables.words import PHASES

# Fewer retries than in an episode, so that a broken connection is reported within seconds.
MOST_RETRIES = 2
# Five seats, each connected to all others, with the default rules.
SEATS, ME = 5, 0
SETUP = Setup(rules=Rules(), edges=edges("complete", SEATS, seed=0), labels=seat_labels(SEATS, seed=0), seed=0)

PROBE = Request.of(
    system="Follow the instruction to the letter.",
    turns=(("user", "Answer with the one word hello and nothing else."),),
    schema={"type": "object", "properties": {"pull": {"type": "string", "enum": ["X"]}}}
    | {"required": ["pull"], "additionalProperties": False},
    seed=0,
    cache_key="doctor/probe",
)
HELD = '{"pull":"X"}'  # the only reply that the schema allows


async def checkup(
    configs: Configs,
    models: Sequence[str] = (),
    *,
    budget_usd: float,
    talk: bool = True,
    warehouse: Warehouse | None = None,
) -> list[Checkup]:
    """Checks several models at the same time. A fault of one model is part of its findings and raises no error.

    Args:
        configs: all configuration.
        models: names of models in models.yaml; an empty sequence means all.
        budget_usd: the most that all calls together may cost, US dollars; with 0 only free models are called.
        talk: call the models; if False, only their keys are looked for.
        warehouse: stores the measurements for later plans; None stores nothing.

    Returns:
        One checkup per model, in the order of `models`, without duplicates.

    Raises:
        ConfigError: a model is not in models.yaml.
        PromptError: a prompt file cannot be read.
    """
    for name in models:
        if name not in configs.models:
            raise ConfigError(f"{configs.root / 'models.yaml'}: no model {name!r}{nearest(name, configs.models)}")
    chosen = {name: configs.models[name] for name in dict.fromkeys(models or configs.models)}
    before = [before_a_call(name, config) for name, config in chosen.items()]
    if not talk:
        return before
    called = {
        name: config.model_copy(update={"max_retries": min(config.max_retries, MOST_RETRIES)})
        for name, config in chosen.items()
    }
    plain = {_plain(name): config.model_copy(update={"json_schema": False}) for name, config in called.items()}
    every, budgets = {**called, **plain}, (Budget(budget_usd, name="the doctor's budget"),)
    lines = Lines(
        every, configs.accounts, budgets, permits=LocalPermits(every, configs.accounts, budgets, each_for_itself=True)
    )
    try:
        prompts = Prompts.load(configs.prompts)
        lines.connect(one.model for one in before if one.key_ok)
        visits = [_Visit(found, called[found.model], lines, prompts) for found in before]
        found = list(await asyncio.gather(*(visit.finish() for visit in visits)))
        if warehouse is None:
            return found
        for visit in visits:
            keep(warehouse, visit.found.model, chosen[visit.found.model], visit.samples)
        return found
    finally:
        await lines.close()


@dataclass(slots=True)
class _Visit:
    """The checkup of one model in progress: the findings so far, and its replies, their times and samples."""

    found: Checkup
    config: ModelConfig
    lines: Lines
    prompts: Prompts
    completions: list[Completion] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)

    async def finish(self) -> Checkup:
        if self.found.key_ok:
            await self._play()
        self._note(
            input_tokens=_sum(c.input_tokens for c in self.completions),
            cached_tokens=_sum(c.cached_tokens for c in self.completions),
            output_tokens=_sum(c.output_tokens for c in self.completions),
            latency_s=sum(self.seconds) / len(self.seconds) if self.seconds else None,
            advice=self.found.advice or advice_on(self.found, self.config, self.completions),
        )
        return self.found

    async def _play(self) -> None:
        """Asks the model for a message and a pull as seat 0 in round 1, and tests the schema; rivals are simulated."""
        player, state = self._player(self.found.model), start(SETUP)
        word = Reply(messages=((SETUP.labels[ME], "Pull me and I pull you."),))
        for phase in PHASES:
            observation = observe(state, ME)
            ask = player.prepare(observation)
            completion = await self._ask(phase, player, ask)
            if completion is None:
                return
            reply = read_reply(observation, completion.text, stop=completion.stop)
            self._note(**{phase: reply.kind or VALID})
            self._measure(phase, ask, completion, reply)
            state = step(state, {seat: reply if seat == ME else word for seat in range(SEATS)})
        if self.config.json_schema:
            probe = Ask(request_hash="", payload=PROBE)
            completion = await self._ask("schema", player, probe)
            if completion is not None:
                self._measure("schema", probe, completion)
                self._note(schema=_held(completion))

    def _measure(self, phase: str, ask: Ask, completion: Completion, reply: Reply | None = None) -> None:
        """Adds a sample for later plans, if the server reported the token usage."""
        sent, received, request = completion.input_tokens, completion.output_tokens, ask.payload
        if not sent or received is None or not isinstance(request, Request):
            return
        size = Size.of(request)
        self.samples.append(
            Sample(
                phase=phase,
                sent_bytes=size.bytes,
                sent_pieces=size.pieces,
                input_tokens=sent,
                output_tokens=received,
                seconds=self.seconds[-1],
                valid=reply is None or reply.invalid is None,
                messages=len(reply.messages) if reply else 0,
                chars=sum(len(text) for _, text in reply.messages) if reply else 0,
                cached_tokens=completion.cached_tokens,
            )
        )

    async def _ask(self, what: str, player: LLMPlayer, ask: Ask) -> Completion | None:
        """Returns the reply; None if there is none. Then the reason is noted, and no further question makes sense."""
        try:
            completion = await self._send(player, ask)
        except BudgetExceededError as error:
            charged = isinstance(error, OverchargedError)
            reason = str(error).removeprefix(f"{self.found.model}: ")
            self._note(advice=reason if charged else f"allow the doctor more: {reason}")
            return None
        except ProviderError as fault:
            self._note(**{what: f"unclear: {fault.kind}" if what == "schema" else fault.kind})
            if fault.kind == "request_refused" and self.config.json_schema and await self._works_without_schema(ask):
                self._note(reached=YES, schema=REFUSED)
            else:
                self._note(reached=YES if self.completions else f"no: {fault}", advice=advice_for(fault))
            return None
        self._note(reached=YES)
        return completion

    async def _works_without_schema(self, ask: Ask) -> bool:
        """Whether the same request succeeds without a schema: then the server refused the schema and nothing else."""
        try:
            await self._send(self._player(_plain(self.found.model)), ask)
        except (BudgetExceededError, ProviderError):
            return False
        return True

    async def _send(self, player: LLMPlayer, ask: Ask) -> Completion:
        began = 0.0

        def goes_out(_: float) -> Callable[[], None]:
            nonlocal began
            began = time.perf_counter()
            return lambda: None

        try:
            sent = await self.lines.send(player, ask, goes_out)
        except ProviderError as fault:
            self._note(cost_usd=self.found.cost_usd + fault.cost_usd)
            raise
        self.seconds.append(time.perf_counter() - began)
        self.completions.append(sent.completion)
        self._note(cost_usd=self.found.cost_usd + sent.cost_usd)
        return sent.completion

    def _player(self, name: str) -> LLMPlayer:
        return LLMPlayer(
            name,
            self.config.endpoint(name),
            connect=self.lines.provider,
            prompts=self.prompts,
            instructions=None,
            seed=SETUP.seed,
            label=SETUP.labels[ME],
            episode_id="doctor",
        )

    def _note(self, **findings: Any) -> None:
        self.found = replace(self.found, **findings)


def _plain(name: str) -> str:
    """The name under which the model is asked without a schema. No name in models.yaml has a space, so it is unique."""
    return f"{name} without a schema"


def _held(completion: Completion) -> str:
    """Whether the server enforced the schema: the probe's text asks for a reply that the schema forbids."""
    if "".join(completion.text.split()) == HELD:
        return ENFORCED
    cut = {"length": "unclear: the reply was cut off", "refusal": "unclear: the model declined"}
    return cut.get(completion.stop, NOT_ENFORCED)


def _sum(counts: Iterable[int | None]) -> int | None:
    """The sum of the counts that were reported; None if none was."""
    reported = [count for count in counts if count is not None]
    return sum(reported) if reported else None
