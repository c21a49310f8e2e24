"""What a lift as precise, or a test as powerful, as wanted would take: pairs, and what the missing ones would cost."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import polars as pl

from di_assets.arms import Arm, Configs, plan
from di_assets.measures.looks import FACTS, matched_pairs, pair_gaps
from di_assets.measures.power import PairPlan, pair_plan, pairs_for_precision, spread_of
from di_assets.play.estimate import estimate
from di_assets.tables import Warehouse
from di_assets.tables.words import COMPLETE

# US dollars, hours.
NOTHING = (0.0, 0.0)


@dataclass(frozen=True, slots=True)
class LiftPlan:
    """What one focal model's lift still takes.

    Attributes:
        control: the arm with messages off.
        model: the focal model.
        scripted: it is a scripted agent.
        sd: standard deviation of pair differences, points.
        basis: where it comes from.
        for_precision: pairs for the wanted half-width; None where none is wanted, or more than anyone plays.
        for_power: pairs for the wanted power; likewise.
        alpha: two-sided level of the test that power is reckoned for.
        planned: pairs.
        complete: pairs played in both arms.
        missing: pairs beyond those for all that is wanted; None where that is more than anyone plays.
        cost_usd: US dollars for the missing ones, in both arms; None likewise.
        hours: their share of the least hours in which both arms can play the missing pairs of all models; None likewise.
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
    """Why an arm has no lift to plan for; None where it has one."""
    if not arm.focal:
        return f"{arm.name} has no focal model: there is no lift to plan for"
    if not _controls(configs, arm):
        return f"no arm mirrors {arm.name} with messages off: there is no lift to plan for"
    if arm.relaunch:
        return f"{arm.name} can be launched again, which adds no pairs: its seeds are its plan"
    return None


@dataclass(frozen=True, slots=True)
class LiftNeed:
    """What the lifts of an arm's models still take.

    Attributes:
        precision: wanted half-width of their 95% intervals, points.
        pairs: matched pairs that are missing, of all models; None where that is more than anyone plays.
    """

    precision: float
    pairs: int | None


def lift_needs(configs: Configs, warehouse: Warehouse) -> dict[str, LiftNeed]:
    """What each arm with a lift still takes, by name; where an arm has several controls, what most take."""
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
    """Every control with messages off whose pairs can be added to, and the arm that it mirrors."""
    for control in configs.arms.values():
        if control.channel == "none" and no_lift(configs, control) is None:
            yield control, configs.arms[str(control.mirrors)]


def _missing(
    talk: Arm, control: Arm, episodes: pl.DataFrame, measures: pl.DataFrame, *, precision: float
) -> list[int | None]:
    """Pairs that each focal model lacks for this half-width."""
    gaps = {model: pair_gaps(found) for _, model, found in matched_pairs(episodes, measures, {control.name: talk.name})}
    said = measures.filter(arm=talk.name)
    wanted: list[int | None] = []
    for model in talk.focal:
        played = gaps.get(model, [])
        spread = spread_of(played, said.filter(focal_model=model)["focal_points"].to_list())
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
    """One a control and focal model; empty where `no_lift` says why.

    Args:
        configs: all configuration.
        arm: an arm with messages on, or one of its controls.
        warehouse: what is played and measured.
        precision: wanted half-width of the 95% interval, points.
        effect: lift to be found, points.
        power: wanted chance to find it.
    """
    if no_lift(configs, arm):
        return []
    episodes, measures = warehouse.read("episodes"), warehouse.read("episode_measures")
    plans = []
    for control in _controls(configs, arm):
        talk = configs.arms[str(control.mirrors)]
        gaps = {model: pair_gaps(p) for _, model, p in matched_pairs(episodes, measures, {control.name: talk.name})}
        said = measures.filter(pl.col("arm") == talk.name)
        found = {
            model: pair_plan(
                spread_of(gaps.get(model, []), said.filter(focal_model=model)["focal_points"].to_list()),
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
    """The arm itself where it is a control, else those with messages off that mirror it."""
    return [
        other
        for other in configs.arms.values()
        if other.channel == "none" and other.mirrors is not None and arm.name in {other.name, other.mirrors}
    ]


def _wanted(plan: PairPlan, *, precision: float | None, power: float | None) -> int | None:
    """Pairs for all that is wanted; None where it is more than anyone plays."""
    asked = [n for n, want in ((plan.for_precision, precision), (plan.for_power, power)) if want is not None]
    pairs = [n for n in asked if n is not None]
    return max(pairs) if len(pairs) == len(asked) else None


def _costs(
    configs: Configs, arm: Arm, replicates: Mapping[str, int], warehouse: Warehouse
) -> dict[str, tuple[float, float]]:
    """US dollars and hours of each model's first so many replicates, as far as the arm has not played them.

    The plan is made as long as that takes; an episode costs what its seats do, and takes its share of the hours.
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
