"""Question 4: does the network matter?"""

from di_assets.report.questions.asked.network.answer import answer
from di_assets.report.questions.asked.network.claims import ABOVE_NULL, BETWEEN
from di_assets.report.questions.asked.network.figure import panels
from di_assets.report.questions.asked.network.types import NetworkPage
from di_assets.report.questions.question import Question, whole

QUESTION = Question(
    name="q4",
    asks="Does the network matter?",
    reads={"seats": ("episode_id", "model"), **whole("reciprocity_baseline")},
    statements=(*BETWEEN.values(), *ABOVE_NULL.values()),
    answer=answer,
    published=NetworkPage,
    figure=panels,
    statistics=("measured", "needs", "most_points", "rows"),
    tables=("reciprocity_baseline",),
)
