"""Estimates tit-for-tat instead of assuming it: how often each model repays, and the floor that follows from it.

The forecast of `dense.forecast` assumes that whoever was pulled repays. Here a model repays with propensity w: it pulls
a random one of those that pulled it last round. Otherwise it pulls a random neighbour. w = 1 is the forecast, 0 is
chance.
"""

import math

import polars as pl
from scipy.special import stdtrit

from di_assets.measures.intervals import LEVEL, Interval, t_interval
from di_assets.measures.logit import CLOSE, FEW, LEAST_CLUSTERS, LEAST_ERROR, NO_VARIANCE
from di_assets.measures.measure import Measure
from di_assets.measures.reactions import by_condition_and_model
from di_assets.tables.by_batch import CHOICES
from di_assets.tables.over_all import ESTIMATED_FLOORS, REPAYMENTS

NOTHING_OWED = "nothing owed"
NO_CHOICE = "owed by every neighbour, always"


def repayments(episodes: pl.DataFrame, choices: pl.DataFrame) -> pl.DataFrame:
    """One row per condition and puller's model: its share of repaying pulls in the rounds in which it could repay.

    A pull is `owed` if at least one neighbour pulled the puller the round before. It is repaid if it went to one of
    those. By chance this has the probability (their number) / (number of its neighbours). With shares s repaid and c by
    chance,

        propensity = (s - c) / (1 - c)

    1 = always repays, 0 = as by chance, below 0 = avoids those it owes. The interval is Student's t over seeds
    (linearised ratio); if it is null, the reason is given. All values are null if nothing was owed, or if no puller had
    anybody else to pull.
    """
    rows: list[tuple[object, ...]] = []
    for condition, model, part in by_condition_and_model(episodes, choices):
        by_seed = _owed(part)
        owed, repaid, chance = (float(by_seed[name].sum()) for name in ("owed", "repaid", "chance"))
        propensity, interval = _propensity(by_seed)
        shares = (repaid / owed, chance / owed) if owed else (None, None)
        bounds = (interval.low, interval.high, interval.method)
        rows.append((condition, model, by_seed.height, round(owed), *shares, propensity, *bounds))
    return REPAYMENTS.frame(rows)


def estimated_floors(
    episodes: pl.DataFrame, episode_measures: pl.DataFrame, choices: pl.DataFrame, repayments: pl.DataFrame
) -> pl.DataFrame:
    """One row per focal model and condition: its points, and the floor that follows from its rivals' propensities.

    Estimated floor = sum, over rounds and over the rivals i that made a valid pull, of

        w p(t, i->focal) + (1 - w) / |nb(i)|

    with p the tit-for-tat forecast and w the propensity of i's model under that condition, at least 0. `above_mean` is
    points minus this floor, with Student's t interval over independent episodes (blocks as in `points.independent`); w
    is treated as known. An episode with only forfeits has a floor of 0.
    """
    floors = _floors(episodes, choices, repayments)
    focal = episode_measures.filter(pl.col("focal_model").is_not_null())
    known = (
        focal.join(episodes.select("episode_id", "seed"), on="episode_id")
        .join(floors, on="episode_id", how="left")
        .with_columns(estimated=pl.when(pl.col("n_pulls") == 0).then(0.0).otherwise(pl.col("estimated")))
        .drop_nulls("estimated")  # measured, but its choices are not counted yet
        .sort("condition", "focal_model", "seed", "episode_id")
    )
    blocks = known.group_by("condition", "focal_model", "seed", maintain_order=True).agg(
        pl.mean("focal_points", "focal_floor_points", "estimated")
    )
    rows: list[tuple[object, ...]] = []
    for (condition, model), block in blocks.group_by("condition", "focal_model", maintain_order=True):
        means = block.select(pl.mean("focal_points", "focal_floor_points", "estimated")).row(0)
        above = (block["focal_points"] - block["estimated"]).to_list()
        interval = t_interval(above)
        bounds = (interval.low, interval.high, interval.method)
        rows.append((condition, model, block.height, *means, sum(above) / len(above), *bounds))
    return ESTIMATED_FLOORS.frame(rows)


