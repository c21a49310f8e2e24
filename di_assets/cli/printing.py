"""What the command line prints: tables for people, one JSON object a line for scripts."""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from di_assets.arms import Arm
    from di_assets.assets.home import Home
    from di_assets.labelling.model import Labelled
    from di_assets.labelling.person import Question
    from di_assets.play.doctor import Checkup
    from di_assets.play.estimate import Estimate
    from di_assets.play.nights import Preview
    from di_assets.report.lineage.trace import Step
    from di_assets.report.progress.pairs_needed import LiftPlan
    from di_assets.report.reader.transcript import Event


def figure_rows(home: "Home") -> list[dict[str, Any]]:
    """The lift table as the demo prints it, most points first."""
    lifts = home.warehouse.read("lift").sort("points_on", descending=True, nulls_last=True)
    return [
        {
            "model": f"{row['model']} (scripted)" if home.configs.is_scripted(row["model"]) else row["model"],
            "points on": row["points_on"],
            "points off": row["points_off"],
            "lift": row["lift"],
            "95% CI": None if row["ci_low"] is None else f"[{row['ci_low']:+.1f}, {row['ci_high']:+.1f}]",
            "pairs": row["n_pairs"],
            "p (Holm)": None if row["p_holm"] is None else f"{row['p_holm']:.4f}",
        }
        for row in lifts.iter_rows(named=True)
    ]


def claims(summary: Mapping[str, Any]) -> None:
    """Every question's headline, and every claim with its status."""
    for question in summary["questions"].values():
        click.echo(question["headline"])
        for claim in question["claims"]:
            click.echo(f"  {claim['status'] + ':':14}{claim['sentence']}")


def table(rows: list[dict[str, Any]], *, as_json: bool, title: str) -> None:
    """Rows of the same keys as a table; numbers stand right, what is missing is a dash."""
    if as_json:
        for row in rows:
            click.echo(json.dumps(row))
        return
    drawn = Table(title=title, title_justify="left")
    for place, (name, value) in enumerate(rows[0].items() if rows else ()):
        number = isinstance(value, str | int | float) and str(value)[:1].isdigit()
        drawn.add_column(name, justify="right" if number else "left", no_wrap=place == 0)
    for row in rows:
        drawn.add_row(*("—" if v is None else f"{v:.1f}" if isinstance(v, float) else str(v) for v in row.values()))
    console = Console(width=None if sys.stdout.isatty() else 120)
    console.print(drawn)


def event(one: "Event", seats: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """One event for people and scripts: seats by letter, the sender by model and kind."""
    sender = seats[one.seat]
    return {
        "event_id": one.event_id,
        "round": one.round,
        "kind": one.kind,
        "from": sender["label"],
        "model": sender["model"],
        "played_by": sender["kind"],
        "to": None if one.other is None else seats[one.other]["label"],
        "text": one.text,
        "status": one.status or None,
    }


def event_line(event: dict[str, Any]) -> str:
    """One event as a line; what a model wrote is escaped."""
    who = f"{event['model']}, scripted" if event["played_by"] == "scripted" else event["model"]
    head = f"#{event['event_id']:<4} r{event['round']:<3} {event['from']} ({who}) -> {event['to'] or '—'}  "
    said = event["text"]
    return head + (json.dumps(said, ensure_ascii=True) if said is not None else f"pull, {event['status']}")


def question(one: "Question") -> None:
    """A question to a person who labels."""
    if one.fresh:
        click.echo(f"\n[{one.place} of {one.total}]  {escaped(one.text)}")
    asked = {"asks_for_pull": "asks for a pull", "promises_pull": "promises a pull"}[one.label]
    before = "" if one.before is None else f" (was {'yes' if one.before else 'no'})"
    click.echo(f"  {asked}?{before}  y/n, s skip, b back, q quit")


def escaped(text: str) -> str:
    """A player's text in quotes; what is not printed as a character (line breaks, marks that turn text) is escaped."""
    inside = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in inside) + '"'


def labelled(made: "Labelled", *, as_json: bool) -> None:
    """What a model's labelling came to."""
    if as_json:
        click.echo(json.dumps(asdict(made)))
        return
    text = f"{made.model} ({made.version}): {made.labelled:,} of {made.texts:,} distinct texts labelled"
    text += f", {made.calls:,} calls made now (${made.cost_usd:.4f})"
    text += f", {made.unread:,} without a readable reply" if made.unread else ""
    click.echo(text + (f"; stopped: {made.stopped}" if made.stopped else ""))


