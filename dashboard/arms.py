"""Arms: how far each has come, what it costs to finish, and how each model's calls have ended."""

from collections.abc import Sequence
from datetime import UTC, datetime
from html import escape
from urllib.parse import quote

import polars as pl
import streamlit as st

from dashboard import data
from dashboard.style import page
from dashboard.tables import boxed
from dashboard.untrusted import safe
from di_assets.report.progress.arms import ArmProgress, NextNight

# Heading -> whether the column holds numbers.
ARMS = {"arm, condition": False, "planned": True, "played": True, "failed": True, "stopped": True, "spent, $": True,
        "budget, $": True, "to finish, $": True, "at least, h": True, "nightly": False}  # fmt: skip
STANDING = ("arm, condition", "planned", "played", "failed", "stopped", "spent, $", "budget, $")
CALLS = {"model": False, "what came": False, "status": False, "calls": True, "share": True}
LABEL = " <span class='scripted'>scripted</span>"
NOTHING, PENDING = "—", "…"
ABOUT_ARMS = (
    "Failed and stopped episodes are kept, and resumed by the next run; what is spent includes their calls. To finish: what the "
    "episodes that are left would cost, and the least hours that limits, concurrency and the game’s turns allow. Both come from what "
    "each model has used in this arm or in one with as many rounds; where it has played none, from prompts that stand-ins rehearse, "
    "which leaves reasoning out. Lifts: the matched pairs that the 95% intervals of all the arm’s models still take to reach the half-width "
    "in <code>configs/report.yaml</code>, if pairs go on to vary as they do. The next night of a nightly arm: when, its batch in the Dagster UI, and what it is expected to play "
    "and cost if no episode fails; <code>di schedule</code> shows the nights after it."
)
ABOUT_CALLS = (
    "An invalid reply is asked for again, up to twice. A fault brought no reply, and its episode was left to be resumed. "
    "A fault that was retried came before one of the other calls, and has no share of its own."
)


def show() -> None:
    """The arms as they can be counted at once; how calls ended; then what the arms need, which can take seconds."""
    warehouse = data.warehouse()
    st.html(page("<h2>Arms</h2>"))
    arms = st.empty()
    counted, problem = data.progress(warehouse, priced=False)
    arms.html(page(_arms(counted, problem, pending=True)))
    st.html(page("<h3>How calls ended</h3>" + _calls(data.calls(str(warehouse), warehouse.version("calls")))))
    if problem is None:
        priced, problem = data.progress(warehouse, priced=True)
        arms.html(page(_arms(priced or counted, problem, pending=False)))


def standing(arms: Sequence[ArmProgress]) -> str:
    """How far the arms had come, without what is still to come: what a page can say that stays as it is."""
    heads = {name: number for name, number in ARMS.items() if name in STANDING}
    rows = [
        [cell for name, cell in zip(ARMS, _arm(arm, missing=NOTHING, linked=False), strict=True) if name in heads]
        for arm in arms
    ]
    return boxed(heads, rows, label="arms") if arms else "<p>No arm is configured.</p>"


def _arms(arms: Sequence[ArmProgress], problem: str | None, *, pending: bool) -> str:
    if problem is not None:
        told = f"<p role='alert' class='text'>{safe(problem)}</p>"
    elif not arms:
        return "<p>No arm is configured: an arm is one file in <code>configs/</code>.</p>"
    else:
        now = f"Working out what is left {PENDING}" if pending else f"{len(arms)} arm{'s' if len(arms) > 1 else ''}"
        told = f"<p class='sub' role='status'>{now}</p>"
    if not arms:
        return told
    rows = [_arm(arm, missing=PENDING if pending else NOTHING) for arm in arms]
    return told + boxed(ARMS, rows, label="arms") + f"<p class='caption'>{ABOUT_ARMS}</p>"


def _arm(arm: ArmProgress, *, missing: str, linked: bool = True) -> tuple[str, ...]:
    """An arm's cells; `linked` to the Dagster UI, where it is served."""
    where = escape(data.dagster_batch(arm.first_batch))
    link = f" <a href='{where}' aria-label='{escape(arm.arm)} in Dagster'>in Dagster</a>" if linked else ""
    label = LABEL if arm.scripted else ""
    return (
        f"{safe(arm.title)}<small>{safe(arm.arm)}{label}{link}</small><small>{safe(arm.condition)}</small>{_lift(arm)}",
        f"{arm.planned:,}",
        f"{arm.complete:,}",
        _unfinished(arm, "failed", arm.failed),
        _unfinished(arm, "stopped", arm.stopped),
        _rounded(arm.spent_usd, 2),
        NOTHING if arm.budget_usd is None else _rounded(arm.budget_usd, 2),
        missing if arm.left_usd is None else _rounded(arm.left_usd, 2),
        missing if arm.hours is None else _rounded(arm.hours, 1),
        NOTHING if arm.nightly is None else _nightly(arm.nightly, missing=missing),
    )


def _lift(arm: ArmProgress) -> str:
    """How many more matched pairs the lifts of its models take; nothing where it has none."""
    if arm.lift is None:
        return ""
    pairs = arm.lift.pairs
    need = "more pairs than anyone plays" if pairs is None else f"{pairs:,} more pair{'' if pairs == 1 else 's'}"
    told = (
        f"its lifts are to within {arm.lift.precision:g} points"
        if pairs == 0
        else f"lifts to within {arm.lift.precision:g} points: {need}"
    )
    return f"<small>{told}</small>"


def _nightly(night: NextNight, *, missing: str) -> str:
    """The schedule; when its next night is and what it plays, with a link to the batch in the Dagster UI, or why nothing."""
    schedule = f"<span class='line'>{safe(night.words)}</span>"
    if night.batch is None:
        return f"{schedule}<small>rests: {safe(night.rest or '')}</small>"
    begins = f"{night.begins(datetime.now(tz=UTC)):%a %Y-%m-%d %H:%M %Z}"
    cost = missing if night.cost_usd is None else f"${_rounded(night.cost_usd, 2)}"
    link = f"<a href='{escape(data.dagster_batch(night.batch))}'>{safe(night.batch)}</a>"
    episodes = f"{night.episodes:,} episode{'' if night.episodes == 1 else 's'}"
    return f"{schedule}<small>next {safe(begins)}</small><small>{link}: {episodes}, {cost}</small>"


def _unfinished(arm: ArmProgress, status: str, n: int) -> str:
    """A number of episodes as a link to them."""
    if not n:
        return "0"
    where = f"episodes?arm={quote(arm.arm, safe='')}&amp;status={status}"
    return f"<a href='{where}' target='_self' aria-label='{n:,} {status}: {escape(arm.arm)}'>{n:,}</a>"


def _rounded(value: float, digits: int) -> str:
    """A number to so many digits; one that is not nothing never looks like it."""
    least = 10**-digits
    return f"&lt;{least:.{digits}f}" if 0 < value < least / 2 else f"{value:,.{digits}f}"


def _calls(calls: pl.DataFrame) -> str:
    if not calls.height:
        return "<p>No call has been made yet: run <code>di demo</code>, or materialise an arm.</p>"
    rows = [
        (
            safe(model) + (LABEL if scripted else ""),
            what,
            safe(status),
            f"{n:,}",
            NOTHING if share is None else f"{_rounded(100 * share, 1)}%",
        )
        for model, scripted, what, status, n, share in calls.iter_rows()
    ]
    return boxed(CALLS, rows, label="how calls ended") + f"<p class='caption'>{ABOUT_CALLS}</p>"
