"""How far each arm has come, what it has cost, what it still needs, and how each model's calls have ended."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import polars as pl
import tenacity

from di_assets.agents.prompts import PromptError
from di_assets.arms import Arm, ConfigError, Configs, Nightly, batches, load_configs, planned_ids
from di_assets.calls.call import FAULTS
from di_assets.calls.journal_file import StaleJournalError
from di_assets.play.batch import spent_so_far
from di_assets.play.estimate import Estimate, estimate
from di_assets.play.launches import launches
from di_assets.play.nights import Rest, expected, standing, starts, tonight
from di_assets.report.progress.pairs_needed import LiftNeed, lift_needs
from di_assets.tables import Warehouse
from di_assets.tables.words import COMPLETE, FAILED, OK, STOPPED

REPLY, INVALID, FAULT, RETRIED = "reply", "invalid reply", "fault", "fault, retried"
Estimates = Mapping[str, Estimate]
"""What is left, by arm."""
Lifts = Mapping[str, LiftNeed]
"""What lifts still take, by arm."""


class ProgressError(ValueError):
    """Configuration, prompts or a journal cannot be read; the message is one line that says where and why."""

    exit_code = 2


@dataclass(frozen=True, slots=True)
class NextNight:
    """What a nightly arm plays next, whenever that is; when it is hangs on the clock.

    Attributes:
        schedule: when, and how much.
        batch: the partition; None where nothing is played.
        episodes: expected to be complete by it.
        cost_usd: expected, US dollars; None where it is not estimated yet.
        rest: why nothing is played; None where something is.
    """

    schedule: Nightly
    batch: str | None = None
    episodes: int = 0
    cost_usd: float | None = None
    rest: str | None = None

    @property
    def words(self) -> str:
        """The schedule, in one line."""
        return f"{self.schedule.cron} ({self.schedule.timezone})"

    def begins(self, now: datetime) -> datetime:
        """When the next night after this moment begins, in its time zone."""
        return next(starts(self.schedule, after=now))


@dataclass(frozen=True, slots=True)
class ArmProgress:
    """One arm.

    Attributes:
        arm: its name.
        title: one line for people.
        condition: topology/payoff/messaging.
        scripted: every seat is a scripted agent's.
        planned: episodes; of all launches, where it may be launched again.
        complete: of them, played to the end.
        failed: episodes that a fault ended, kept to be resumed.
        stopped: episodes that a budget or a refused request ended, kept to be resumed.
        left: planned and not complete.
        spent_usd: US dollars so far, calls of unfinished episodes included.
        budget_usd: most it may spend; None where nothing is charged.
        left_usd: what the episodes that are left would cost; None where that is not estimated yet.
        hours: the least they would take; None where that is not estimated yet.
        nightly: what its next night is to play; None where it has no schedule.
        first_batch: the first of its partitions.
        lift: what its models' lifts still take; None where it has no lift, or that is not worked out yet.
    """

    arm: str
    title: str
    condition: str
    scripted: bool
    planned: int
    complete: int
    failed: int
    stopped: int
    left: int
    spent_usd: float
    budget_usd: float | None
    left_usd: float | None
    hours: float | None
    nightly: "NextNight | None"
    first_batch: str
    lift: LiftNeed | None = None


def arm_estimates(configs: Configs, warehouse: Warehouse) -> Estimates:
    """What every configured arm still needs, by name; slow where models have not played yet, for they are rehearsed."""
    return {arm.name: estimate(configs, arm, warehouse) for arm in configs.arms.values()}


def arm_progress(
    configs: Configs, warehouse: Warehouse, *, estimates: Estimates, lifts: Lifts | None = None
) -> list[ArmProgress]:
    """Every configured arm, by name.

    Args:
        configs: all configuration.
        warehouse: what is played.
        estimates: what is left, as far as it is estimated.
        lifts: what lifts still take, as far as that is worked out.
    """
    held = warehouse.scan("episodes").select("arm", "status", "episode_id").collect()
    ids: dict[tuple[str, str], set[str]] = {}
    for arm, status, episode in held.iter_rows():
        ids.setdefault((arm, status), set()).add(episode)
    rows = []
    for arm in configs.arms.values():
        planned = _planned(arm, warehouse)
        complete = len(planned & ids.get((arm.name, COMPLETE), set()))
        need, spent = estimates.get(arm.name), _spent(warehouse, arm)
        rows.append(
            ArmProgress(
                arm=arm.name,
                title=arm.title,
                condition=arm.condition,
                scripted=configs.only_scripted(arm),
                planned=len(planned),
                complete=complete,
                failed=len(ids.get((arm.name, FAILED), ())),
                stopped=len(ids.get((arm.name, STOPPED), ())),
                left=len(planned) - complete,
                spent_usd=spent,
                budget_usd=arm.budget_usd,
                left_usd=None if need is None else need.cost_usd,
                hours=None if need is None else need.hours,
                nightly=_next_night(configs, arm, warehouse, need, spent),
                first_batch=batches(arm)[0],
                lift=(lifts or {}).get(arm.name),
            )
        )
    return rows


def read_progress(
    configs: Path, warehouse: Warehouse, *, estimates: Estimates, lifts: Lifts | None = None
) -> list[ArmProgress]:
    """`arm_progress` for a folder of configuration.

    Raises:
        ProgressError: the configuration or a journal cannot be read.
    """
    with _readable():
        return arm_progress(load_configs(configs), warehouse, estimates=estimates, lifts=lifts)


def read_estimates(configs: Path, warehouse: Warehouse) -> Estimates:
    """`arm_estimates` for a folder of configuration.

    Raises:
        ProgressError: the configuration or a prompt cannot be read.
    """
    with _readable():
        return arm_estimates(load_configs(configs), warehouse)


def read_lifts(configs: Path, warehouse: Warehouse) -> Lifts:
    """What the lifts of every arm that has one still take, by name, for a folder of configuration.

    Raises:
        ProgressError: the configuration cannot be read.
    """
    with _readable():
        return lift_needs(load_configs(configs), warehouse)


def plans_version(configs: Path, warehouse: Warehouse) -> str:
    """A short string that changes whenever a table, a file of configuration, a prompt or a launch does."""
    # The prompts by name: a search from the folder above would not follow a link to them.
    files = [*configs.glob("*.yaml"), *(configs / "prompts").rglob("*")]
    return _digest(warehouse.version(), *_stamps(files))


def journals_version(warehouse: Warehouse) -> str:
    """A short string that changes whenever a journal of an episode in flight does."""
    return _digest(*_stamps(warehouse.journal.glob("*/*.jsonl")))


def call_statuses(warehouse: Warehouse) -> pl.DataFrame:
    """How calls ended, one row a model, status and whether it was retried: models first, then scripted agents, by name.

    Returns:
        model, scripted, what (`reply`, `invalid reply`, `fault` or `fault, retried`, in this order), status (the most
        frequent first), n, share of the model's calls (retried faults are no calls of their own: their share is null).
    """
    scripted = (pl.col("provider") == "scripted").alias("scripted")
    calls = warehouse.scan("calls").select("model", scripted, "status", "retried")
    ended = calls.group_by("model", "scripted", "status").len("n").collect()
    retried = (
        calls.filter(pl.col("retried").is_not_null())
        .select("model", "scripted", status=pl.col("retried").str.split(" "))
        .explode("status")
        .group_by("model", "scripted", "status")
        .len("n")
        .collect()
    )
    faults = pl.col("status").is_in(list(FAULTS))
    what = (
        pl.when(pl.col("status") == OK).then(pl.lit(REPLY)).when(faults).then(pl.lit(FAULT)).otherwise(pl.lit(INVALID))
    )
    share = pl.col("n") / pl.col("n").sum().over("model", "scripted")
    rows = pl.concat(
        [
            ended.with_columns(what=what, share=share),
            retried.with_columns(what=pl.lit(RETRIED), share=pl.lit(None, pl.Float64)),
        ]
    )
    order = pl.col("what").cast(pl.Enum([REPLY, INVALID, FAULT, RETRIED]))
    return rows.sort("scripted", "model", order, "n", "status", descending=[False, False, False, True, False]).select(
        "model", "scripted", "what", "status", "n", "share"
    )


def _next_night(
    configs: Configs, arm: Arm, warehouse: Warehouse, need: Estimate | None, spent_usd: float
) -> NextNight | None:
    if arm.nightly is None:
        return None
    now = standing(configs, arm, warehouse, spent_usd=spent_usd)
    chosen = tonight(arm, now)
    if isinstance(chosen, Rest):
        return NextNight(arm.nightly, rest=chosen.reason)
    if need is None:
        return NextNight(arm.nightly, batch=chosen.batch, episodes=chosen.episodes)
    night = expected(arm, now, chosen, episode_usd=need.episode_usd)
    return NextNight(arm.nightly, batch=chosen.batch, episodes=night.episodes, cost_usd=night.cost_usd)


def _planned(arm: Arm, warehouse: Warehouse) -> set[str]:
    """Ids of the arm's episodes; of one launch to come where it was never launched."""
    known = launches(warehouse, arm) or (("next",) if arm.relaunch else ())
    return set(planned_ids(arm, launches=known))


# A run beside this process appends to journals, and removes each when its episode is in the tables.
@tenacity.retry(
    retry=tenacity.retry_if_exception_type((FileNotFoundError, StaleJournalError)),
    stop=tenacity.stop_after_attempt(5),
    wait=tenacity.wait_fixed(0.05),
    reraise=True,
)
def _spent(warehouse: Warehouse, arm: Arm) -> float:
    return spent_so_far(warehouse, arm)


@contextmanager
def _readable() -> Iterator[None]:
    try:
        yield
    except (ConfigError, PromptError, StaleJournalError) as problem:
        raise ProgressError(str(problem)) from problem
    except (OSError, UnicodeError) as problem:
        raise ProgressError(f"{type(problem).__name__}: {' '.join(str(problem).split())}") from problem


def _stamps(files: Iterable[Path]) -> Iterator[str]:
    """Name, time and size of each file; one that is removed meanwhile is left out."""
    for path in sorted(files):
        with suppress(FileNotFoundError):
            stat = path.stat()
            yield f"{path}:{stat.st_mtime_ns}:{stat.st_size}"


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]
