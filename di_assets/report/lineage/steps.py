"""Prints a trace for people: short hashes, the first episodes of each set, and how many more there are."""

from collections.abc import Mapping
from typing import Any

from di_assets.report.lineage.trace import Step
from di_assets.report.published import text_of

# For tables with many columns: the columns that are printed. The JSON has all.
SHOWN = {
    "lift": ("lift", "ci_low", "ci_high", "n_pairs", "p_holm", "needs"),
    "looks": ("n_pairs", "planned", "lift", "ci_low", "ci_high"),
    "model_points": ("n", "points_mean", "capture_mean", "capture_ci_low", "capture_ci_high"),
    "model_baseline": ("n", "observed_mean", "null_mean", "null_low", "null_high", "p_value"),
    "reactions": ("n", "n_choices", "effect", "effect_ci_low", "effect_ci_high", "p_value", "reason"),
    "promise_ledger": (
        "n",
        "made",
        "kept",
        "broken",
        "kept_share",
        "ci_low",
        "ci_high",
        "chance_share",
        "points_a_kept",
        "points_a_broken",
    ),
    "channel_lift": ("formula", "difference", "ci_low", "ci_high", "n_pairs", "needs"),
}
HASH_CHARS = 12


def tree(step: Step, *, first: int, depth: int = 0) -> list[str]:
    """Lines for a step and what it rests on, each level indented by two blanks.

    Only the first episodes of a set are listed.
    """
    lines = [f"{'  ' * depth}{line_of(step)}"]
    shown = step.steps[:first] if step.kind == "episodes" else step.steps
    for inner in shown:
        lines += tree(inner, first=first, depth=depth + 1)
    if len(shown) < len(step.steps):
        lines.append(f"{'  ' * (depth + 1)}... {len(step.steps) - len(shown):,} more")
    return lines


def line_of(step: Step) -> str:
    """The line for one step."""
    facts = step.facts
    if step.kind == "claim":
        because = f" (because of {', '.join(facts['because'])})" if facts["because"] else ""
        return f"claim {facts['status']}{because}: {facts['sentence']}"
    if step.kind == "row":
        row = {name: facts["row"][name] for name in SHOWN.get(facts["table"], facts["row"])}
        return f"row {step.name}: {_facts(row)}; file {short(facts['file_sha256'])}; from {', '.join(facts['from']) or 'nothing'}"
    if step.kind == "event":
        return f"event {step.name}: {_facts({name: facts[name] for name in facts if name != 'event_id'})}"
    if step.kind == "cited by":
        event = "" if facts["event_id"] is None else f" (event #{facts['event_id']})"
        return f"cited by {step.name}{event}"
    return f"{step.kind} {step.name}: {_facts(facts)}"


def short(value: str | None) -> str:
    """The first characters of a hash; other text in full; a dash for None."""
    if value is None:
        return "—"
    return value[:HASH_CHARS] if len(value) == 64 and set(value) <= set("0123456789abcdef") else value


def _facts(facts: Mapping[str, Any]) -> str:
    """Facts that are there, as `name value`."""
    return ", ".join(f"{name} {_text(value)}" for name, value in facts.items() if value is not None)


def _text(value: Any) -> str:
    if isinstance(value, str):
        return short(value)
    if isinstance(value, list):
        return " ".join(map(_text, value)) if len(value) <= 3 else f"({len(value)} values)"
    return text_of(value)
