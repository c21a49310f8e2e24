"""Question 4's part of summary.json, as types."""

from typing import Annotated, Literal

from pydantic import Field

from di_assets.report.questions.part import Count, Mark, MostPoints, Page, Spread

Measure = Literal["points", "cascades", "gini"]


class NetworkRow(Spread):
    """A measure on one graph with messages on, with its null."""

    measure: Measure
    graph: str
    condition: str
    n_seeds: Count
    value: float
    null_mean: float | None
    null_low: float | None
    null_high: float | None
    p_value: float | None


class NetworkMark(Mark):
    """An episode's mark in the panel of one measure."""

    measure: Measure
    condition: str


class NetworkPage(Page):
    """Question 4's part as a whole."""

    rows: list[NetworkRow]
    marks: list[NetworkMark]
    most_points: MostPoints
    waiting: Annotated[dict[str, str], Field(description="graph not played yet -> the arm that brings it")]
