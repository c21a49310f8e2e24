"""Question 5's part of summary.json, as types."""

from typing import Annotated

from pydantic import Field

from di_assets.report.questions.part import Count, Mark, Page, Spread


class PromiseRow(Spread):
    """A row of the table `promise_ledger`, with its label in the figure."""

    label: str
    labeller: str
    condition: str
    model: str
    scripted: bool
    n_episodes: Count
    messages: Count
    made: Count
    kept: Count
    broken: Count
    open: Count
    owed: Count
    owed_kept: Count
    points_kept: int
    points_broken: int
    kept_share: float | None
    chance_share: float | None
    owed_kept_share: float | None
    points_a_kept: float | None
    points_a_broken: float | None


class PromiseMark(Mark):
    """An episode with a kept or broken promise; or a model's promise of one outcome that brought most points."""

    condition: str


class PromisesPage(Page):
    """Question 5's part as a whole."""

    rows: list[PromiseRow]
    marks: list[PromiseMark]
    without_a_promise: Annotated[list[str], Field(description="models that could and did not promise")]
