"""Pages as data. A page is a list of parts; a part that is HTML is a section, that is, a template with typed data.

A section is a frozen dataclass that names its template in `templates/`; its fields are what the template prints. The
templates escape everything they print. Text by models goes through the filter `shown`, which also makes hidden
characters visible. The dashboard and the static site render the same sections; a `Place` says where links lead in each.
"""

from collections.abc import Iterable
from dataclasses import fields
from pathlib import Path
from typing import Any, ClassVar, Protocol

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from dashboard.untrusted import listed, safe

TEMPLATES = Path(__file__).with_name("templates")


class Section(Protocol):
    """The data of one template. Every section is a dataclass.

    Attributes:
        template: file in `templates/`, without its suffix.
    """

    __dataclass_fields__: ClassVar[dict[str, Any]]
    template: ClassVar[str]


class Place(Protocol):
    """Where pages are shown: served by Streamlit, or as files."""

    @property
    def served(self) -> bool:
        """Streamlit serves the pages. Then a page's title is a second-level heading, and links open in the same tab."""

    def episode(self, episode_id: str, event_id: int | None = None) -> str | None:
        """Address of an episode or of one of its events; None if it has no page here."""

    def page(self, name: str, **query: str) -> str | None:
        """Address of a page with these choices; None if it does not exist here."""


def html_of(sections: Iterable[Section], place: Place) -> str:
    """The HTML of sections, in their order."""
    return "".join(_html(section, place) for section in sections)


def _html(section: Section, place: Place) -> str:
    data = {field.name: getattr(section, field.name) for field in fields(section)}
    return _environment.get_template(f"{section.template}.html.j2").render(data, place=place)


_environment = Environment(
    loader=FileSystemLoader(TEMPLATES),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    auto_reload=False,
)
_environment.filters |= {"shown": safe, "listed": listed, "commas": "{:,}".format, "plain": "{:g}".format}
