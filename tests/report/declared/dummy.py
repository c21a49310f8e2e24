"""An example of a question: one file, and nothing else knows of it. Are focal seats given anything at all?"""

import polars as pl

from di_assets.measures.intervals import t_interval
from di_assets.report.figures.rendering import Figure, drawn
from di_assets.report.figures.sheet import Scale, Sheet, link, spanned
from di_assets.report.questions.page import drawn_marks, marks_of
from di_assets.report.questions.part import Mark, Page, Spread
from di_assets.report.questions.question import Answer, Part, Question, Section, SectionTable, whole
from di_assets.report.questions.scope import Frames, Scope
from di_assets.report.questions.statement import Claim, Evidence, Rows, Statement, judge

GETS = Statement(
    name="{who} is given something",
    quantity="what {who} is given",
    unit="points",
    form="+.1f",
    supported="{who} is given {span}.",
    undecided="Whether {who} is given anything is open: {span}.",
    contradicted="{who} is given less than nothing: {span}.",
    missing="Nobody knows what {who} is given.",
    tested=False,
)
LINE = 20  # height of a model's line in the figure, pixels


class Row(Spread):
    """A focal model and the mean of its points."""

    model: str
    mean: float | None


class DummyPage(Page):
    """The question's part of summary.json."""

    rows: list[Row]
    marks: list[Mark]
    dots: int


def answer(scope: Scope, frames: Frames) -> Answer:
    """What each focal model is given, in points an episode."""
    claims: list[Claim] = []
    rows: list[Row] = []
    marks: list[pl.DataFrame] = []
    for focal in scope.rows:
        model = focal.model
        points = frames["seat_measures"].filter(model=model)["points"].to_list()
        mean, spread = sum(points) / len(points) if points else None, t_interval(points)
        behind = (Rows("model_points", {"model": model}),)
        claims.append(judge(GETS, Evidence(model, mean, spread, model=model, parts=("dots",), rows=behind)))
        rows.append(
            Row(model=model, mean=mean, n=spread.n, ci_low=spread.low, ci_high=spread.high, ci_method=spread.method)
        )
        if focal.on:
            marks.append(marks_of(focal.on.episodes, "focal_points", model=model, part="dots"))
    drawn, n_marks = drawn_marks(marks)
    return Answer(
        headline=Claim("headline", "not yet", "Everybody is given something."),
        claims=claims,
        measured=bool(rows),
        rows=rows,
        marks=drawn,
        n_marks=n_marks,
        caption="Dots.",
        alt="Dots.",
        quote=None,
        reading=["So it is."],
        statistics={"dots": n_marks},
    )


def dots(part: Part) -> Figure:
    """A line a model: its episodes as dots, and the interval of their mean."""
    return drawn(lambda sheet: _draw(sheet, part), title="Dots", of=part)


def _draw(sheet: Sheet, part: Part) -> None:
    lines = {row["model"]: (LINE * (k + 0.5), row) for k, row in enumerate(part["rows"])}
    scale = Scale(0, max((mark["value"] for mark in part["marks"]), default=1), sheet.width)
    sheet.height = LINE * max(1, len(lines))
    bounds = [(row["ci_low"], row["ci_high"], y) for y, row in lines.values() if row["ci_low"] is not None]
    sheet.intervals((scale(low), scale(high), y) for low, high, y in bounds)
    marks = [(mark, *lines[mark["model"]]) for mark in part["marks"]]
    sheet.dots([{"x": scale(mark["value"]), "y": y, **link(mark, _label(mark, row))} for mark, y, row in marks])


def _label(mark: Mark, row: Row) -> str:
    """What a mark tells: its value, and the interval of the mean."""
    return (
        f"{row['model']}, {mark['value']:g} points (mean {spanned(row['mean'], row['ci_low'], row['ci_high'], '.1f')})"
    )


def _besides(part: Part) -> list[SectionTable]:
    return [SectionTable("count", {"dots": True}, [[str(part["dots"])]])]


QUESTION = Question(
    name="q9",
    asks="Is anybody given anything?",
    reads={"seat_measures": ("model", "points"), **whole("model_points")},
    statements=(GETS,),
    answer=answer,
    published=DummyPage,
    figure=dots,
    mark="point",
    statistics=("dots",),
    tables=("model_points",),
    sections=(Section("Besides", _besides, "Counted."),),
)
