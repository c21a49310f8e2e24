"""Parts that many pages use: headings, paragraphs, tables, and the parts that the dashboard draws as widgets."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import polars as pl
from markupsafe import Markup

from dashboard.render import Section
from di_assets.report.published import measure_of


@dataclass(frozen=True, slots=True)
class Title:
    """The heading of a page."""

    template: ClassVar[str] = "title"
    text: str


@dataclass(frozen=True, slots=True)
class Heading:
    """The heading of a section."""

    template: ClassVar[str] = "heading"
    text: str


@dataclass(frozen=True, slots=True)
class Words:
    """A paragraph.

    Attributes:
        text: the text.
        kind: its CSS class: caption, sub, text (keeps line breaks), or none.
        role: status or alert, so that a screen reader reads it when it changes.
        command: a command to type, printed after the text.
        after: the rest of the sentence, after the command.
    """

    template: ClassVar[str] = "words"
    text: str
    kind: str = ""
    role: str = ""
    command: str = ""
    after: str = ""


@dataclass(frozen=True, slots=True)
class Link:
    """A table cell that links to an episode or an event.

    Attributes:
        text: the text of the link.
        episode_id: the episode.
        event_id: the event.
        below: a smaller line below it.
    """

    text: str
    episode_id: str
    event_id: int | None = None
    below: str = ""


@dataclass(frozen=True, slots=True)
class Code:
    """A table cell with a hash, in a font for reading letter by letter."""

    code: str


Cell = str | Link | Code


@dataclass(frozen=True, slots=True)
class Table:
    """A table in a box that scrolls if the table is too wide.

    Attributes:
        label: name of the box, unique on its page.
        columns: heading -> whether the column holds numbers.
        rows: for each row, one cell per column.
    """

    template: ClassVar[str] = "table"
    label: str
    columns: Mapping[str, bool]
    rows: Sequence[Sequence[Cell]]


@dataclass(frozen=True, slots=True)
class TitledTable:
    """A table with a heading of its own."""

    template: ClassVar[str] = "titled_table"
    title: str
    of: Table


@dataclass(frozen=True, slots=True)
class Drawing:
    """A figure in two renderings; its width decides which one is visible.

    Attributes:
        wide: SVG drawn by the report, in which names are escaped; empty if it is not drawn yet.
        narrow: the same for a phone.
        alt: the figure in words.
    """

    template: ClassVar[str] = "drawing"
    wide: Markup
    narrow: Markup
    alt: str


def drawing(wide: str, narrow: str, alt: str) -> Drawing:
    """A figure from an SVG that the report drew. Nothing else may be passed: the SVG is not escaped again."""
    return Drawing(Markup(wide), Markup(narrow), alt)  # noqa: S704 -- drawn by this project, its names escaped


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of a frame, one page at a time. `episode_id` links to the reader page.

    Attributes:
        frame: all rows.
        names: column -> heading.
        title: a heading above it; none if empty.
    """

    frame: pl.DataFrame
    names: Mapping[str, str]
    title: str = ""

    def table(self, first: int, n: int) -> Table:
        """The table of `n` rows, starting with row `first`."""
        columns = {name: self.frame.schema[column].is_numeric() for column, name in self.names.items()}
        rows = [
            [_cell(column, row[column]) for column in self.names]
            for row in self.frame.slice(first, n).iter_rows(named=True)
        ]
        return Table("table", columns, rows)


def _cell(column: str, value: object) -> Cell:
    text = measure_of(value)
    return Link(text, str(value)) if column == "episode_id" else text


@dataclass(frozen=True, slots=True)
class File:
    """A file for download.

    Attributes:
        name: name of the file.
        kind: its media type.
        made: makes the content when it is asked for.
        bundled: the file is also among the files of the static site.
    """

    name: str
    kind: str
    made: Callable[[], str | bytes]
    bundled: bool


@dataclass(frozen=True, slots=True)
class Downloads:
    """Files for download; each is made when it is asked for.

    Attributes:
        files: in the order in which they are offered.
        note: a note about them.
    """

    template: ClassVar[str] = "downloads"
    files: tuple[File, ...]
    note: str = ""

    def bundled(self) -> "Downloads":
        """Only the downloads that are also files of the static site."""
        files = tuple(file for file in self.files if file.bundled)
        return Downloads(files, self.note if any(file.name.endswith(".csv") for file in files) else "")


Part = Section | Rows
