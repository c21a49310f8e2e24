"""The question pages: one module for all, which takes a question. They read what is published and compute nothing."""

from collections.abc import Callable
from dataclasses import dataclass

import polars as pl

from dashboard import data
from dashboard.placing import place
from dashboard.sections.question import question_page
from di_assets.report.questions.question import Question
from di_assets.tables import Warehouse


@dataclass(frozen=True, slots=True)
class Cached:
    """What a question page reads from a warehouse, cached for each version."""

    warehouse: Warehouse
    version: str

    def figure(self, name: str) -> str:
        """An SVG of the report."""
        return data.rendering(str(self.warehouse), self.version, name)

    def behind(self, *, scripted: bool) -> pl.DataFrame:
        """The episodes behind a question."""
        return data.behind(str(self.warehouse), self.version, scripted)

    def summary(self) -> str:
        """summary.json as it is published."""
        return self.warehouse.read_report("summary.json") or ""

    def table(self, name: str) -> pl.DataFrame:
        """A table of the contract."""
        return self.warehouse.read(name)


def page_of(spec: Question) -> Callable[[], None]:
    """A function that draws a question's page."""
    return lambda: show(spec)


def show(spec: Question) -> None:
    """Draws the page. An empty warehouse gives the same page, with what the question needs."""
    read = Cached(data.warehouse(), data.warehouse().version())
    place(*question_page(spec, data.summary(str(read.warehouse), read.version), read))
