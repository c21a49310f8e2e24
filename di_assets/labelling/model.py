"""A model labels texts with the same limits, budget and journal as play. Nothing that was answered is asked again.

A run that resumes looks up stored replies first, and asks only for what they do not answer. In the journal, the number
of a text takes the place of a round. Identical texts are asked for once.
"""

import asyncio
import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from di_assets.agents.player import Fault
from di_assets.agents.prompts import LABEL, Prompts
from di_assets.arms import Configs
from di_assets.arms.yaml_files import ConfigError
from di_assets.calls.ask_once import MAX_REASKS, ask_once
from di_assets.calls.budget import Budget, BudgetExceededError
from di_assets.calls.call import Call, Header, by_field
from di_assets.calls.disk_space import DiskFullError
from di_assets.calls.group_sync import GroupSync
from di_assets.calls.in_flight import SUFFIX, InFlight, left_in_flight
from di_assets.calls.journal import Journal
from di_assets.calls.open_files import calls_at_once
from di_assets.calls.place import Place
from di_assets.calls.sending import Lines
from di_assets.calls.stopping import Stop, StoppedError
from di_assets.calls.tally import Tally
from di_assets.labelling.judge import Judge
from di_assets.labelling.label_reader import Label, Reading, read_label
from di_assets.labelling.stored import locked_labels, model_file, text_number
from di_assets.nearest import nearest
from di_assets.providers.asking import Ask
from di_assets.providers.types import ProviderError
from di_assets.tables import Warehouse
from di_assets.tables.words import LEXICAL, MESSAGE

READING_VERSION = "1"
# Called every second and at the end with: texts done, texts in all, calls so far.
Progress = Callable[[int, int, Tally], None]
BEAT_S = 1.0


@dataclass(frozen=True, slots=True)
class Labelled:
    """The result of asking a model for labels.

    Attributes:
        model: its name in models.yaml, which is also the labeller's name.
        version: eight digits of the prompt's hash, then eight of the hash of the model's configuration.
        texts: number of distinct texts to label.
        labelled: number of these that have a label now.
        unread: number whose replies were all unreadable; they are not asked for again.
        left: number still to be asked for.
        calls: calls made in this run.
        cost_usd: US dollars spent in this run.
        cut: calls that were sent and whose reply was no longer waited for; the next run stores them.
        cut_usd: the most that these can cost, US dollars.
        stopped: why it ended early; None if it did not.
    """

    model: str
    version: str
    texts: int
    labelled: int
    unread: int
    left: int
    calls: int
    cost_usd: float
    cut: int
    cut_usd: float
    stopped: str | None


@dataclass(slots=True)
class _Run:
    """The state that workers share: texts still to do, and the results."""

    judge: Judge
    lines: Lines
    journal: Journal
    texts: Iterator[str]
    labelled: int = 0
    unread: int = 0
    stop: str | None = None