def agreement(rows: Sequence[dict[str, Any]], *, as_json: bool) -> None:
    """How far every two labellers agree."""
    told = [
        {
            "labellers": f"{row['labeller']} ({row['version']}), {row['other']} ({row['other_version']})",
            "label": row["label"].partition("_")[0],
            "wrote": "scripted" if row["scripted"] else "models",
            "n": row["n"],
            "agreed": _share(row["agreed"]),
            "yes": None if row["yes"] is None else f"{row['yes']:.0%}, {row['other_yes']:.0%}",
            "kappa": None if row["kappa"] is None else f"{row['kappa']:.2f}",
            "95% CI": _interval(row) if row["ci_low"] is not None else row["ci_method"],
        }
        for row in rows
    ]
    table(list(rows) if as_json else told, as_json=as_json, title="Agreement of labellers (Cohen's kappa)")


def ledger(rows: Sequence[dict[str, Any]], *, as_json: bool) -> None:
    """Promises made, kept and broken, and what they bought: a table a labeller and condition."""
    if as_json:
        table(list(rows), as_json=True, title="")
    for (labeller, condition), part in groupby(rows, key=itemgetter("labeller", "condition")):
        told = [
            {
                "model": f"{row['model']} (scripted)" if row["scripted"] else row["model"],
                "made": f"{row['made']:,}",
                "kept": f"{row['kept']:,}",
                "broken": f"{row['broken']:,}",
                "open": f"{row['open']:,}",
                "share kept, 95% CI": None
                if row["kept_share"] is None
                else f"{row['kept_share']:.0%} {_interval(row)}".strip(),
                "by chance": _share(row["chance_share"]),
                "if paid": _share(row["owed_kept_share"]),
                "points: kept": None if row["points_a_kept"] is None else f"{row['points_a_kept']:.2f}",
                "broken ": None if row["points_a_broken"] is None else f"{row['points_a_broken']:.2f}",
            }
            for row in part
        ]
        if not as_json:
            table(told, as_json=False, title=f"Promises, {condition} (labeller: {labeller})")


def walk(step: "Step", *, as_json: bool) -> None:
    """A walk as an indented tree, whole only as JSON."""
    from di_assets.report.lineage.steps import tree  # noqa: PLC0415 -- only those who trace load it

    if as_json:
        click.echo(json.dumps(asdict(step)))
        return
    sets = sum(inner.kind == "episodes" for inner in step.steps)
    # Few enough that the whole tree is read at a glance.
    for line in tree(step, first=2 if sets <= 2 else 1):
        click.echo(line)


def _share(value: float | None) -> str | None:
    return None if value is None else f"{value:.0%}"


def _interval(row: dict[str, Any]) -> str:
    """Bounds in per cent, as shares are; of kappa, which is none, as a number."""
    low, high = row["ci_low"], row["ci_high"]
    if low is None:
        return ""
    return f"[{low:.2f}, {high:.2f}]" if "kappa" in row else f"[{low:.0%}, {high:.0%}]"


def needs(arm: "Arm", need: "Estimate", spent_usd: float) -> None:
    """What an arm still needs, a model a line, then in all, against its budget."""
    from di_assets.play.use import REHEARSAL, REHEARSED  # noqa: PLC0415 -- only those who plan load play

    rows = [
        {
            "model": one.model,
            "seats": f"{one.seats:,}",
            "calls": f"{one.calls:,}",
            "tokens in": f"{one.input_tokens:,}",
            "cached": f"{one.cached_tokens / one.input_tokens:.0%}" if one.input_tokens else None,
            "tokens out": f"{one.output_tokens:,}",
            "US dollars": f"{one.cost_usd:,.2f}",
            "low to high": f"{one.low_usd:,.2f} to {one.high_usd:,.2f}",
            "basis": one.basis,
        }
        for one in need.needs
    ]
    if rows:
        table(rows, as_json=False, title=f"{arm.name}: {need.left:,} of {need.planned:,} episodes are left to play")
    else:
        played_by = "nothing is left" if not need.left else "scripted agents, nothing is charged"
        click.echo(f"{arm.name}: {need.left:,} of {need.planned:,} episodes are left to play ({played_by})")
    if any(one.basis == REHEARSED for one in need.needs):
        click.echo(f"{REHEARSED}: {REHEARSAL}")
    calls = sum(one.calls for one in need.needs)
    budget = "no budget" if arm.budget_usd is None else f"budget ${arm.budget_usd:,.2f}, spent ${spent_usd:,.2f}"
    between = f"${need.low_usd:,.2f} to ${need.high_usd:,.2f}"
    click.echo(f"{calls:,} calls, about ${need.cost_usd:,.2f}, {between} ({budget}), at least {need.hours:.1f} hours")
    if arm.budget_usd is not None and need.high_usd > arm.budget_usd - spent_usd:
        may = "does not reach" if need.cost_usd > arm.budget_usd - spent_usd else "may not reach"
        click.echo(f"the budget {may}: play will stop when ${arm.budget_usd:,.2f} are spent")


