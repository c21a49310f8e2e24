"""A question that a test adds: one file, nothing else knows of it. Are focal seats given anything at all?"""

from di_assets.measures.intervals import Interval, t_interval
from di_assets.report.figures.rendering import drawn
from di_assets.report.figures.sheet import link
from di_assets.report.questions.part import Mark, Page, Spread
from di_assets.report.questions.question import Answer, Question, Section, SectionTable
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


class Row(Spread):
    model: str


class DummyPage(Page):
    rows: list[Row]
    marks: list[Mark]
    dots: int


def answer(scope, frames):
    claims, rows, marks = [], [], []
    for row in scope.rows:
        mine = frames["seat_measures"].filter(model=row.model)
        points = mine["points"].to_list()
        interval = t_interval(points) if points else Interval(None, None, "nothing")
        evidence = Evidence(row.model, sum(points) / len(points) if points else None, interval, model=row.model, parts=("dots",),
                            rows=(Rows("model_points", {"model": row.model}),))  # fmt: skip
        claims.append(judge(GETS, evidence))
        rows.append({"model": row.model, "n": interval.n, "ci_low": interval.low, "ci_high": interval.high, "ci_method": interval.method})  # fmt: skip
        marks += [{"model": row.model, "part": "dots", "episode_id": dot.episode_id, "event_id": dot.event_id, "value": dot.points} for dot in row.on.dots]  # fmt: skip
    return Answer(
        headline=Claim("headline", "not yet", "Everybody is given something."),
        claims=claims,
        measured=bool(rows),
        rows=rows,
        marks=marks,
        caption="Dots.",
        alt="Dots.",
        quote=None,
        reading=["So it is."],
        statistics={"dots": len(marks)},
    )


def dots(part):
    def draw(sheet):
        sheet.height = 20
        sheet.dots([{"x": 5, "y": 10, **link(mark, mark["model"])} for mark in part["marks"]])

    return drawn(draw, title="Dots", of=part)


QUESTION = Question(
    name="q9",
    asks="Is anybody given anything?",
    reads=("seat_measures",),
    statements=(GETS,),
    answer=answer,
    published=DummyPage,
    figure=dots,
    mark="point",
    statistics=("dots",),
    tables=("model_points",),
    sections=(
        Section("Besides", lambda part: [SectionTable("count", {"dots": True}, [[str(part["dots"])]])], "Counted."),
    ),
)
