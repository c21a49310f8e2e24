"""How the pages look and move: the style sheets and scripts in `web/`, which the dashboard and the site both load."""

from functools import cache
from pathlib import Path

WEB = Path(__file__).with_name("web")
# In this order, for a later sheet goes before an earlier one.
DASHBOARD = ("report.css", "reader.css", "print.css", "shell.css")
SITE = ("report.css", "reader.css", "print.css", "figure.css", "site.css")


@cache
def web(name: str) -> str:
    """The text of a style sheet or script."""
    return (WEB / name).read_text("utf-8")


def sheet(names: tuple[str, ...]) -> str:
    """Style sheets as one."""
    return "\n".join(map(web, names))


def page(html: str) -> str:
    """A piece of a page, in the report's type."""
    return f"<div class='di'>{html}</div>"
