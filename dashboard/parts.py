"""What many pages are made of: headings, words, tables, and the parts that the dashboard draws as widgets."""

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
        text: in words.
        kind: its class: caption, sub, text (as it was written, line by line), or none.
        role: status or alert, where it is read out when it changes.
        command: what to type, printed after the text.
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
    """A cell that leads to an episode or an event.

    Attributes:
        text: what is read.
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
    """A cell that is read letter by letter: a hash."""

    code: str


Cell = str | Link | Code


@dataclass(frozen=True, slots=True)
class Table:
    """A table in a box that scrolls by itself where it is too wide.

    Attributes:
        label: what the box is called, once on a page.
        columns: heading -> whether it stands over numbers.
        rows: a cell a column.
    """

    template: ClassVar[str] = "table"
    label: str
    columns: Mapping[str, bool]
    rows: Sequence[Sequence[Cell]]


@dataclass(frozen=True, slots=True)
class TitledTable:
    """A table under a heading of its own."""

    template: ClassVar[str] = "titled_table"
    title: str
    of: Table


@dataclass(frozen=True, slots=True)
class Drawing:
    """A figure in two renderings, switched by its own width.

    Attributes:
        wide: SVG of the report's own drawing, whose names are escaped; empty before it is drawn.
        narrow: the same for a phone.
        alt: what it shows, in words.
    """

    template: ClassVar[str] = "drawing"
    wide: Markup
    narrow: Markup
    alt: str


def drawing(wide: str, narrow: str, alt: str) -> Drawing:
    """A figure of the report's own SVG; nothing else may be passed here."""
    return Drawing(Markup(wide), Markup(narrow), alt)  # noqa: S704 -- drawn by this project, its names escaped


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of a frame, a page of them at a time; `episode_id` leads to the reader.

    Attributes:
        frame: all rows.
        names: column -> heading.
        title: a heading above it; none where it is empty.
    """

    frame: pl.DataFrame
    names: Mapping[str, str]
    title: str = ""

    def table(self, first: int, n: int) -> Table:
        """So many rows from this one on."""
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
    """What can be downloaded.

    Attributes:
        name: of the file.
        kind: its media type.
        made: what makes it once it is asked for.
        bundled: it is among the files of the site, too.
    """

    name: str
    kind: str
    made: Callable[[], str | bytes]
    bundled: bool


@dataclass(frozen=True, slots=True)
class Downloads:
    """Files, each made when it is asked for.

    Attributes:
        files: in the order in which they are offered.
        note: what is to be known of them.
    """

    template: ClassVar[str] = "downloads"
    files: tuple[File, ...]
    note: str = ""

    def bundled(self) -> "Downloads":
        """Those that are among the files of the site."""
        files = tuple(file for file in self.files if file.bundled)
        return Downloads(files, self.note if any(file.name.endswith(".csv") for file in files) else "")


Part = Section | Rows
