"""Plugin of pytest (`-p bench.reach`): how long each test took, how long it would take alone, and its fixtures.

A fixture of the whole session runs a function once, in the name of the first test; every test that uses the fixture
may tell that the function went wrong. So the fixture being set up is named in the environment, for `bench.probe`.
"""

import json
import os
import time
from collections import defaultdict
from pathlib import Path

import pytest

_seconds: dict[str, float] = defaultdict(float)
_failed: set[str] = set()
_fixtures: dict[str, list[str]] = {}
_set_up: dict[str, float] = {}


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(fixturedef):
    before = os.environ.get("REACH_FIXTURE", "")
    os.environ["REACH_FIXTURE"] = name = fixturedef.argname
    began = time.monotonic()
    try:
        return (yield)
    finally:
        os.environ["REACH_FIXTURE"] = before
        _set_up[name] = max(_set_up.get(name, 0), time.monotonic() - began)


def pytest_collection_modifyitems(items):
    _fixtures.update({item.nodeid: sorted(getattr(item, "fixturenames", [])) for item in items})


def pytest_runtest_logreport(report):
    _seconds[report.nodeid] += report.duration
    if report.outcome != "passed":
        _failed.add(report.nodeid)


def pytest_sessionfinish():
    passed = {name: seconds for name, seconds in _seconds.items() if name not in _failed}
    tests = {
        name: {"seconds": s, "alone": s + _slowest(name), "fixtures": _fixtures[name]} for name, s in passed.items()
    }
    Path(os.environ["REACH"], "tests.json").write_text(json.dumps(tests), encoding="utf-8")


def _slowest(test):
    """Seconds to set up what a test needs, for a test that runs first."""
    return max((_set_up.get(fixture, 0) for fixture in _fixtures[test]), default=0)
