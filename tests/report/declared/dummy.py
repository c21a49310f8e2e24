"""A question that a test adds: one file, nothing else knows of it. Are focal seats given anything at all?"""

from di_assets.measures.intervals import Interval, t_interval
from di_assets.report.figures.rendering import drawn
from di_assets.report.figures.sheet import Scale, link, spanned
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
    mean: float | None


class DummyPage(Page):
    rows: list[Row]
    marks: list[Mark]
    dots: int


def answer(scope, frames):
    claims, rows, marks = [], [], []
    for row in scope.rows:
        mine = frames["seat_measures"].filter(model=row.model)
        points = mine["points"].to_list()
        mean = sum(points) / len(points) if points else None
        interval = t_interval(points) if points else Interval(None, None, "nothing")
        evidence = Evidence(row.model, mean, interval, model=row.model, parts=("dots",),
                            rows=(Rows("model_points", {"model": row.model}),))  # fmt: skip
        claims.append(judge(GETS, evidence))
        rows.append({"model": row.model, "mean": mean, "n": interval.n, "ci_low": interval.low, "ci_high": interval.high, "ci_method": interval.method})  # fmt: skip
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
    """A line a model: its episodes as dots, and the interval of their mean. A label tells both."""
    rows = {row["model"]: (20 * k + 10, row) for k, row in enumerate(part["rows"])}

    def draw(sheet):
        scale = Scale(0, max((mark["value"] for mark in part["marks"]), default=1), sheet.width)
        sheet.height = 20 * max(1, len(rows))
        bounds = [(row["ci_low"], row["ci_high"], y) for y, row in rows.values() if row["ci_low"] is not None]
        sheet.intervals((scale(low), scale(high), y) for low, high, y in bounds)
        marks = [(mark, *rows[mark["model"]]) for mark in part["marks"]]
        sheet.dots([{"x": scale(mark["value"]), "y": y, **link(mark, told(mark, row))} for mark, y, row in marks])

    return drawn(draw, title="Dots", of=part)


def told(mark, row):
    mean = spanned(row["mean"], row["ci_low"], row["ci_high"], ".1f")
    return f"{mark['model']}, {mark['value']:g} points (mean {mean})"


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