def nights(previews: Sequence["Preview"], *, days: int, as_json: bool) -> None:
    """The nights to come, all arms in the order of time, and their totals; then of each arm why there are no more."""
    if as_json:
        for one in previews:
            click.echo(json.dumps(asdict(one), default=lambda at: at.isoformat()))
        return
    if not previews:
        click.echo("no arm is nightly: add `nightly: {cron: '0 1 * * *'}` to configs/NAME.yaml")
    # By the instant: times of several zones, and of one that changes, are in no order as they are written.
    coming = sorted(
        ((night.at.timestamp(), one.arm, night) for one in previews for night in one.nights), key=itemgetter(0, 1)
    )
    rows = [
        {
            "night": f"{night.at:%a %Y-%m-%d %H:%M %Z}",
            "arm": arm,
            "batch": night.batch.rpartition("--")[2],
            "episodes": f"{night.episodes:,}",
            "US dollars": f"{night.cost_usd:,.2f}",
            "then left": f"{night.left:,}",
            "ended by": night.held_by,
        }
        for _, arm, night in coming
    ]
    if rows:
        episodes, cost = (sum(getattr(night, what) for *_, night in coming) for what in ("episodes", "cost_usd"))
        total = {"night": f"{len(rows)} nights", "episodes": f"{episodes:,}", "US dollars": f"{cost:,.2f}"}
        rows.append({name: total.get(name) for name in rows[0]})
        table(rows, as_json=False, title=f"The next {days} days, if every night is played and no episode fails")
    for one in previews:
        if one.then is not None:
            click.echo(f"then {one.then}" if one.nights else one.then)
        elif not one.nights:
            click.echo(f"no night of {one.arm} falls into the next {days} days")


def lift_plans(
    plans: Sequence["LiftPlan"], why: str | None, *, precision: float | None, power: float | None, effect: float | None
) -> None:
    """How many matched pairs each model's lift takes, a model a line, and what the missing ones cost in all."""
    from di_assets.measures.power import SPREADS  # noqa: PLC0415 -- only those who plan load it

    if why is not None:
        click.echo(why)
        return
    rows = [
        {
            "model": f"{one.model} (scripted)" if one.scripted else one.model,
            "sd": f"{one.sd:.1f}",
            "sd of": one.basis,
            **({f"for ±{precision:g}": _pairs(one.for_precision)} if precision is not None else {}),
            **({f"for {power:.0%} at {effect:g}": _pairs(one.for_power)} if power is not None else {}),
            "planned": str(one.planned),
            "complete": str(one.complete),
            "missing": _pairs(one.missing),
            "US dollars": None if one.cost_usd is None else f"{one.cost_usd:,.2f}",
            "hours": None if one.hours is None else f"{one.hours:.1f}",
        }
        for one in plans
    ]
    controls = " and ".join(sorted({one.control for one in plans}))
    table(rows, as_json=False, title=f"Matched pairs with {controls}; sd of their differences in points")
    bases = {one.basis for one in plans}
    for note in (told for basis, told in SPREADS.items() if any(basis in one for one in bases)):
        click.echo(note)
    if power is not None:
        click.echo(f"power: two-sided paired t at {plans[0].alpha:.3g}, 5% over all models of the arm (Bonferroni)")
    known = [(one.cost_usd, one.hours) for one in plans if one.cost_usd is not None and one.hours is not None]
    usd, hours = (sum(column) for column in zip(*known, strict=True)) if known else (0.0, 0.0)
    beyond = f", without the {len(plans) - len(known)} that nobody can play" if len(known) < len(plans) else ""
    click.echo(f"missing pairs, both arms: about ${usd:,.2f}, at least {hours:.1f} hours{beyond}")


def _pairs(count: int | None) -> str:
    return "too many" if count is None else f"{count:,}"


def checkups(found: Sequence["Checkup"], *, as_json: bool) -> None:
    """What the doctor found, a model a line, and what to change."""
    if as_json:
        for one in found:
            click.echo(json.dumps({**asdict(one), "ok": one.ok, "key_ok": one.key_ok}))
        return
    rows = [
        {
            "model": one.model,
            "key": one.key.partition(":")[0],
            "reached": one.reached.partition(":")[0],
            "schema": one.schema,
            "message": one.message,
            "pull": one.pull,
            "tokens in, cached, out": ", ".join(
                "—" if n is None else str(n) for n in (one.input_tokens, one.cached_tokens, one.output_tokens)
            ),
            "s a call": None if one.latency_s is None else f"{one.latency_s:.2f}",
            "US dollars": f"{one.cost_usd:.5f}",
        }
        for one in found
    ]
    table(rows, as_json=False, title="Models")
    for one in found:
        fault = one.reached.removeprefix("no: ") if one.reached.startswith("no: ") else None
        if fault or one.advice:
            click.echo(": ".join(part for part in (fault or one.model, one.advice) if part))
    click.echo(f"spent ${sum(one.cost_usd for one in found):.5f}")
