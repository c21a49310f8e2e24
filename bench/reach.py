"""Plugin of pytest (`-p bench.reach`): the CPU seconds of each test, those it would take alone, and its fixtures.

A fixture of the whole session runs a function once, in the name of the first test; every test that uses the fixture
may tell that the function went wrong. So `bench.probe` is told the fixture that is being set up, beside the test.
"""

import json
import os
from collections import defaultdict
from pathlib import Path

import pytest

from bench import probe

_seconds: dict[str, float] = defaultdict(float)
_failed: set[str] = set()
_fixtures: dict[str, list[str]] = {}
_set_up: dict[str, float] = {}


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item):
    probe.now(test=item.nodeid)
    began = _cpu()
    try:
        return (yield)
    finally:
        _seconds[item.nodeid] = _cpu() - began


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(fixturedef):
    before, name = os.environ.get("REACH_FIXTURE", ""), fixturedef.argname
    probe.now(fixture=name)
    began = _cpu()
    try:
        return (yield)
    finally:
        probe.now(fixture=before)
        _set_up[name] = max(_set_up.get(name, 0), _cpu() - began)


def pytest_collection_modifyitems(items):
    _fixtures.update({item.nodeid: sorted(getattr(item, "fixturenames", [])) for item in items})


def pytest_runtest_logreport(report):
    if report.outcome != "passed":
        _failed.add(report.nodeid)


def pytest_sessionfinish():
    passed = {name: seconds for name, seconds in _seconds.items() if name not in _failed}
    tests = {
        name: {"seconds": s, "alone": s + _slowest(name), "fixtures": _fixtures[name]} for name, s in passed.items()
    }
    Path(os.environ["REACH"], "tests.json").write_text(json.dumps(tests), encoding="utf-8")


def _cpu():
    """CPU seconds of this process and of the child processes that ended: another's load does not make a test long."""
    return sum(os.times()[:4])


def _slowest(test):
    """Seconds to set up what a test needs, for a test that runs first."""
    return max((_set_up.get(fixture, 0) for fixture in _fixtures[test]), default=0)
