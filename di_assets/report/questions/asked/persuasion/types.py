"""Question 1's part of summary.json, as types."""

from typing import Annotated, Literal, NotRequired

from pydantic import Field
from typing_extensions import TypedDict  # before Python 3.12, pydantic accepts only this one

from di_assets.report.questions.part import Bounds, Count, Mark, MostPoints, Page, Rate, Spread
from di_assets.report.questions.scope import OnOff


class PersuasionRow(Spread):
    """A model with messages on, or with messages off."""

    model: str
    part: OnOff
    value: Annotated[float, Field(description="points an episode, mean over independent episodes")]
    floor_points: Annotated[float | None, Field(description="what blind reciprocation alone would have brought")]


class PersuasionMark(Mark):
    """An episode in the figure. `half` and `points` repeat `part` and `value`."""

    half: OnOff
    points: float


class HalfRecord(TypedDict):
    """A model with messages on or with messages off, with both kinds of interval."""

    model: str
    n: Annotated[int, Field(ge=1, description="independent episodes")]
    points_mean: float
    ci: Bounds
    ci_method: str
    ci_percentile: Bounds
    floor_points_mean: float | None


class ModelLift(TypedDict):
    """A model's lift: each kind of interval, the looks at it, and the p value that decides."""

    model: str
    lift: float
    ci: Bounds
    ci_method: str
    ci_studentized: Bounds
    p_sign_flip: float | None
    p_holm: float | None
    looks: Count
    planned: int | None
    ci_looking: Bounds
    ci_looking_method: str | None
    p_judged: float | None
    pair_correlation: float | None


class Lift(TypedDict):
    """Points with messages on, with messages off, and the difference."""

    messages_on: list[HalfRecord]
    messages_off: list[HalfRecord] | None
    needs: str | None
    models: list[ModelLift]


class Channel(TypedDict):
    """One contrast of channels on the same seeds; together the contrasts split the lift."""

    arm: Annotated[str, Field(description="the arm with an open channel")]
    model: str
    contrast: str
    formula: Annotated[str, Field(description="channels whose points are added and subtracted")]
    n_pairs: Count
    difference: Annotated[float | None, Field(description="points an episode")]
    ci: Bounds
    ci_method: str
    p_holm: float | None
    needs: str | None


class Capture(TypedDict):
    """A model's capture with messages on."""

    model: str
    value: float | None
    ci: Bounds
    ci_method: str
    ci_percentile: Bounds
    n: Count


class NetCapture(TypedDict):
    """Net capture over all pairs. It is zero by construction, so it has no interval."""

    value: float | None
    ci: None
    ci_reason: Literal["identity"]
    n: Annotated[Count, Field(description="ordered pairs")]
    pair_sd: float | None


class AgainstChance(TypedDict):
    """An observed value and its null."""

    condition: str
    measure: str
    null: Literal["simulated", "shuffled"]
    n: Annotated[Count, Field(description="independent episodes")]
    observed_mean: float | None
    null_mean: float | None
    null_error: NotRequired[
        Annotated[
            float | None, Field(description="standard error of null_mean where it is simulated; 0 where it is exact")
        ]
    ]
    null_low: float | None
    null_high: float | None
    null_place: Annotated[float | None, Field(description="share of the null's means below the observed one")]
    p_value: Annotated[float | None, Field(description="two-sided")]


class Primary(TypedDict):
    """The one outcome that decides the question."""

    outcome: str
    contrast: str
    interval: str
    test: str


class PersuasionPage(Page):
    """Question 1's part as a whole."""

    rows: list[PersuasionRow]
    marks: list[PersuasionMark]
    primary: Primary
    net_capture: NetCapture
    payback_rate: Rate
    solicited_not_payback_rate: Rate
    lift: Lift
    channels: list[Channel]
    capture: list[Capture]
    against_chance: list[AgainstChance]
    most_points: MostPoints