def label_with_model(
    configs: Configs,
    model: str,
    texts: Sequence[str],
    warehouse: Warehouse,
    *,
    budget_usd: float,
    progress: Progress | None = None,
    stop: Stop | None = None,
) -> Labelled:
    """Asks a model for the labels of these texts that are not stored yet. A fault ends it; another run resumes it.

    Args:
        configs: all configuration.
        model: name in models.yaml.
        texts: in the order in which they are asked for; a repeated text is asked for once.
        warehouse: the warehouse that stores the replies.
        budget_usd: the most to spend in this run, US dollars.
        progress: called every second with (texts done, texts in all, calls so far).
        stop: ends the run when asked to; everything received until then is kept.

    Raises:
        ConfigError: there is no such model, or it cannot label.
        PromptError: a prompt file cannot be read.
        LabelsInUseError: another process is asking the same model.
    """
    if model == LEXICAL:
        raise ConfigError(f"a model named {LEXICAL!r} can't label: the lexical rule labels under this name")
    if model not in configs.models:
        raise ConfigError(f"{configs.root / 'models.yaml'}: no model {model!r}{nearest(model, configs.models)}")
    prompts = Prompts.load(configs.prompts / LABEL)
    identity = json.dumps(configs.models[model].identity(), sort_keys=True)
    header = Header(
        episode_id=f"{LABEL}--{model}",
        rules_version=f"labels {READING_VERSION}",
        prompt_hash=prompts.hash,
        config_hash=hashlib.sha256(identity.encode()).hexdigest(),
    )
    version = f"{header.prompt_hash[:8]}-{header.config_hash[:8]}"
    path = model_file(warehouse, model, version)
    with locked_labels(warehouse, path):
        stop = stop or Stop(drain_s=configs.play.drain_s)
        lines = Lines(configs.models, configs.accounts, [Budget(budget_usd, name="budget of this run")], stop=stop)
        workers = calls_at_once(configs.models[model].concurrency)
        judge = Judge(model, configs.models[model], lines.provider, prompts)
        distinct = list(dict.fromkeys(texts))

        async def asked() -> tuple[_Run, list[Call]]:
            sync, in_flight = GroupSync(), InFlight(path.with_suffix(SUFFIX))
            try:
                journal = Journal(path, header, sync=sync, in_flight=in_flight, most_out=workers)
                held = len(journal.calls)
                run = _Run(judge, lines, journal, iter(distinct))
                lines.connect([model])
                with _telling(run, progress, len(distinct), held):
                    await _work(run, workers=workers)
                return run, journal.calls[held:]
            finally:
                await lines.close()
                sync.close()
                in_flight.close()

        run, calls = asyncio.run(asked())
        cut = left_in_flight(path.with_suffix(SUFFIX))
    return Labelled(
        model=model,
        version=version,
        texts=len(distinct),
        labelled=run.labelled,
        unread=run.unread,
        left=len(distinct) - run.labelled - run.unread,
        calls=len(calls),
        cost_usd=sum(call.cost_usd for call in calls),
        cut=len(cut),
        cut_usd=sum(request.most_usd for request in cut),
        stopped=run.stop,
    )


async def _work(run: _Run, *, workers: int) -> None:
    """Labels `workers` texts at a time, until there are no more or a fault occurs.

    Then it waits for the calls under way.
    """

    async def worker() -> None:
        for text in run.texts:
            if run.stop is not None:
                return
            try:
                label = await _label(run, text)
            except (BudgetExceededError, DiskFullError, ProviderError, StoppedError) as reason:
                run.stop = run.stop or str(reason)
                return
            except Exception as problem:
                run.stop = type(
                    problem
                ).__name__  # no new calls are made; replies under way are stored before the error is raised
                raise
            run.labelled += label is not None
            run.unread += label is None

    try:
        ended = await asyncio.gather(*(worker() for _ in range(workers)), return_exceptions=True)
    finally:
        await run.journal.end()
    for problem in ended:
        if isinstance(problem, BaseException):
            raise problem


async def _label(run: _Run, text: str) -> Label | None:
    """A text's label; None if all re-asks were used up."""
    faults: tuple[Fault, ...] = ()
    for attempt in range(1 + MAX_REASKS):
        ask = run.judge.prepare(text, faults)
        # The text's number takes the place of the round: `text_number`.
        place = Place(text_number(text), MESSAGE, 1, 0, attempt)
        call = run.journal.find(place, ask.request_hash) or await _call(run, ask, place)
        reading = read_label(call.text, stop=call.stop)
        if reading.label is not None:
            return reading.label
        faults = (*faults, Fault(text=call.text, reason=reading.invalid or ""))
    return None


async def _call(run: _Run, ask: Ask, place: Place) -> Call:
    call, _ = await ask_once(run.judge, ask, place, send=run.lines.send, journal=run.journal, read=_read)
    await run.journal.settled()
    return call


def _read(text: str, stop: str) -> Reading:
    return read_label(text, stop=stop)


@contextmanager
def _telling(run: _Run, progress: Progress | None, texts: int, held: int) -> Iterator[None]:
    """Reports the progress of the run while the block works."""
    if progress is None:
        yield
        return

    def tell() -> None:
        tally = Tally()
        tally.add(by_field(run.journal.calls[held:]))
        progress(run.labelled + run.unread, texts, tally)

    async def beat() -> None:
        while True:
            tell()
            await asyncio.sleep(BEAT_S)

    beating = asyncio.create_task(beat())
    try:
        yield
    finally:
        beating.cancel()
        tell()