def _owed(part: pl.DataFrame) -> pl.DataFrame:
    """By seed: pulls made when something was owed, those of them that repaid, and the number expected by chance.

    A pull with n_owed neighbours owed is n_owed rows of `choices` with `owed`.
    """
    keys = ["seed", "n_neighbours", "n_owed"]
    rows = part.filter("owed").group_by(keys).agg(pl.sum("n"), pl.sum("pulled")).sort(keys)
    by_seed = rows.group_by("seed", maintain_order=True).agg(
        owed=(pl.col("n") / pl.col("n_owed")).sum(),
        repaid=pl.sum("pulled"),
        chance=(pl.col("n") / pl.col("n_neighbours")).sum(),
    )
    # A seed with nothing owed gets a row of zeros.
    return part.select("seed").unique().sort("seed").join(by_seed, on="seed", how="left").fill_null(0)


def _propensity(by_seed: pl.DataFrame) -> tuple[float | None, Interval]:
    owed, repaid, chance = (by_seed[name].to_numpy().astype(float) for name in ("owed", "repaid", "chance"))
    room = float((owed - chance).sum())
    if room < CLOSE:
        return None, Interval(None, None, NO_CHOICE if owed.any() else NOTHING_OWED)
    propensity, clusters = float((repaid - chance).sum()) / room, len(owed)
    if clusters < LEAST_CLUSTERS:
        return propensity, Interval(None, None, FEW)
    apart = (repaid - chance) - propensity * (owed - chance)
    error = math.sqrt(clusters / (clusters - 1) * float((apart**2).sum())) / room
    if error < LEAST_ERROR:
        return propensity, Interval(None, None, NO_VARIANCE)
    half = float(stdtrit(clusters - 1, 0.5 + LEVEL / 2)) * error
    return propensity, Interval(propensity - half, propensity + half, "clustered t")


def _floors(episodes: pl.DataFrame, choices: pl.DataFrame, repayments: pl.DataFrame) -> pl.DataFrame:
    """episode_id, estimated: the estimated floor of each episode's focal seat. No row if nobody could pull it."""
    toward = choices.filter(pl.col("focal")).join(episodes.select("episode_id", "condition"), on="episode_id")
    known = toward.join(repayments.select("condition", "model", "propensity"), on=["condition", "model"], how="left")
    # A model that never owed anything has no propensity, and none is needed for it.
    w = pl.col("propensity").fill_null(0.0).clip(lower_bound=0.0)
    free = pl.col("n") / pl.col("n_neighbours")
    repaid = pl.when(pl.col("owed")).then(pl.col("n") / pl.col("n_owed")).otherwise(0.0)
    part = pl.when(pl.col("n_owed") == 0).then(free).otherwise(w * repaid + (1 - w) * free)
    keys = [key for key in CHOICES.keys if key != "episode_id"]
    summed = known.with_columns(part=part).sort("episode_id", *keys)
    return summed.group_by("episode_id", maintain_order=True).agg(estimated=pl.sum("part"))


PROPENSITIES = Measure(
    repayments,
    REPAYMENTS,
    reads={
        "episodes": ("episode_id", "condition", "seed"),
        "choices": ("episode_id", "model", "n_neighbours", "n_owed", "owed", "n", "pulled"),
    },
)
FLOORS = Measure(
    estimated_floors,
    ESTIMATED_FLOORS,
    reads={
        "episodes": ("episode_id", "condition", "seed"),
        "episode_measures": (
            "episode_id",
            "condition",
            "focal_model",
            "n_pulls",
            "focal_points",
            "focal_floor_points",
        ),
        "choices": (*CHOICES.keys, "n"),
        "repayments": ("condition", "model", "propensity"),
    },
)
