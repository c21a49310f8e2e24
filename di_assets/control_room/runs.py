"""Runs the asset graph in this process, for `di run` and other commands, in the same way as the Dagster UI."""

import time
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
from di_assets.calls.stopping import stop_listeners, stopped_by_signals
from di_assets.control_room.failures import failure, trace
from di_assets.control_room.instance import instance_of
from di_assets.control_room.launcher import this_process
from di_assets.control_room.pool import free_slots_of_killed_runs, wait_for_turn
from di_assets.labelling.stored import behind
from di_assets.measures.making import unmeasured
from di_assets.play.batch import BatchResult
from di_assets.play.estimate import estimate
from di_assets.play.pairs import interleaved, limited
from di_assets.play.spent import cut_calls
from di_assets.report.current import mark_current

# Dagster's tags for the first and last partition of a range that is materialised in one run.
FIRST_TAG, LAST_TAG = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"

# The command line reports progress itself; the whole log is in the Dagster UI.
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


class RunFailedError(RuntimeError):
    """A step of the graph failed. The message says which step and why.

    Attributes:
        exit_code: the exit code of the error in the step.
        trace: the traceback of that error.
    """

    exit_code = 1

    def __init__(self, line: str, *, exit_code: int = 1, trace: str = "") -> None:
        super().__init__(line)
        self.exit_code, self.trace = exit_code, trace


class RunInterruptedError(RuntimeError):
    """A person or the system ended the run. The message says what is kept, what is left, and what it would cost."""

    exit_code = 130


