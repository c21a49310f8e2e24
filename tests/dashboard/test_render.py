"""What every template and every file for the browser must keep to."""

import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from html.parser import HTMLParser
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import pytest
from jinja2 import Environment, nodes
from markupsafe import Markup

from dashboard import parts, sections, static_pages, static_site
from dashboard.render import TEMPLATES, html_of
from dashboard.sections.view import View
from dashboard.style import DASHBOARD, SITE, WEB
from tests.conftest import ROOT
from tests.dashboard.conftest import HOSTILE

MODULES = (
    parts,
    static_pages,
    static_site,
    *(import_module(one.name) for one in walk_packages(sections.__path__, "dashboard.sections.")),
)
SECTIONS = sorted(
    {one for module in MODULES for one in vars(module).values() if is_dataclass(one) and "template" in vars(one)},
    key=lambda one: one.__name__,
)
# Keys of the message that a question quotes.
QUOTED = ("text", "sender", "sender_model", "recipient", "episode_id", "event_id", "round")
HOSTILE_EVERYWHERE = f"' onclick='x\" onfocus=\"x {HOSTILE}"


@dataclass(frozen=True)
class Anywhere:
    """A place that has every page, each with its name in its address."""

    served: bool

    def episode(self, episode_id, event_id=None):
        return f"{episode_id}#{event_id}"

    def page(self, name, **query):
        return f"{name}?{query}"


class Elements(HTMLParser):
    """Names of elements and attributes of a page."""

    def __init__(self, html):
        super().__init__()
        self.names, self.attributes = set(), set()
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.names.add(tag)
        self.attributes |= {name for name, _ in attrs}


def filled(kind, words):
    """A value of this type with the words wherever it holds text; numbers are 1, lists have one item, nothing is None."""
    plain = {
        str: words,
        Any: words,
        Markup: Markup("<i>drawn</i>"),
        bool: True,
        int: 1,
        float: 1,
        View: View("episode"),
    }
    if kind in plain:
        return plain[kind]
    if is_dataclass(kind):
        types = get_type_hints(kind)
        return kind(**{one.name: filled(types[one.name], words) for one in fields(kind)})
    origin, of = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        return filled(next(one for one in of if one is not type(None)), words)
    if origin is Callable:
        return lambda: words
    if origin is Mapping:
        return {key: filled(of[1], words) for key in (QUOTED if of[1] is Any else [filled(of[0], words)])}
    return tuple(filled(one, words) for one in of if one is not Ellipsis)


@pytest.mark.parametrize("place", [Anywhere(served=True), Anywhere(served=False)], ids=["dashboard", "files"])
@pytest.mark.parametrize("section", SECTIONS, ids=lambda one: one.__name__)
def test_text_in_any_field_of_any_section_stays_text(section, place):
    plain, hostile = (Elements(html_of([filled(section, words)], place)) for words in ("words", HOSTILE_EVERYWHERE))
    assert hostile.names <= plain.names | {"code", "em"}
    assert hostile.attributes <= plain.attributes | {"class"}


@pytest.mark.parametrize("path", sorted(TEMPLATES.iterdir()), ids=lambda path: path.name)
def test_no_template_turns_escaping_off(path):
    tree = Environment(autoescape=True).parse(path.read_text())
    assert "safe" not in {one.name for one in tree.find_all(nodes.Filter)}
    assert not list(tree.find_all(nodes.ScopedEvalContextModifier))
    assert not list(tree.find_all(nodes.EvalContextModifier))


def test_every_template_belongs_to_a_section():
    used = {section.template for section in SECTIONS} | {"macros"}
    assert {path.name.removesuffix(".html.j2") for path in TEMPLATES.iterdir()} == used


def test_every_style_sheet_and_script_is_loaded_somewhere():
    code = "".join(path.read_text() for path in (ROOT / "dashboard").glob("*.py"))
    for path in WEB.iterdir():
        assert path.name in {*DASHBOARD, *SITE} or f'web("{path.name}")' in code, path.name


def test_the_report_as_files_is_written_without_streamlit():
    words = "import sys, dashboard.static_site; sys.exit('streamlit' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", words], cwd=ROOT, check=False).returncode == 0


def test_style_sheets_scripts_and_templates_keep_to_the_width_of_code():
    for folder in (WEB, TEMPLATES):
        for path in folder.iterdir():
            wide = [n for n, line in enumerate(Path(path).read_text().splitlines(), 1) if len(line) > 120]
            assert wide == [], path.name
