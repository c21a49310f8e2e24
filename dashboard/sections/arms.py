"""The Arms page: how far each arm has come, what it costs to finish, and how each model's calls ended."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar

import polars as pl

from dashboard.render import Section
from di_assets.report.progress.arms import ArmProgress, NextNight

NOTHING, PENDING = "—", "…"


@dataclass(frozen=True, slots=True)
class Night:
    """The next night of a nightly arm.

    Attributes:
        words: the schedule.
        rest: why nothing is played.
        begins: when it begins.
        batch: the batch that is played.
        link: address of the batch in the Dagster UI.
        plays: episodes and their expected cost.
    """

    words: str
    rest: str | None
    begins: str
    batch: str | None
    link: str
    plays: str


@dataclass(frozen=True, slots=True)
class ArmRow:
    """An arm as text for its row.

    Attributes:
        link: its address in the Dagster UI.
        lift: how many more matched pairs its lifts need.
    """

    title: str
    arm: str
    scripted: bool
    condition: str
    link: str
    lift: str
    planned: int
    complete: int
    failed: int
    stopped: int
    spent: str
    budget: str
    left: str
    hours: str
    night: Night | None


@dataclass(frozen=True, slots=True)
class Arms:
    """How far the arms have come.

    Attributes:
        pending: the cost of what is left is still being computed.
    """

    template: ClassVar[str] = "arms"
    arms: Sequence[ArmRow]
    pending: bool


@dataclass(frozen=True, slots=True)
class NoArm:
    """No arm is configured."""

    template: ClassVar[str] = "no_arm"


@dataclass(frozen=True, slots=True)
class CallsEnded:
    """How calls ended: model, scripted, what came back, status, calls, share."""

    template: ClassVar[str] = "calls_ended"
    rows: Sequence[tuple[str, bool, str, str, str, str]]


@dataclass(frozen=True, slots=True)
class Problem:
    """One line that says why something cannot be shown."""

    template: ClassVar[str] = "problem"
    text: str


def arms_section(
    arms: Sequence[ArmProgress], problem: str | None, *, pending: bool, where: dict[str, str]
) -> list[Section]:
    """The arms, and why they cannot be counted if so.

    Args:
        arms: in the order of their rows.
        problem: what is wrong with their configuration.
        pending: the cost of what is left is still being computed.
        where: batch -> its address in the Dagster UI; empty in the static site.
    """
    problems: list[Section] = [] if problem is None else [Problem(problem)]
    if arms:
        return [*problems, Arms([_arm(arm, where, PENDING if pending else NOTHING) for arm in arms], pending)]
    return problems or [NoArm()]


def batches_shown(arms: Sequence[ArmProgress]) -> list[str]:
    """Batches that the page links to in the Dagster UI."""
    nights = [arm.nightly.batch for arm in arms if arm.nightly is not None and arm.nightly.batch is not None]
    return [*(arm.first_batch for arm in arms), *nights]


def calls_section(calls: pl.DataFrame) -> CallsEnded:
    """How calls ended, a row a model and way."""
    return CallsEnded(
        [
            (model, scripted, what, status, f"{n:,}", NOTHING if share is None else f"{_rounded(100 * share, 1)}%")
            for model, scripted, what, status, n, share in calls.iter_rows()
        ]
    )


def _arm(arm: ArmProgress, where: dict[str, str], missing: str) -> ArmRow:
    return ArmRow(
        title=arm.title,
        arm=arm.arm,
        scripted=arm.scripted,
        condition=arm.condition,
        link=where.get(arm.first_batch, ""),
        lift=_lift(arm),
        planned=arm.planned,
        complete=arm.complete,
        failed=arm.failed,
        stopped=arm.stopped,
        spent=_rounded(arm.spent_usd, 2),
        budget=NOTHING if arm.budget_usd is None else _rounded(arm.budget_usd, 2),
        left=missing if arm.left_usd is None else _rounded(arm.left_usd, 2),
        hours=missing if arm.hours is None else _rounded(arm.hours, 1),
        night=None if arm.nightly is None else _night(arm.nightly, where, missing),
    )


def _lift(arm: ArmProgress) -> str:
    """How many more matched pairs the lifts of its models take; nothing where it has none."""
    if arm.lift is None:
        return ""
    pairs, precision = arm.lift.pairs, f"{arm.lift.precision:g} points"
    if pairs == 0:
        return f"its lifts are to within {precision}"
    need = "more pairs than anyone plays" if pairs is None else f"{pairs:,} more pair{'' if pairs == 1 else 's'}"
    return f"lifts to within {precision}: {need}"


def _night(night: NextNight, where: dict[str, str], missing: str) -> Night:
    if night.batch is None:
        return Night(night.words, night.rest or "", "", None, "", "")
    cost = missing if night.cost_usd is None else f"${_rounded(night.cost_usd, 2)}"
    return Night(
        words=night.words,
        rest=None,
        begins=f"{night.begins(datetime.now(tz=UTC)):%a %Y-%m-%d %H:%M %Z}",
        batch=night.batch,
        link=where.get(night.batch, ""),
        plays=f"{night.episodes:,} episode{'' if night.episodes == 1 else 's'}, {cost}",
    )


def _rounded(value: float, digits: int) -> str:
    """A number to so many digits; one that is not nothing never looks like it."""
    least = 10**-digits
    return f"<{least:.{digits}f}" if 0 < value < least / 2 else f"{value:,.{digits}f}"
