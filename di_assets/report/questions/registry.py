"""All questions of the report by name, sorted by number. The folder `asked` is the list of questions."""

from collections.abc import Mapping

from di_assets.declared import declared_in
from di_assets.report.questions import asked
from di_assets.report.questions.question import Question
from di_assets.report.questions.scope import READS as SCOPE_READS
from di_assets.tables import TABLES

_FOUND = declared_in([asked], "QUESTION", Question)
QUESTIONS: Mapping[str, Question] = {one.name: one for one in sorted(_FOUND.values(), key=lambda one: one.number)}


def _columns(table: str) -> tuple[str, ...]:
    """The columns of a table that some question or the scope reads, in the contract's order."""
    needed = {
        column for reads in (SCOPE_READS, *(one.reads for one in QUESTIONS.values())) for column in reads.get(table, ())
    }
    return tuple(column for column in TABLES[table].schema if column in needed)


# The tables that the summary is made from, in the contract's order: table -> the columns that are read.
READS: Mapping[str, tuple[str, ...]] = {name: columns for name in TABLES if (columns := _columns(name))}
