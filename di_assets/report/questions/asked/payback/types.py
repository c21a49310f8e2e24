"""Question 2's part of summary.json, as types."""

from typing import Annotated, Literal

from pydantic import Field
from typing_extensions import TypedDict

from di_assets.report.questions.part import Mark, Page, Rate, Spread


class PaybackRow(Spread):
    """How the pulls of a model's episodes split into kinds: with messages on, with messages off, or if nobody talks."""

    model: str
    part: Literal["on", "off", "no talk"]
    payback: Annotated[float, Field(description="share of valid pulls; the interval is its")]
    solicited: float
    unprompted: float
    p_value: float | None


class Total(TypedDict):
    """Shares of valid pulls with messages on."""

    payback: Rate
    solicited: Rate
    unprompted: Rate


class PaybackPage(Page):
    """Question 2's part as a whole."""

    rows: list[PaybackRow]
    marks: list[Mark]
    total: Total
