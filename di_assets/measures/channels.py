"""Whose talk brings points: points with an open channel minus points if someone is muted or replaced by filler."""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from di_assets.measures.lift import blocks, holm, paired_lift
from di_assets.measures.measure import Measure
from di_assets.tables.over_all import CHANNEL_LIFT
from di_assets.tables.words import FOCAL_MUTED, NO_MESSAGES, OPEN, PLACEBO, RIVALS_MUTED

GAME = pl.format("{}/{}", "topology", "payoff")

_FACTS = ("episode_id", "replicate", "seed", "channel", "topology", "payoff")
_POINTS = ("episode_id", "arm", "focal_model", "focal_points")


@dataclass(frozen=True, slots=True)
class Contrast:
    """Points in some channels minus points in as many other channels, seed by seed.

    Attributes:
        name: what the difference is due to.
        heard: channels that are added.
        unheard: channels that are subtracted.
    """

    name: str
    heard: tuple[str, ...]
    unheard: tuple[str, ...]

    @property
    def formula(self) -> str:
        """For example `open - none`."""
        return f"{' + '.join(self.heard)} - {' - '.join(self.unheard)}"


CONTRASTS = (
    Contrast("total_talk", (OPEN,), (NO_MESSAGES,)),
    Contrast("focal_talk", (OPEN,), (FOCAL_MUTED,)),
    Contrast("rivals_talk", (OPEN,), (RIVALS_MUTED,)),
    Contrast("content", (OPEN,), (PLACEBO,)),
    Contrast("focal_talk_alone", (RIVALS_MUTED,), (NO_MESSAGES,)),
    Contrast("rivals_talk_alone", (FOCAL_MUTED,), (NO_MESSAGES,)),
    Contrast("interaction", (OPEN, NO_MESSAGES), (FOCAL_MUTED, RIVALS_MUTED)),
)


def channel_lift(
    episodes: pl.DataFrame, episode_measures: pl.DataFrame, *, controls: Mapping[str, Mapping[str, str]]
) -> pl.DataFrame:
    """One row per open arm, contrast, and focal model with a measured episode in the arm or in a control.

    With P(c) the mean points of the focal seat in channel c, the contrasts are

        total_talk         P(open) - P(none)              all talk, as in `lift`
        focal_talk         P(open) - P(focal_muted)       the focal seat's talk, if rivals talk too
        rivals_talk        P(open) - P(rivals_muted)      the rivals' talk, if the focal seat talks too
        content            P(open) - P(placebo)           the content of the focal seat's messages
        focal_talk_alone   P(rivals_muted) - P(none)      the focal seat's talk, if nobody else talks
        rivals_talk_alone  P(focal_muted) - P(none)       the rivals' talk, if the focal seat is silent
        interaction        P(open) - P(focal_muted) - P(rivals_muted) + P(none)

    `interaction` is focal_talk - focal_talk_alone: how much more the focal seat's talk brings if rivals talk. Over the
    same seeds, total_talk = focal_talk_alone + rivals_talk_alone + interaction. Points are in [0, (N - 1) R], and
    differences of two in +- that. Each contrast uses the seeds on which all of its own arms are played. So the sum is
    exact only when the four arms are played on the same seeds; `n_pairs` gives the number for each contrast.

    Episodes are matched as in `lift`: same focal model, replicate and seed; relaunches of a seed are one block.
    Interval and p are the paired t interval and the sign-flip p of the blocks' differences. Without a common seed these
    are null, and `needs` names the arm to play. Holm's p is over the contrasts of one model and arm, because they are
    read together for the one that stands out; each model is a separate question. (Holm is valid for any dependence, and
    the contrasts share their episodes.)

    Args:
        episodes: episodes.
        episode_measures: their measures.
        controls: open arm -> its control arms, each with its channel.
    """
    measured = episode_measures.select(_POINTS).join(episodes.select(_FACTS), on="episode_id")
    measured = measured.filter(pl.col("focal_model").is_not_null())
    rows = []
    for arm in sorted(controls):
        channels = {arm: OPEN, **controls[arm]}
        part = measured.filter(pl.col("arm").is_in(list(channels)))
        for model in sorted(part["focal_model"].unique()):
            rows += _rows(part.filter(pl.col("focal_model") == model), arm, model, channels)
    return CHANNEL_LIFT.frame(rows)


Row = tuple[object, ...]


def _rows(measured: pl.DataFrame, arm: str, model: str, channels: Mapping[str, str]) -> list[Row]:
    """One model's rows in one arm, with Holm's p over them."""
    by_channel = blocks(measured, "replicate", "seed", "channel").pivot(
        "channel", index=["replicate", "seed"], values="focal_points"
    )
    game = measured.select(GAME).to_series().sort()[0]
    found = [(contrast, *_difference(contrast, by_channel)) for contrast in CONTRASTS]
    adjusted = iter(holm([p for *_, p in found if p is not None]))
    return [
        (arm, model, game, contrast.name, contrast.formula, *values, p, None if p is None else next(adjusted), needs)
        for contrast, values, p in found
        for needs in [_needs(contrast, by_channel, channels)]
    ]


def _difference(contrast: Contrast, by_channel: pl.DataFrame) -> tuple[Row, float | None]:
    """The columns n_pairs to ci_method of a contrast, and its p."""
    arms = [*contrast.heard, *contrast.unheard]
    if not set(arms) <= set(by_channel.columns):
        return (0, None, None, None, None, None, "no pairs"), None
    pairs = by_channel.drop_nulls(arms).select(
        "seed",
        focal_points_heard=pl.sum_horizontal(contrast.heard),
        focal_points_unheard=pl.sum_horizontal(contrast.unheard),
    )
    if pairs.is_empty():
        return (0, None, None, None, None, None, "no pairs"), None
    heard, unheard = (blocks(pairs, "seed")[f"focal_points_{side}"] for side in ("heard", "unheard"))
    result = paired_lift(heard.to_list(), unheard.to_list())
    # In a difference of differences, the two sides are not the points of any episode.
    sides = (heard.mean(), unheard.mean()) if len(contrast.heard) == 1 else (None, None)
    values = (heard.len(), *sides, result.lift, result.t.low, result.t.high, result.t.method)
    return values, result.p_sign_flip


def _needs(contrast: Contrast, by_channel: pl.DataFrame, channels: Mapping[str, str]) -> str | None:
    """The first arm of the contrast that the model has not played; None if it has played all."""
    missing = [channel for channel in (*contrast.heard, *contrast.unheard) if channel not in by_channel.columns]
    if not missing:
        return None
    arms = sorted(arm for arm, channel in channels.items() if channel == missing[0])
    return arms[0] if arms else f"a control with channel {missing[0]}"


MEASURE = Measure(
    channel_lift, CHANNEL_LIFT, reads={"episodes": _FACTS, "episode_measures": _POINTS}, settings=("controls",)
)
