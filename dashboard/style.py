"""How the pages look and behave: style sheets and scripts in `web/`, used by the dashboard and the static site."""

from functools import cache
from pathlib import Path

WEB = Path(__file__).with_name("web")
# The order matters: a later sheet overrides an earlier one.
DASHBOARD = ("report.css", "reader.css", "print.css", "shell.css")
SITE = ("report.css", "reader.css", "print.css", "figure.css", "site.css")


@cache
def web(name: str) -> str:
    """The text of a style sheet or script."""
    return (WEB / name).read_text("utf-8")


def sheet(names: tuple[str, ...]) -> str:
    """Several style sheets as one."""
    return "\n".join(map(web, names))


def page(html: str) -> str:
    """A piece of a page with the report's style."""
    return f"<div class='di'>{html}</div>"
