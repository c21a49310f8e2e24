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
from di_assets.play.estimate import Estimate, estimate
from di_assets.play.launches import launches
from di_assets.play.nights import Rest, expected, standing, starts, tonight
from di_assets.play.spent import spent_so_far
from di_assets.report.progress.pairs_needed import LiftNeed, lift_needs
from di_assets.tables import Warehouse
from di_assets.tables.words import COMPLETE, FAILED, OK, SCRIPTED, STOPPED

REPLY, INVALID, FAULT, RETRIED = "reply", "invalid reply", "fault", "fault, retried"
Estimates = Mapping[str, Estimate]
"""What is left, by arm."""
Lifts = Mapping[str, LiftNeed]
"""What lifts still take, by arm."""


class ProgressError(ValueError):
    """Configuration, prompts or a journal cannot be read. The message is one line that says where and why."""

    exit_code = 2


@dataclass(frozen=True, slots=True)
class NextNight:
    """What a nightly arm plays next. It does not depend on the time; `begins` gives the time.

    Attributes:
        schedule: times and amounts.
        batch: the partition; None if nothing is played.
        episodes: episodes expected to be complete after it.
        cost_usd: expected cost, US dollars; None if it is not estimated yet.
        rest: why nothing is played; None if something is.
    """

    schedule: Nightly
    batch: str | None = None
    episodes: int = 0
    cost_usd: float | None = None
    rest: str | None = None

    @property
    def words(self) -> str:
        """The schedule in one line."""
        return f"{self.schedule.cron} ({self.schedule.timezone})"

    def begins(self, now: datetime) -> datetime:
        """When the next night after `now` begins, in the schedule's time zone."""
        return next(starts(self.schedule, after=now))


@dataclass(frozen=True, slots=True)
class ArmProgress:
    """The progress of one arm.

    Attributes:
        arm: name of the arm.
        title: one line for people.
        condition: topology/payoff/messaging.
        scripted: every seat is a scripted agent.
        planned: planned episodes; of all launches if the arm may be launched again.
        complete: planned episodes that were played to the end.
        failed: episodes that ended with a fault and can be resumed.
        stopped: episodes that a budget or a refused request ended and that can be resumed.
        left: planned episodes that are not complete.
        spent_usd: US dollars spent so far, including calls of unfinished episodes.
        budget_usd: the most it may spend; None if nothing is charged.
        left_usd: estimated cost of the episodes that are left; None if not estimated yet.
        hours: the least time they would take; None if not estimated yet.
        nightly: what its next night will play; None if it has no schedule.
        first_batch: its first partition.
        lift: what the lifts of its models still need; None if it has no lift, or if that is not computed yet.
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
    """By arm, what it still needs. Slow if models have not played yet, because their episodes are rehearsed."""
    return {arm.name: estimate(configs, arm, warehouse) for arm in configs.arms.values()}


def arm_progress(
    configs: Configs, warehouse: Warehouse, *, estimates: Estimates, lifts: Lifts | None = None
) -> list[ArmProgress]:
    """The progress of every configured arm, by name.

    Args:
        configs: all configuration.
        warehouse: the episodes played so far.
        estimates: what is left, for the arms that are estimated.
        lifts: what lifts still need, for the arms where it is computed.
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
    """By arm, what its lifts still need, for a folder of configuration.

    Raises:
        ProgressError: the configuration cannot be read.
    """
    with _readable():
        return lift_needs(load_configs(configs), warehouse)


def plans_version(configs: Path, warehouse: Warehouse) -> str:
    """A short string that changes when a table, a configuration file, a prompt or a launch changes."""
    # The prompts are listed separately: a search from the parent folder would not follow a link to them.
    files = [*configs.glob("*.yaml"), *(configs / "prompts").rglob("*")]
    return _digest(warehouse.version(), *_stamps(files))


def journals_version(warehouse: Warehouse) -> str:
    """A short string that changes when the journal of an episode in flight changes."""
    return _digest(*_stamps(warehouse.journal.glob("*/*.jsonl")))


def call_statuses(warehouse: Warehouse) -> pl.DataFrame:
    """How calls ended: one row per model, status and whether it was retried; models first, then scripted agents.

    Returns:
        model, scripted, what (`reply`, `invalid reply`, `fault` or `fault, retried`, in this order), status (the most
        frequent first), n, share of the model's calls. Retried faults are not calls of their own, so their share is
            null.
    """
    scripted = (pl.col("provider") == SCRIPTED).alias("scripted")
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
    """Ids of the arm's planned episodes; for an arm that was never launched, those of one future launch."""
    known = launches(warehouse, arm) or (("next",) if arm.relaunch else ())
    return set(planned_ids(arm, launches=known))


# Another run may append to journals meanwhile, and deletes each when its episode is in the tables.
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
    """Name, time and size of each file. A file that is deleted meanwhile is left out."""
    for path in sorted(files):
        with suppress(FileNotFoundError):
            stat = path.stat()
            yield f"{path}:{stat.st_mtime_ns}:{stat.st_size}"


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]