def materialise_batches(
    home: Home,
    batches: Sequence[str],
    *,
    limit: int | None = None,
    budget_usd: float | None = None,
    outcome: Outcome | None = None,
) -> list[BatchResult]:
    """Plays, measures and checks these partitions.

    Each batch has its own Dagster run, so that what models play is measured batch by batch. If only scripted agents
    play, a whole arm is one run: starting a run would take longer than playing a batch. Runs that play models wait for
    each other, also for those of other processes. Batches of arms that mirror one another alternate, so that matched
    pairs are complete if play ends early.

    Args:
        home: configuration and warehouse.
        batches: the partitions.
        limit: the most pairs to play of arms that mirror one another, and the most episodes of each other arm.
        budget_usd: the most to spend on all batches together, US dollars.
        outcome: results are added to it batch by batch; with it the caller sees them during the run, or after an error.

    Returns:
        The result of each batch that was played, in order.

    Raises:
        RunFailedError: a step or a blocking check failed; what was played is kept.
        RunInterruptedError: the run was interrupted; what was played is kept.
    """
    runs, outcome = planned_runs(home, batches), outcome or Outcome()
    jobs = {paid: build(home, outcome=outcome, pool=POOL if paid else None).resolve_job_def(PLAY) for paid, _ in runs}
    arms = [home.configs.arm(name) for name in dict.fromkeys(map(arm_of, batches))]
    chosen = None if limit is None else limited(arms, home.warehouse, limit)
    with instance_of(home) as instance, _runs(home, instance, outcome, batches) as execute:
        free_slots_of_killed_runs(instance, home.playing)
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
    """Splits batches into runs: for each run, whether it plays models, and its batches.

    A run of several batches is given to Dagster by its first and last batch, so it is always a whole arm.
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
    """Makes the tables over all batches, the summary and the figures.

    Batches that were measured before some measure was there are measured by it first.

    Raises:
        RunFailedError: a step failed; what was published before stays.
        RunInterruptedError: the run was interrupted; what was published before stays.
    """
    outcome = Outcome()
    definitions = build(home, outcome=outcome)
    lacking = {b: names for b, names in unmeasured(home.warehouse).items() if b in _configured(home)}
    with instance_of(home) as instance, _runs(home, instance, outcome) as execute:
        for batch, names in lacking.items():
            chosen = [dg.AssetKey(name) for name in names]
            execute(definitions.resolve_job_def(PLAY), partition_key=batch, asset_selection=chosen)
        execute(definitions.resolve_job_def(REPORT))
    mark_current(home.warehouse, home.configs.root)


def materialise_labels(home: Home) -> list[str]:
    """Adds new labels of models and persons to the tables that are made from labels; returns the batches it changed.

    Batches of arms that are no longer configured are not changed.

    Raises:
        RunFailedError: a step failed; the labels are kept.
        RunInterruptedError: the run was interrupted; the labels are kept.
    """
    known = _configured(home)
    # Also batches whose promises are older than their labels: a killed run, or one that met a full disk, leaves them.
    batches = [batch for batch in sorted({*behind(home.warehouse), *_older(home, "promises")}) if batch in known]
    if batches or any(_older(home, table) for table in ("label_agreement", "promise_ledger")):
        outcome = Outcome()
        definitions = build(home, outcome=outcome, pool=None)
        play, report = (definitions.resolve_job_def(name) for name in (PLAY, REPORT))
        with instance_of(home) as instance, _runs(home, instance, outcome) as execute:
            for batch in batches:
                chosen = [dg.AssetKey(name) for name in ("message_labels", "promises", "promise_shares")]
                execute(play, partition_key=batch, asset_selection=chosen)
            chosen = [dg.AssetKey(name) for name in ("label_agreement", "promise_ledger")]
            execute(report, asset_selection=chosen)
    return batches


def _configured(home: Home) -> set[str]:
    """The batches of all arms that are configured."""
    return {batch for arm in home.configs.arms.values() for batch in arm_batches(arm)}


def _older(home: Home, table: str) -> list[str]:
    """Names (without folder and suffix) of the files of a table that are older than the labels they are made from."""
    labels = {file.stem: file.modified_ns for file in home.warehouse.files("message_labels")}
    latest = max(labels.values(), default=0)
    return [file.stem for file in home.warehouse.files(table) if file.modified_ns < labels.get(file.stem, latest)]


@contextmanager
def _runs(
    home: Home, instance: dg.DagsterInstance, outcome: Outcome, batches: Sequence[str] = ()
) -> Iterator[Callable[..., None]]:
    """Yields a function that executes a job in this process, and raises an error if the job does not succeed.

    An interrupt ends the current run, which then counts as canceled, and prevents further runs.
    """
    began = time.time()
    with stopped_by_signals(home.stop), stop_listeners(home.stop) as listen:

        def end_where_interrupted() -> None:
            listen()
            if home.stop.interrupted:
                raise RunInterruptedError(f"{home.stop.reason}; {_interrupted_summary(home, outcome, batches, began)}")

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
                _report_as_canceled(instance, result.run_id, home.stop.reason)
            end_where_interrupted()
            _succeed(home, outcome, result)

        yield execute


def _report_as_canceled(instance: dg.DagsterInstance, run_id: str, reason: str | None) -> None:
    """Marks a run as canceled. Dagster marks it as failed if the interrupt came between two calls (in a measure)."""
    run = instance.get_run_by_id(run_id)
    if run is not None and run.status is dg.DagsterRunStatus.FAILURE:
        instance.report_run_canceled(run, message=reason)


def _interrupted_summary(home: Home, outcome: Outcome, batches: Sequence[str], began: float) -> str:
    """What is kept, what was cut since `began` (seconds since the epoch), and what is left."""
    made, spent = outcome.calls, outcome.cost_usd
    rests = []
    for name, some in groupby(sorted(batches), key=arm_of):
        arm, chosen = home.configs.arm(name), tuple(some)
        one_by_one = (None,) if set(chosen) == set(arm_batches(arm)) else chosen
        rests += [estimate(home.configs, arm, home.warehouse, batch=batch) for batch in one_by_one]
    left, left_usd = sum(rest.left for rest in rests), sum(rest.cost_usd for rest in rests)
    done = f"the {made:,} calls made are kept (${spent:.4f})" if made else "what was done is kept"
    # Lists may also hold calls of an earlier run that was killed, of episodes that this run did not come to.
    cut = [call for batch in batches for call in cut_calls(home.warehouse, batch, since=began)]
    done += counted_cut(len(cut), sum(call.cost_usd for call in cut))
    rest = f"; {left:,} episodes are left to play, about ${left_usd:.2f}" if batches else ""
    return f"{done}{rest}; run the same again to resume"


def counted_cut(calls: int, cost_usd: float) -> str:
    """A clause on calls that were sent and not waited for; empty if there are none.

    Args:
        calls: their number.
        cost_usd: the most that they can cost together, US dollars.
    """
    return f"; {calls:,} calls were cut; they count as ${cost_usd:.4f}, the most they can cost" if calls else ""


def _succeed(home: Home, outcome: Outcome, result: dg.ExecuteInProcessResult) -> None:
    """Returns if the run succeeded.

    Raises:
        RunFailedError: a step or a blocking check failed.
    """
    if result.success:
        return
    failures = outcome.take_failures()
    checks = [check for check in result.get_asset_check_evaluations() if not check.passed and check.blocking]
    # Each check once: a run of several batches reports it for each batch and for the whole run.
    reasons = list(dict.fromkeys(map(_check_failed, checks)))
    failed_steps = {step: failure(error, warehouse=str(home.warehouse)) for step, error in failures.items()}
    reasons += [f"{step}: {one.line}" for step, one in failed_steps.items()]
    raise RunFailedError(
        "; ".join(reasons or _logged(result)) or "Dagster ended the run before any step; its log is in the Dagster UI",
        exit_code=max((one.exit_code for one in failed_steps.values()), default=RunFailedError.exit_code),
        trace="\n".join(map(trace, failures.values())),
    )


def _logged(result: dg.ExecuteInProcessResult) -> list[str]:
    """One line for each step that failed in Dagster itself and not in our code, from Dagster's log."""
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
