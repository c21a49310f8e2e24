"""Mutants: what a slip makes of a line, what is left alone, and which tests are held to reach a function."""

import ast

import pytest

from bench import probe
from bench.mutants import Function, Reach, draw, named
from bench.mutations import mutations, size


def slips(body):
    """Kind and new text of every mutation of a function of these lines."""
    source = "def f(x, y):\n" + "".join(f"    {line}\n" for line in body.splitlines())
    _, function = next(named(ast.parse(source)))
    found = mutations(source, function)
    for one in found:
        ast.parse(one.source)
        assert one.source != source
    return {(one.kind, one.source.splitlines()[one.line - 1].strip()) for one in found}


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("y = x < 3", {("comparison", "y = (x >= 3)"), ("comparison", "y = (x <= 3)"), ("constant", "y = x < (4)"), ("constant", "y = x < (2)")}),
        ("y = 'é' and x", {("and/or", "y = ('é' or x)"), ("constant", 'y = ("") and x')}),
        ("y = not x", {("not dropped", "y = (x)")}),
        ("return x", {("return", "return None")}),
        ("x.send()", {("call removed", "pass")}),
        ("await x()", {("call removed", "pass")}),
        ("x.y = y", {("assignment removed", "pass")}),
        ("y = max(x)", {("twin", "y = min(x)")}),
        ("y = x(a=x, b=y)", {("argument a= dropped", "y = (x(b=y))"), ("argument b= dropped", "y = (x(a=x))")}),
        ("y = [a for a in x if a]", {("condition negated", "y = [a for a in x if (not (a))]")}),
        ("y = x - y", {("operator", "y = (x + y)")}),
        ("y = True", {("constant", "y = False")}),
        ("y = x / 'events'", {("constant", "y = x / (\"\")")}),
    ],
)  # fmt: skip
def test_a_slip_changes_one_line(line, expected):
    assert slips(line) == expected


@pytest.mark.parametrize(
    "line",
    [
        "'''What it does.'''",
        "log.info('told', x)",
        "raise ValueError('no' + x)",
        "y = f'{x + 1}'",
        "y: Literal['a'] = x",
        "y = zip(x, y, strict=True)",
        "y = x.read_text(encoding='utf-8')",
        "y = cast('int', x)",
        "assert x < 3",
        "return None",
    ],
)
def test_words_types_and_what_changes_nothing_are_left_alone(line):
    assert slips(line) == set()


def test_a_function_inside_another_is_drawn_for_itself():
    source = "class A:\n    def f(self):\n        def g(x):\n            return x + 1\n        return g\n"
    found = dict(named(ast.parse(source)))
    assert list(found) == ["A.f", "A.f.g"]
    assert [one.kind for one in mutations(source, found["A.f"])] == ["return"]
    assert size(found["A.f.g"]) == 1


def test_the_same_seed_draws_the_same_functions_and_slips():
    source = "def f(x):\n    return x < 1\n"
    node = ast.parse(source).body[0]
    found = [Function("a.py", f"f{n}", node, mutations(source, node)) for n in range(20)]
    assert draw(found, seed=1, count=9) == draw(found, seed=1, count=9) != draw(found, seed=2, count=9)


def test_a_test_reaches_what_its_fixtures_ran_and_its_own_room_comes_first():
    step = "di_assets/game/step.py:step"
    fixtures = {
        "tests/game/test_a.py::broad": [],
        "tests/game/test_a.py::narrow": ["played"],
        "tests/report/test_b.py::narrowest": ["played"],
        "tests/report/test_b.py::elsewhere": ["other"],
    }
    tests = {name: {"seconds": 9, "alone": 9, "fixtures": used} for name, used in fixtures.items()}
    ran = {
        (step, "tests/game/test_a.py::broad", ""),
        ("di_assets/game/rules.py:f", "tests/game/test_a.py::broad", ""),
        ("di_assets/game/rules.py:g", "tests/game/test_a.py::broad", ""),
        (step, "tests/report/test_b.py::narrowest", "played"),
    }
    reach = Reach(tests, ran)
    reached = reach.of(Function("di_assets/game/step.py", "step", ast.parse("def step():\n    return 1\n").body[0], []))
    assert reached == [
        "tests/game/test_a.py::narrow",
        "tests/game/test_a.py::broad",
        "tests/report/test_b.py::narrowest",
    ]
    assert [len(reach.affordable(reached, seconds)) for seconds in (1, 9, 20, 30)] == [1, 1, 2, 3]


def test_a_probe_notes_a_function_once_for_each_test_and_fixture(tmp_path, monkeypatch):
    for name, value in (("REACH", str(tmp_path)), ("REACH_TEST", ""), ("REACH_FIXTURE", "")):
        monkeypatch.setenv(name, value)
    probe.now(test="one", fixture="")
    for _ in range(2):
        probe.hit("f")
    probe.now(fixture="played")
    probe.hit("f")
    probe.now(test="other", fixture="")
    probe.hit("f")
    assert (tmp_path / "hits").read_text().splitlines() == ["f\tone\t", "f\tone\tplayed", "f\tother\t"]
