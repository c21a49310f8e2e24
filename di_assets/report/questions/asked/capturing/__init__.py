"""Question 3: who captures whom?"""

from di_assets.report.questions.asked.capturing.answer import answer
from di_assets.report.questions.asked.capturing.claims import CAPTURES, PAIRS, RECEIVERS
from di_assets.report.questions.asked.capturing.figure import captures_and_heat
from di_assets.report.questions.asked.capturing.types import CapturePage
from di_assets.report.questions.question import Question, whole

QUESTION = Question(
    name="q3",
    asks="Who captures whom?",
    reads={"seats": ("model", "kind"), **whole("pulls_between", "relations", "model_points")},
    statements=(CAPTURES, RECEIVERS, PAIRS),
    answer=answer,
    published=CapturePage,
    figure=captures_and_heat,
    mark="dot and every square",
    statistics=("measured", "needs", "variance", "rows"),
    tables=("relations", "model_points"),
)
