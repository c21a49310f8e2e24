"""The line that `bench.mutants` puts into functions calls `hit`: who ran this function? It imports next to nothing."""

import os
from pathlib import Path

_TEST, _FIXTURE, _FOLDER = "REACH_TEST", "REACH_FIXTURE", "REACH"
_seen: set[str] = set()


def now(*, test: str | None = None, fixture: str | None = None) -> None:
    """Say which test or fixture runs from here on; child processes learn it from their environment."""
    for name, value in ((_TEST, test), (_FIXTURE, fixture)):
        if value is not None:
            os.environ[name] = value
    _seen.clear()


def hit(function: str) -> None:
    """Note that the test and the fixture that run now ran this function: once, as this stands in the hottest loops."""
    if function in _seen:
        return
    _seen.add(function)
    if folder := os.environ.get(_FOLDER):
        with Path(folder, "hits").open("a", encoding="utf-8") as file:
            file.write("\t".join((function, os.environ.get(_TEST, ""), os.environ.get(_FIXTURE, ""))) + "\n")
