"""How many pairs a lift needs for a wanted precision or power, and what the missing pairs would cost."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import polars as pl

from di_assets.arms import Arm, Configs, plan
from di_assets.measures.looks import FACTS, matched_pairs, pair_gaps
from di_assets.measures.power import PairPlan, pair_plan, pairs_for_precision, spread_of
from di_assets.play.estimate import estimate
from di_assets.tables import Warehouse
from di_assets.tables.words import COMPLETE, NO_MESSAGES

# US dollars and hours.
NOTHING = (0.0, 0.0)


@dataclass(frozen=True, slots=True)
class LiftPlan:
    """What the lift of one focal model still needs.

    Attributes:
        control: the arm with messages off.
        model: the focal model.
        scripted: it is a scripted agent.
        sd: standard deviation of pair differences, points.
        basis: where the standard deviation comes from.
        for_precision: pairs for the wanted half-width; None if none is wanted, or if it needs more than `MOST_PAIRS`.
        for_power: pairs for the wanted power; None likewise.
        alpha: two-sided level of the test for which power is computed.
        planned: planned pairs.
        complete: pairs played in both arms.
        missing: further pairs needed for everything wanted; None if more than `MOST_PAIRS`.
        cost_usd: cost of the missing pairs in both arms, US dollars; None likewise.
        hours: their share of the least hours in which both arms can play the missing pairs of all models; None
            likewise.
    """

    control: str
    model: str
    scripted: bool
    sd: float
    basis: str
    for_precision: int | None
    for_power: int | None
    alpha: float
    planned: int
    complete: int
    missing: int | None
    cost_usd: float | None
    hours: float | None


def no_lift(configs: Configs, arm: Arm) -> str | None:
    """Why an arm has no lift to plan for; None if it has one."""
    if not arm.focal:
        return f"{arm.name} has no focal model: there is no lift to plan for"
    if not _controls(configs, arm):
        return f"no arm mirrors {arm.name} with messages off: there is no lift to plan for"
    if arm.relaunch:
        return f"{arm.name} can be launched again, which adds no pairs: its seeds are its plan"
    return None


@dataclass(frozen=True, slots=True)
class LiftNeed:
    """What the lifts of an arm's models still need.

    Attributes:
        precision: wanted half-width of their 95% intervals, points.
        pairs: missing matched pairs of all models together; None if more than `MOST_PAIRS`.
    """

    precision: float
    pairs: int | None


def lift_needs(configs: Configs, warehouse: Warehouse) -> dict[str, LiftNeed]:
    """By arm with a lift, what the lift still needs. If an arm has several controls, the one that needs most counts."""
    precision = configs.report.precision
    needs: dict[str, LiftNeed] = {}
    pairs = list(_controls_and_talk(configs))
    if not pairs:
        return needs
    names = {arm.name for pair in pairs for arm in pair}
    here = pl.col("arm").is_in(list(names))
    episodes = warehouse.scan("episodes").filter(here).select(FACTS).collect()
    columns = ("episode_id", "arm", "focal_model", "condition", "focal_points")
    measures = warehouse.scan("episode_measures").filter(here).select(columns).collect()
    for control, talk in pairs:
        missing = _missing(talk, control, episodes, measures, precision=precision)
        total = None if None in missing else sum(n for n in missing if n is not None)
        for arm in (control, talk):
            before = needs.get(arm.name, LiftNeed(precision, 0)).pairs
            worst = None if before is None or total is None else max(before, total)
            needs[arm.name] = LiftNeed(precision, worst)
    return needs


def _controls_and_talk(configs: Configs) -> Iterator[tuple[Arm, Arm]]:
    """Every control with messages off that can get more pairs, with the arm that it mirrors."""
    for control in configs.arms.values():
        if control.channel == NO_MESSAGES and no_lift(configs, control) is None:
            yield control, configs.arms[str(control.mirrors)]


def _missing(
    talk: Arm, control: Arm, episodes: pl.DataFrame, measures: pl.DataFrame, *, precision: float
) -> list[int | None]:
    """For each focal model, the pairs missing for this half-width."""
    gaps = {model: pair_gaps(found) for _, model, found in matched_pairs(episodes, measures, {control.name: talk.name})}
    measured = measures.filter(arm=talk.name)
    wanted: list[int | None] = []
    for model in talk.focal:
        played = gaps.get(model, [])
        spread = spread_of(played, measured.filter(focal_model=model)["focal_points"].to_list())
        pairs = pairs_for_precision(precision, sd=spread.sd)
        wanted.append(None if pairs is None else max(0, pairs - len(played)))
    return wanted


def lift_plans(
    configs: Configs,
    arm: Arm,
    warehouse: Warehouse,
    *,
    precision: float | None,
    effect: float | None,
    power: float | None,
) -> list[LiftPlan]:
    """One plan per control and focal model. Empty if `no_lift` gives a reason.

    Args:
        configs: all configuration.
        arm: an arm with messages on, or one of its controls.
        warehouse: episodes and measures.
        precision: wanted half-width of the 95% interval, points.
        effect: lift to be detected, points.
        power: wanted probability of detecting it.
    """
    if no_lift(configs, arm):
        return []
    episodes, measures = warehouse.read("episodes"), warehouse.read("episode_measures")
    plans = []
    for control in _controls(configs, arm):
        talk = configs.arms[str(control.mirrors)]
        gaps = {model: pair_gaps(p) for _, model, p in matched_pairs(episodes, measures, {control.name: talk.name})}
        measured = measures.filter(pl.col("arm") == talk.name)
        found = {
            model: pair_plan(
                spread_of(gaps.get(model, []), measured.filter(focal_model=model)["focal_points"].to_list()),
                precision=precision,
                effect=effect,
                power=power,
                comparisons=len(talk.focal),
            )
            for model in talk.focal
        }
        wanted = {model: _wanted(one, precision=precision, power=power) for model, one in found.items()}
        missing = {m: None if n is None else max(0, n - len(gaps.get(m, []))) for m, n in wanted.items()}
        replicates = {model: wanted[model] or 0 for model, count in missing.items() if count}
        costs = [_costs(configs, one, replicates, warehouse) for one in (talk, control)]
        plans += [
            LiftPlan(
                control=control.name,
                model=model,
                scripted=configs.is_scripted(model),
                sd=one.spread.sd,
                basis=one.spread.basis,
                for_precision=one.for_precision,
                for_power=one.for_power,
                alpha=one.alpha,
                planned=len(set(talk.replicate_seeds)),
                complete=len(gaps.get(model, [])),
                missing=missing[model],
                cost_usd=None if missing[model] is None else sum(cost.get(model, NOTHING)[0] for cost in costs),
                hours=None if missing[model] is None else sum(cost.get(model, NOTHING)[1] for cost in costs),
            )
            for model, one in found.items()
        ]
    return plans


def _controls(configs: Configs, arm: Arm) -> list[Arm]:
    """The arm itself if it is a control; otherwise the controls with messages off that mirror it."""
    return [
        other
        for other in configs.arms.values()
        if other.channel == NO_MESSAGES and other.mirrors is not None and arm.name in {other.name, other.mirrors}
    ]


def _wanted(plan: PairPlan, *, precision: float | None, power: float | None) -> int | None:
    """Pairs for everything that is wanted; None if more than `MOST_PAIRS`."""
    asked = [n for n, want in ((plan.for_precision, precision), (plan.for_power, power)) if want is not None]
    pairs = [n for n in asked if n is not None]
    return max(pairs) if len(pairs) == len(asked) else None


def _costs(
    configs: Configs, arm: Arm, replicates: Mapping[str, int], warehouse: Warehouse
) -> dict[str, tuple[float, float]]:
    """By model, US dollars and hours for its first replicates, without those that the arm has already played.

    The plan is extended if it is too short. An episode costs what its seats cost, and takes its share of the hours.
    """
    if not replicates:
        return {}
    count, seeds = max(replicates.values()), arm.replicate_seeds
    more = range(max(seeds) + 1, max(seeds) + 1 + max(0, count - len(seeds)))
    longer = arm.model_copy(update={"focal": tuple(replicates), "episodes": None, "seeds": (*seeds[:count], *more)})
    need = estimate(configs, longer, warehouse)
    seat_usd = {one.model: one.cost_usd / one.seats for one in need.needs}
    played = warehouse.scan("episodes").filter(pl.col("status") == COMPLETE).select("episode_id").collect()
    complete, costs = set(played["episode_id"]), dict.fromkeys(replicates, NOTHING)
    for episode in plan(longer):
        model = str(episode.focal_model)
        if episode.episode_id not in complete and episode.replicate < replicates[model]:
            usd, hours = costs[model]
            costs[model] = usd + sum(seat_usd.get(m, 0.0) for m in episode.models), hours + need.hours / need.left
    return costs
