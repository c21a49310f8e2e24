"""The argument of Question 1, paragraph by paragraph."""

from collections.abc import Mapping, Sequence
from typing import Any

from di_assets.report.named import named
from di_assets.report.questions.asked.persuasion.claims import pooled_capture
from di_assets.report.questions.scope import Frames, Scope
from di_assets.report.questions.statement import Claim
from di_assets.report.questions.statistics import NO_TALK, against_chance, rate
from di_assets.tables.words import talks_openly


def reading(scope: Scope, frames: Frames, claims: Sequence[Claim], *, net: Mapping[str, Any]) -> list[str]:
    """The argument, one string per paragraph. The last paragraph, on what is missing, is the same on every page."""
    if not scope.rows:
        return [
            "No episode that could answer this question has been played yet: it needs an arm with messages on, and its control."
        ]
    kind = "agent" if scope.scripted else "model"
    readout = (
        "The one primary outcome is the lift: points received per episode with messages on, minus points of the same "
        f"{kind} with messages off. The lift is what talk buys."
    )
    claimed = " ".join(claim.sentence for claim in claims)
    return [readout, claimed, _traffic(scope, frames), _twin(scope, net)]


def _traffic(scope: Scope, frames: Frames) -> str:
    """The paragraph on kinds of pulls, compared with reciprocators who never talk."""
    payback, solicited = (rate(scope, name) for name in ("payback_rate", "solicited_not_payback_rate"))
    if payback["value"] is None:
        return ""
    spans = [f" (95% CI [{r['ci'][0]:.1%}, {r['ci'][1]:.1%}])" if r["ci"] else "" for r in (payback, solicited)]
    rows = [
        row
        for row in against_chance(scope, frames)
        if (row["measure"], row["null"]) == ("payback_rate", NO_TALK) and talks_openly(row["condition"])
    ]
    null_rates = [f"{row['null_mean']:.1%} on {row['condition']}" for row in rows if row["null_mean"] is not None]
    return (
        f"With messages on, {payback['value']:.1%} of pulls were paybacks{spans[0]}, and {solicited['value']:.1%} were solicited without "
        f"being paybacks{spans[1]}. These are means over n = {payback['n']} episodes of {payback['n_seeds']} seeds; interval: "
        f"{payback['ci_method']}."
    ) + (f" Reciprocators who never talk would give a payback rate of {', '.join(null_rates)}." if null_rates else "")


def _twin(scope: Scope, net: Mapping[str, Any]) -> str:
    """The paragraph on capture. Capture is zero over all pairs by construction; it informs about single models."""
    if net["value"] is None or net["pair_sd"] is None:
        return ""
    return (
        f"{pooled_capture(net['n']).sentence} The standard deviation of pairs is {net['pair_sd']:.3f}. Capture of each "
        "model, a stricter measure than points: "
        + "; ".join(
            f"{named(row.model, scripted=scope.scripted)} {row.capture.mean:+.3f}"
            for row in scope.rows
            if row.capture.mean is not None
        )
        + "."
    )
