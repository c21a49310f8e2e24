"""Question 5: do promises hold?"""

from di_assets.report.questions.asked.promises.answer import SHARES, answer
from di_assets.report.questions.asked.promises.claims import HOLDS, PAYS
from di_assets.report.questions.asked.promises.figure import kept_and_broken
from di_assets.report.questions.asked.promises.types import PromisesPage
from di_assets.report.questions.question import Question, whole

QUESTION = Question(
    name="q5",
    asks="Do promises hold?",
    reads={"promise_shares": SHARES, **whole("promise_ledger")},
    statements=(HOLDS, PAYS),
    answer=answer,
    published=PromisesPage,
    figure=kept_and_broken,
    statistics=("measured", "needs", "without_a_promise", "rows"),
    tables=("promise_ledger",),
)
