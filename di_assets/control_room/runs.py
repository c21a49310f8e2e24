"""Runs of the asset graph in this process: what `di run` does, the same way the Dagster UI does it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import groupby
from typing import Any

import dagster as dg

from di_assets.arms import arm_of
from di_assets.arms import batches as arm_batches
from di_assets.assets.definitions import PLAY, REPORT, build
from di_assets.assets.events import play_config
from di_assets.assets.home import Home
from di_assets.assets.outcome import Outcome
from di_assets.assets.playing import POOL
from di_assets.calls.stopping import heard, overheard
from di_assets.control_room.failures import failure, trace
from di_assets.control_room.instance import instance_of
from di_assets.control_room.launcher import this_process
from di_assets.control_room.pool import free_slots_of_the_dead, wait_for_turn
from di_assets.labelling.stored import behind
from di_assets.play.batch import BatchResult
from di_assets.play.estimate import estimate
from di_assets.play.pairs import interleaved, limited

# Dagster's own names for the ends of a range of partitions that are materialised in one run.
FIRST_TAG, LAST_TAG = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"

# What happens is told by the command line; the whole log is in the Dagster UI.
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


class RunFailedError(RuntimeError):
    """A step of the graph failed; the message says which, and why.

    Attributes:
        exit_code: of what was raised in the step.
        trace: the traceback of it, for those who ask.
    """

    exit_code = 1

    def __init__(self, line: str, *, exit_code: int = 1, trace: str = "") -> None:
        super().__init__(line)
        self.exit_code, self.trace = exit_code, trace


class RunInterruptedError(RuntimeError):
    """A person or the system ended it; the message says what is kept, what is left and what resuming costs."""

    exit_code = 130


def materialise_batches(
    home: Home,
    batches: Sequence[str],
    *,
    limit: int | None = None,
    budget_usd: float | None = None,
    outcome: Outcome | None = None,
) -> list[BatchResult]:
    """Plays, measures and checks these partitions: a run a batch; a run an arm where scripted agents alone play.

    A run costs more than it takes scripted agents to play a batch; what models say, though, is measured batch by batch,
    as soon as it is paid for. Runs that play models take turns, whoever started them; those of scripted agents, which
    nobody limits, need not. Arms that mirror one another take turns, so that a run that ends early has played pairs.

    Args:
        home: configuration and warehouse.
        batches: the partitions.
        limit: most pairs to play of arms that mirror one another, most episodes of each other arm.
        budget_usd: most to spend on all of it.
        outcome: for who wants to know what was done while it is done, or where it fails: added to batch by batch.

    Returns:
        What each batch that was played came to, in order.

    Raises:
        RunFailedError: a step or a blocking check failed; what was played is kept.
        RunInterruptedError: it was interrupted; what was played is kept.
    """
    runs, outcome = planned_runs(home, batches), outcome or Outcome()
    jobs = {paid: build(home, outcome=outcome, pool=POOL if paid else None).resolve_job_def(PLAY) for paid, _ in runs}
    arms = [home.configs.arm(name) for name in dict.fromkeys(map(arm_of, batches))]
    chosen = None if limit is None else limited(arms, home.warehouse, limit)
    with instance_of(home) as instance, _runs(home, instance, outcome, batches) as execute:
        free_slots_of_the_dead(instance, home.playing)
        for paid, together in runs:
            left = None if chosen is None else sum(chosen[batch] for batch in together)
            if left == 0:
                continue
            money = None if budget_usd is None else max(0.0, budget_usd - outcome.cost_usd)
            config = {**play_config(limit=left, budget_usd=money), **QUIET}
            if paid:
                wait_for_turn(instance, home.playing, home.stop)
            one = together[0] if len(together) == 1 else None
            tags = {} if one else {FIRST_TAG: together[0], LAST_TAG: together[-1]}
            execute(jobs[paid], partition_key=one, tags=tags, run_config=config)
    return outcome.results


def planned_runs(home: Home, batches: Sequence[str]) -> list[tuple[bool, tuple[str, ...]]]:
    """Which batches each run takes, and whether it plays models.

    A run of several is named by its first and last, so only a whole arm goes in one.
    """
    runs: list[tuple[bool, tuple[str, ...]]] = []
    arms = [home.configs.arm(name) for name in dict.fromkeys(map(arm_of, batches))]
    free = [batch for batch in batches if home.configs.only_scripted(home.configs.arm(arm_of(batch)))]
    batches = [*free, *interleaved(arms, (batch for batch in batches if batch not in free))]
    for name, some in groupby(batches, key=arm_of):
        arm, together = home.configs.arm(name), tuple(some)
        paid = not home.configs.only_scripted(arm)
        whole = not paid and together == arm_batches(arm)
        runs += [(paid, together)] if whole else [(paid, (batch,)) for batch in together]
    return runs


def materialise_report(home: Home) -> None:
    """Aggregates, summary and figures.

    Raises:
        RunFailedError: a step failed; what was published before stays.
        RunInterruptedError: it was interrupted; what was published before stays.
    """
    outcome = Outcome()
    job = build(home, outcome=outcome).resolve_job_def(REPORT)
    with instance_of(home) as instance, _runs(home, instance, outcome) as execute:
        execute(job)


def materialise_labels(home: Home) -> list[str]:
    """Brings what models and persons have said since into the tables that are made of labels; the batches it was of.

    Batches of arms that are no longer configured are left as they are.

    Raises:
        RunFailedError: a step failed; what was said is kept all the same.
        RunInterruptedError: it was interrupted; likewise.
    """
    known = {batch for arm in home.configs.arms.values() for batch in arm_batches(arm)}
    # Besides what lacks labels: what an ended run (a full disk, a kill) left older than the labels it is made of.
    batches = [batch for batch in sorted({*behind(home.warehouse), *_older(home, "promises")}) if batch in known]
    if batches or any(_older(home, table) for table in ("label_agreement", "promise_ledger")):
        outcome = Outcome()
        definitions = build(home, outcome=outcome, pool=None)
        play, report = (definitions.resolve_job_def(name) for name in (PLAY, REPORT))
        with instance_of(home) as instance, _runs(home, instance, outcome) as execute:
            for batch in batches:
                chosen = [dg.AssetKey(name) for name in ("message_labels", "promises")]
                execute(play, partition_key=batch, asset_selection=chosen)
            chosen = [dg.AssetKey(name) for name in ("label_agreement", "promise_ledger")]
            execute(report, asset_selection=chosen)
    return batches


def _older(home: Home, table: str) -> list[str]:
    """Files of a table (by their stems) that are older than the labels, of its batch or of all, that it is made of."""
    labels = {file.stem: file.modified_ns for file in home.warehouse.files("message_labels")}
    latest = max(labels.values(), default=0)
    return [file.stem for file in home.warehouse.files(table) if file.modified_ns < labels.get(file.stem, latest)]


@contextmanager
def _runs(
    home: Home, instance: dg.DagsterInstance, outcome: Outcome, batches: Sequence[str] = ()
) -> Iterator[Callable[..., None]]:
    """Yields what executes a job in this process, as a run of this history, and raises where it did not succeed.

    An interrupt ends the run that is in progress, as canceled, and whatever would follow.
    """
    with heard(home.stop), overheard(home.stop) as listen:

        def end_where_interrupted() -> None:
            listen()
            if home.stop.interrupted:
                raise RunInterruptedError(f"{home.stop.reason}; {_what_is_kept(home, outcome, batches)}")

        def execute(job: dg.JobDefinition, *, tags: Mapping[str, str] | None = None, **options: Any) -> None:
            end_where_interrupted()
            result = job.execute_in_process(
                **{"run_config": QUIET, **options},
                tags={**this_process(), **(tags or {})},
                instance=instance,
                raise_on_error=False,
            )
            listen()
            if home.stop.interrupted and not result.success:
                _told_as_canceled(instance, result.run_id, home.stop.reason)
            end_where_interrupted()
            _succeed(home, outcome, result)

        yield execute


def _told_as_canceled(instance: dg.DagsterInstance, run_id: str, reason: str | None) -> None:
    """Dagster takes an interrupt between two calls, when measures are made, say, to be a failure."""
    run = instance.get_run_by_id(run_id)
    if run is not None and run.status is dg.DagsterRunStatus.FAILURE:
        instance.report_run_canceled(run, message=reason)


def _what_is_kept(home: Home, outcome: Outcome, batches: Sequence[str]) -> str:
    made, spent = outcome.calls, outcome.cost_usd
    rests = []
    for name, some in groupby(sorted(batches), key=arm_of):
        arm, chosen = home.configs.arm(name), tuple(some)
        one_by_one = (None,) if set(chosen) == set(arm_batches(arm)) else chosen
        rests += [estimate(home.configs, arm, home.warehouse, batch=batch) for batch in one_by_one]
    left, left_usd = sum(rest.left for rest in rests), sum(rest.cost_usd for rest in rests)
    kept = f"the {made:,} calls made are kept (${spent:.4f})" if made else "what was done is kept"
    rest = f"; {left:,} episodes are left to play, about ${left_usd:.2f}" if batches else ""
    return f"{kept}{rest}; run the same again to resume"


def _succeed(home: Home, outcome: Outcome, result: dg.ExecuteInProcessResult) -> None:
    """Passes where the run succeeded.

    Raises:
        RunFailedError: a step or a blocking check failed.
    """
    if result.success:
        return
    failures = outcome.take_failures()
    checks = [check for check in result.get_asset_check_evaluations() if not check.passed and check.blocking]
    # Each check once: a run of a range tells it of each batch, and of the whole.
    reasons = list(dict.fromkeys(map(_check_failed, checks)))
    failed_steps = {step: failure(error, warehouse=str(home.warehouse)) for step, error in failures.items()}
    reasons += [f"{step}: {one.line}" for step, one in failed_steps.items()]
    raise RunFailedError(
        "; ".join(reasons or _logged(result)) or "Dagster ended the run before any step; its log is in the Dagster UI",
        exit_code=max((one.exit_code for one in failed_steps.values()), default=RunFailedError.exit_code),
        trace="\n".join(map(trace, failures.values())),
    )


def _logged(result: dg.ExecuteInProcessResult) -> list[str]:
    """What Dagster itself failed at, around the work of a step, as its log has it."""
    errors = {
        event.step_key: event.step_failure_data.error.cause or event.step_failure_data.error
        for event in result.all_events
        if event.is_step_failure and event.step_failure_data.error is not None
    }
    return [f"{step}: {error.message.strip()}" for step, error in errors.items()]


def _check_failed(check: dg.AssetCheckEvaluation) -> str:
    """The check, its table, and the rows it objects to; then what to do."""
    where = f"check {check.check_name} of {check.asset_key.to_user_string()} failed"
    rows = check.metadata.get("rows")
    many = f" ({rows.value:,} rows)" if rows is not None and isinstance(rows.value, int) else ""
    return f"{where}: {check.description or 'it says no more'}{many}"
