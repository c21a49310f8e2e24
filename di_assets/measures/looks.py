"""Looks: every time a lift could be seen. They are recorded so that the final claim can account for all of them."""

import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import polars as pl

from di_assets.measures.lift import SAME_GAME, compared
from di_assets.measures.measure import Measure
from di_assets.measures.sequential import look_at, looking_interval, looking_p
from di_assets.tables.over_all import LOOKS

FACTS = ("episode_id", "replicate", "seed", "channel", *SAME_GAME)
_POINTS = ("episode_id", "arm", "focal_model", "condition", "focal_points")


def looks(
    episodes: pl.DataFrame,
    episode_measures: pl.DataFrame,
    looks: pl.DataFrame,
    *,
    mirrors: Mapping[str, str],
    planned: Mapping[str, int],
    now: datetime,
) -> pl.DataFrame:
    """One row per look at a control's lift of a model: the recorded ones, and a new one for each that has new pairs.

    A look needs at least two pairs. Seeing the same pairs again is not a new look, unless their points have changed (a
    measure was corrected): then the look is made again, and this costs no further alpha. The interval is that of
    `looking_interval` after all earlier looks. The last look, at a complete plan, counts as a look too.

    Args:
        episodes: episodes.
        episode_measures: their measures.
        looks: the looks recorded so far; they stay as they are.
        mirrors: control arm -> the arm it mirrors.
        planned: arm -> planned pairs of each of its focal models.
        now: the time of this look.
    """
    new = [
        _row(control, model, pair_gaps(pairs), planned=planned.get(control, 0), before=before, now=now)
        for control, model, pairs in matched_pairs(episodes, episode_measures, mirrors)
        for before in [looks.filter(arm=control, model=model).sort("look")]
        if pairs.height >= 2 and _to_be_made(pairs, before)
    ]
    return LOOKS.conform(pl.concat([looks, LOOKS.frame(new)]))


def matched_pairs(
    episodes: pl.DataFrame, episode_measures: pl.DataFrame, mirrors: Mapping[str, str]
) -> Iterator[tuple[str, str, pl.DataFrame]]:
    """For each control and model that has played it: control, model and matched pairs.

    Pairs have the columns `focal_points_on` and `focal_points` (off).
    """
    measured = episode_measures.select(_POINTS).join(episodes.select(FACTS), on="episode_id")
    for control, arm in sorted(mirrors.items()):
        focal = measured.filter(pl.col("arm").is_in([control, arm]) & pl.col("focal_model").is_not_null())
        for model in sorted(focal.filter(pl.col("arm") == control)["focal_model"].unique()):
            yield control, model, compared(focal.filter(pl.col("focal_model") == model), {control: arm})[2]


def pair_gaps(pairs: pl.DataFrame) -> list[float]:
    """Points on minus off for each pair."""
    return (pairs["focal_points_on"] - pairs["focal_points"]).to_list()


def _to_be_made(pairs: pl.DataFrame, before: pl.DataFrame) -> bool:
    """Whether these pairs are more than any look saw, or as many but with another lift than the last look saw."""
    most = max(before["n_pairs"], default=0)
    return pairs.height > most or (pairs.height == most and not saw(before.row(-1, named=True), pair_gaps(pairs)))


def saw(look: Mapping[str, Any], gaps: Sequence[float]) -> bool:
    """Whether a recorded look was at exactly these differences, as far as its lift shows."""
    return look["n_pairs"] == len(gaps) and math.isclose(look["lift"], sum(gaps) / len(gaps), abs_tol=1e-9)


def _row(
    control: str, model: str, gaps: Sequence[float], *, planned: int, before: pl.DataFrame, now: datetime
) -> tuple[object, ...]:
    n, past, plans = len(gaps), before["n_pairs"].to_list(), before["planned"].to_list()
    look = look_at(n, planned=planned, looks=past, plans=plans)
    interval = looking_interval(gaps, planned=planned, looks=past, plans=plans)
    p_value = looking_p(gaps, planned=planned, looks=past, plans=plans)
    fraction = min(1.0, n / planned) if planned else None
    found = (sum(gaps) / n, look.alpha, interval.low, interval.high, interval.method, p_value)
    return (control, model, before.height + 1, n, planned, fraction, now, *found)


MEASURE = Measure(
    looks,
    LOOKS,
    reads={"episodes": FACTS, "episode_measures": _POINTS, "looks": tuple(LOOKS.schema)},
    settings=("mirrors", "planned", "now"),
)
