"""Question 3's part of summary.json, as types."""

from typing import Literal

from typing_extensions import TypedDict

from di_assets.report.questions.part import Count, Event, Mark, Page, Spread


class CaptureRow(Spread):
    """A model's capture: net pulls per round and rival."""

    what: Literal["capture"]
    giver: None
    receiver: str
    value: float | None
    episode_id: None
    event_id: None


class Square(Spread):
    """A square of the heat map: pulls per round from one seat of the giver to one of the receiver, and a link."""

    what: Literal["pulls a round"]
    giver: str
    receiver: str
    value: float
    episode_id: str
    event_id: Event


class Variance(TypedDict):
    """A row of the table `relations` with messages on, with the pair variance that random pulling would give."""

    arm: str
    condition: str
    n: Count
    receiver_variance: float | None
    receiver_ci_low: float | None
    receiver_ci_high: float | None
    receiver_share: float | None
    dyad_variance: float | None
    dyad_ci_low: float | None
    dyad_ci_high: float | None
    dyad_share: float | None
    giver_variance: float | None
    giver_ci_low: float | None
    giver_ci_high: float | None
    giver_share: float | None
    dyad_by_chance: float
    ci_method: str


class CapturePage(Page):
    """Question 3's part as a whole."""

    rows: list[CaptureRow | Square]
    marks: list[Mark]
    variance: list[Variance]
