"""Compares two arms, or two models, on the seeds that both have played."""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from di_assets.measures.comparable import one_rules_version
from di_assets.measures.intervals import Interval, t_interval
from di_assets.measures.matched import by_seed, matched
from di_assets.report.figures.compared import compared
from di_assets.report.figures.marks import note, thinned
from di_assets.report.figures.rendering import Figure
from di_assets.tables import Warehouse
from di_assets.tables.words import FOCAL, NO_MESSAGES

FACTS = ("episode_id", "arm", "launch", "channel", "topology", "payoff", "n_seats", "n_rounds", "seed", "scripted",
         "focal_model", "focal_seat", "rules_version")  # fmt: skip
# Columns in which two sides must agree, so that their points can be compared: column -> its name on the page.
SAME_GAME = {"payoff": "payoffs", "n_seats": "seats", "n_rounds": "rounds"}
# Columns that may differ. The page says which do.
MAY_DIFFER = {"channel": "channel", "topology": "graph"}


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a comparison.

    Attributes:
        arm: name of the arm.
        model: the focal model; None for all focal models of the arm.
    """

    arm: str
    model: str | None = None

    @property
    def name(self) -> str:
        """The side's name for people."""
        return self.arm if self.model is None else f"{self.model} in {self.arm}"


@dataclass(frozen=True, slots=True)
class Known:
    """What can be compared.

    Attributes:
        models: arm -> its focal models with measured episodes; both sorted.
        shared: pairs of arms that share seeds of a model. An arm with its silent control comes first, then the pairs
            that share most seeds.
    """

    models: Mapping[str, list[str]]
    shared: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two sides on their matched seeds.

    Attributes:
        left: one side.
        right: the other side.
        pairs: a frame, see `measures.matched`.
        n_seeds: the number of independent seeds.
        most_points: the most points that a focal seat can get.
        gap: points per episode on the left minus on the right, mean over seeds; None without a pair.
        interval: interval of the gap; Student's t over seeds.
        scripted: scripted agents played it.
        differences: differences between the sides besides arm and model.
        problem: why the sides cannot be compared; None if they can.
    """

    left: Side
    right: Side
    pairs: pl.DataFrame
    n_seeds: int = 0
    most_points: int = 0
    gap: float | None = None
    interval: Interval | None = None
    scripted: bool = False
    differences: tuple[str, ...] = ()
    problem: str | None = None


def read_known(warehouse: Warehouse) -> Known:
    """The arms that have measured episodes of a focal model."""
    measured = warehouse.scan("episode_measures").select("episode_id")
    columns = ("arm", "focal_model", "seed", "channel")
    played = warehouse.scan("episodes").select("episode_id", *columns).join(measured, on="episode_id", how="semi")
    seeds = played.drop_nulls("focal_model").select(columns).unique().collect()
    models = seeds.select("arm", "focal_model").unique().sort("arm", "focal_model")
    both = seeds.join(seeds, on=("focal_model", "seed")).filter(pl.col("arm") < pl.col("arm_right"))
    shared = (
        both.group_by("arm", "arm_right", "channel", "channel_right")
        .len()
        .with_columns(apart=(pl.col("channel") == NO_MESSAGES) != (pl.col("channel_right") == NO_MESSAGES))
        .sort(["apart", "len", "arm", "arm_right"], descending=[True, True, False, False])
    )
    pairs = shared.select("arm", "arm_right", "channel").iter_rows()
    grouped = models.group_by("arm", maintain_order=True).agg("focal_model")
    return Known(
        models=dict(grouped.iter_rows()),
        shared=tuple((other, arm) if channel == NO_MESSAGES else (arm, other) for arm, other, channel in pairs),
    )


def compare(warehouse: Warehouse, left: Side, right: Side) -> Comparison:
    """Compares two sides on the seeds of which both have measured episodes by today's rules.

    Pairs of one seed form one block. Both sides must have the same payoff and size. If the graph or the channel
    differs, `differences` says so.
    """
    facts = warehouse.scan("episodes").filter(pl.col("arm").is_in([left.arm, right.arm])).select(FACTS)
    measures = warehouse.scan("episode_measures").select("episode_id", "focal_points", "focal_capture")
    measured = one_rules_version(facts.drop_nulls("focal_model").join(measures, on="episode_id").collect())
    parts = [_part(measured, side) for side in (left, right)]
    across = left.model is not None and right.model is not None
    pairs = matched(*parts, across_models=across)
    none = Comparison(left, right, pairs.clear(), problem=_problem(left, right, *parts))
    if none.problem is not None:
        return none
    if pairs.is_empty():
        of_model = "" if across else " of one model"
        return Comparison(left, right, pairs, problem=f"No seed{of_model} has been played by both yet.")
    gaps = by_seed(pairs).select(pl.col("focal_points_left") - pl.col("focal_points_right")).to_series().to_list()
    kinds = [pairs.select(episode_id=f"episode_id_{which}") for which in ("left", "right")]
    one = parts[0].row(0, named=True)
    return Comparison(
        left,
        right,
        pairs,
        n_seeds=len(gaps),
        most_points=(one["n_seats"] - 1) * one["n_rounds"],
        gap=sum(gaps) / len(gaps),
        interval=t_interval(gaps),
        scripted=any(
            part.join(kind, on="episode_id", how="semi")["scripted"].any()
            for part, kind in zip(parts, kinds, strict=True)
        ),
        differences=(*_differences(*parts), *_company(warehouse, pairs)),
    )


def sentence(found: Comparison) -> str:
    """The result of the comparison with its numbers, or why there is no result."""
    if found.gap is None or found.interval is None:
        return found.problem or ""
    left, right, interval = found.left.name, found.right.name, found.interval
    n = f"{found.n_seeds:,} matched seed{'s' if found.n_seeds > 1 else ''}"
    gap = f"{found.gap:+.2f} points an episode on {n}"
    if interval.low is None or interval.high is None:
        return f"{left} against {right}: {gap}; no interval can be given: {interval.method}."
    bounds = f"95% CI [{interval.low:+.2f}, {interval.high:+.2f}], paired t over seeds"
    if interval.low > 0 or interval.high < 0:
        return f"{left} gets {'more' if found.gap > 0 else 'fewer'} points than {right}: {gap} ({bounds})."
    return f"No difference between {left} and {right} is shown: {gap} ({bounds})."


def caption(found: Comparison) -> str:
    """The caption: what a mark stands for, and what the numbers can and cannot show."""
    rows = found.pairs.to_dicts()
    return (
        "A line joins the points of the focal seat in the two episodes of a matched pair. A line opens both episodes round by round; a dot opens one. "
        "A tick is the mean over pairs; the interval is over seeds. Any two sides can be chosen here, so the interval is valid only for this "
        "one comparison, and is not a claim of the report." + note(len(rows), len(thinned(rows)))
    )


def drawing(found: Comparison) -> Figure:
    """The figure of a comparison."""
    shown = thinned(found.pairs.sort("gap", "episode_id_left").to_dicts())
    return compared(
        {
            "names": (found.left.name, found.right.name),
            "means": tuple(found.pairs[f"focal_points_{which}"].mean() for which in ("left", "right")),
            "most_points": found.most_points,
            "scripted": found.scripted,
            "pairs": shown,
            "alt": f"{sentence(found)} {len(shown):,} pairs are drawn, each a line between two dots.",
        }
    )


def _part(measured: pl.DataFrame, side: Side) -> pl.DataFrame:
    part = measured.filter(arm=side.arm)
    return part if side.model is None else part.filter(focal_model=side.model)


def _problem(left: Side, right: Side, *parts: pl.DataFrame) -> str | None:
    """Why these sides cannot be compared; None if they can."""
    if left == right:
        return "Both sides are the same: choose another arm or model for one of them."
    for side, part in zip((left, right), parts, strict=True):
        if part.is_empty():
            return f"No episode of {side.name} has been measured yet."
    for column, name in SAME_GAME.items():
        values = [_values(part, column) for part in parts]
        if values[0] != values[1] or "," in values[0]:
            return f"Their points can't be compared: {name} {values[0]} against {values[1]}."
    return None


def _values(part: pl.DataFrame, column: str) -> str:
    return ", ".join(map(str, part[column].unique().sort()))


def _differences(*parts: pl.DataFrame) -> tuple[str, ...]:
    pairs = ((name, *(_values(part, column) for part in parts)) for column, name in MAY_DIFFER.items())
    return tuple(f"{name}: {one} against {other}" for name, one, other in pairs if one != other)


def _company(warehouse: Warehouse, pairs: pl.DataFrame) -> tuple[str, ...]:
    """In how many pairs the rivals, their seats or their letters differ."""
    ids = pl.concat([pairs[f"episode_id_{which}"] for which in ("left", "right")]).unique()
    rivals = warehouse.scan("seats").filter(pl.col("episode_id").is_in(ids.implode()) & (pl.col("role") != FOCAL))
    seated = pl.concat_str("seat", "label", "model", separator=" ")
    of = rivals.group_by("episode_id").agg(company=seated.sort().str.join(", ")).collect()
    both = pairs.select("episode_id_left", "episode_id_right")
    for which in ("left", "right"):
        renamed = of.rename({"episode_id": f"episode_id_{which}", "company": f"company_{which}"})
        both = both.join(renamed, on=f"episode_id_{which}", how="left")
    apart = both.filter(pl.col("company_left").ne_missing(pl.col("company_right"))).height
    return (f"rivals, or where they sit: in {apart:,} of {pairs.height:,} pairs",) if apart else ()
