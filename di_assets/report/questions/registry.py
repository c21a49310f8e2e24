"""All questions of the report by name, sorted by number. The folder `asked` is the list of questions."""

from collections.abc import Mapping

from di_assets.declared import declared_in
from di_assets.report.questions import asked
from di_assets.report.questions.question import Question
from di_assets.report.questions.scope import READS as SCOPE_READS
from di_assets.tables import TABLES

_FOUND = declared_in([asked], "QUESTION", Question)
QUESTIONS: Mapping[str, Question] = {one.name: one for one in sorted(_FOUND.values(), key=lambda one: one.number)}
# The tables that the summary is made from, in the contract's order.
READS = tuple(name for name in TABLES if name in {*SCOPE_READS, *(t for one in QUESTIONS.values() for t in one.reads)})
