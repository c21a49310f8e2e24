"""Question 2: is it persuasion or pay-back?"""

from di_assets.report.questions.asked.payback.answer import answer
from di_assets.report.questions.asked.payback.claims import BEYOND, HEEDS, TALK
from di_assets.report.questions.asked.payback.figure import split_bars
from di_assets.report.questions.asked.payback.types import PaybackPage
from di_assets.report.questions.question import Question, whole

QUESTION = Question(
    name="q2",
    asks="Is it persuasion or pay-back?",
    reads=whole("reactions", "model_baseline", "reciprocity_baseline"),
    statements=(BEYOND, TALK, HEEDS),
    answer=answer,
    published=PaybackPage,
    figure=split_bars,
    statistics=("measured", "needs", "total", "rows"),
    tables=("model_baseline", "reactions"),
)
