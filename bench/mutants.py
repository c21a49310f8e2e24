"""Would a test notice? One line is mutated in each of N random functions of di_assets, and the tests are run.

    python -m bench.mutants --seed 1 --functions 60

It works in a copy of the tree: the functions are drawn by the seed, the default suite runs once to learn which tests
reach which of them (in child processes too), then each mutant meets the tests that reach it, until one fails: those of
its own room first, those that reach few functions before those that reach many, as long as they fit into `--seconds` of
CPU. A row each is printed: function, slip, the test that killed it or how many it survived, seconds; then the share of
survivors, and how many of them did not meet all their tests.
`--only 3,17` tries these rows alone. `--reach FILE` keeps what the first run taught, for another seed; with
`--tests PATH...` only these tests run first, and what FILE tells of the others stands. Tests marked slow take part with
`--slow-too`, those marked browser never: `--slow-too --tests tests/play` adds what the slow tests of one room reach.
Expect an hour for 60.
"""

import argparse
import ast
import contextlib
import json
import os
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate
from pathlib import Path
from typing import Any

from bench.mutations import FUNCTION, Mutation, mutations, size, statements

ROOT = Path(__file__).parents[1]
PYTEST = [sys.executable, "-m", "pytest", "-n", "0", "-p", "no:cacheprovider", "--tb=no"]
QUICK, SLOW_TOO = "not slow and not browser", "not browser"
LONGER = 4  # a mutant that takes this many times the CPU seconds that its tests took before runs on for ever
WAITED = 10  # the same of seconds by the clock, on a busy machine
START = 60  # seconds that pytest may need before the first test


@dataclass(frozen=True)
class Function:
    """A function that may be mutated: its file (relative), dotted name, syntax tree, and the slips that fit."""

    path: str
    name: str
    node: FUNCTION
    slips: list[Mutation]

    @property
    def key(self) -> str:
        return f"{self.path}:{self.name}"


def named(tree: ast.AST, within: str = "") -> Iterator[tuple[str, FUNCTION]]:
    """Functions and methods of a file with their dotted names, those inside others too."""
    for node in ast.iter_child_nodes(tree):
        name = f"{within}{node.name}" if isinstance(node, FUNCTION | ast.ClassDef) else within.removesuffix(".")
        if isinstance(node, FUNCTION):
            yield name, node
        yield from named(node, f"{name}." if name else "")


def functions(root: Path) -> list[Function]:
    """Every function of at least two statements that has something to mutate."""
    found = []
    for path in sorted((root / "di_assets").rglob("*.py")):
        source = path.read_text(encoding="utf-8")
        for name, node in named(ast.parse(source)):
            if size(node) > 1 and (slips := mutations(source, node)):
                found.append(Function(str(path.relative_to(root)), name, node, slips))
    return found


def draw(found: list[Function], *, seed: int, count: int) -> list[tuple[Function, Mutation]]:
    """Functions without replacement, each with one mutation: a kind of slip first, then a place."""
    rng, drawn = random.Random(seed), []
    for function in rng.sample(found, count):
        kind = rng.choice(sorted({one.kind.split()[0] for one in function.slips}))
        slip = rng.choice([one for one in function.slips if one.kind.split()[0] == kind])
        compile(slip.source, function.path, "exec")
        drawn.append((function, slip))
    return drawn


def copy_tree(folder: Path) -> Path:
    """The files that git would take, and what lies beside the repository where tests look for it."""
    listed = _git("ls-files", "--cached", "--others", "--exclude-standard", "-z").split("\0")
    for name in filter(None, listed):
        if (ROOT / name).exists():
            (folder / "tree" / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / "tree" / name, follow_symlinks=False)
    beside = Path(_git("rev-parse", "--path-format=absolute", "--git-common-dir").strip()).parents[1] / "shared"
    if beside.is_dir():
        (folder / "shared").symlink_to(beside)
    return folder / "tree"


def _git(*words: str) -> str:
    return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=True).stdout


@dataclass(frozen=True)
class Reach:
    """The tests that pass, each with its seconds and its fixtures; and who ran what: (function, test, fixture)."""

    tests: dict[str, dict[str, Any]] = field(default_factory=dict)
    hits: set[tuple[str, ...]] = field(default_factory=set)

    def of(self, function: Function) -> list[str]:
        """The tests that reach a function: those of its room first, those that reach little else first.

        What runs while modules are loaded, or is remembered from an earlier call, is left to all the tests of its room.
        """
        mine = [(test, fixture) for key, test, fixture in self.hits if key == function.key]
        by_test, by_fixture = {test for test, _ in mine}, {fixture for _, fixture in mine if fixture}
        room = f"tests/{Path(function.path).parts[1]}/"
        whole = "" in by_test or any("cache" in ast.unparse(one) for one in function.node.decorator_list)
        near = [
            name
            for name, test in self.tests.items()
            if name in by_test or by_fixture & set(test["fixtures"]) or (whole and name.startswith(room))
        ]
        return sorted(near, key=lambda name: (not name.startswith(room), self.breadth[name], name))

    @cached_property
    def breadth(self) -> dict[str, int]:
        """How many functions each test runs, its fixtures' counted: the fewer, the surer it is to see one go wrong."""
        by_test, by_fixture = Counter(test for _, test, _ in self.hits), Counter(one for *_, one in self.hits)
        return {
            name: by_test[name] + sum(by_fixture[one] for one in test["fixtures"]) for name, test in self.tests.items()
        }

    def affordable(self, tests: list[str], seconds: float) -> list[str]:
        """The first tests that together take no longer than these CPU seconds; at least one."""
        ends = accumulate(self.tests[name]["seconds"] for name in tests)
        return [name for name, end in zip(tests, ends, strict=True) if end <= seconds] or tests[:1]


def stored(path: Path | None) -> Reach:
    """What an earlier run learnt."""
    if path is None or not path.exists():
        return Reach()
    known = json.loads(path.read_text(encoding="utf-8"))
    return Reach(tests=known["tests"], hits={tuple(hit) for hit in known["hits"]})


def collected(tree: Path) -> set[str]:
    """The tests there are now: one that an earlier run knew and that has gone would look as if it failed."""
    command = [*PYTEST, "-m", SLOW_TOO, "--collect-only"]
    said = subprocess.run(command, cwd=tree, env=_env(tree), capture_output=True, text=True, check=True).stdout
    return {line for line in said.splitlines() if "::" in line}


def learn(tree: Path, found: list[Function], wanted: list[str], known: Reach, *, marks: str) -> Reach:
    """Run tests with a probe in every function; what is known of other tests stays."""
    texts = {path: (tree / path).read_text(encoding="utf-8") for path in {one.path for one in found}}
    for path, text in texts.items():
        lines = text.splitlines(keepends=True)
        for one in sorted((one for one in found if one.path == path), key=lambda one: -_first_line(one.node)):
            at = _first_line(one.node) - 1
            indent = re.match(r"\s*", lines[at])[0]
            lines.insert(at, f'{indent}__import__("bench.probe", fromlist=["hit"]).hit("{one.key}")\n')
        _write(tree / path, "".join(lines))
    out = tree.parent / "reach"
    out.mkdir()
    (out / "hits").touch()
    with (out / "log").open("w") as log:
        command = [*PYTEST, "-m", marks, "-rfE", "-p", "bench.reach", *wanted]
        subprocess.run(command, cwd=tree, env=_env(tree, REACH=str(out)), stdout=log, check=False)
    print((out / "log").read_text(encoding="utf-8")[-2000:])
    for path, text in texts.items():
        _write(tree / path, text)
    tests = json.loads((out / "tests.json").read_text(encoding="utf-8"))
    hits = {tuple(line.split("\t")) for line in (out / "hits").read_text(encoding="utf-8").splitlines()}
    return Reach(tests={**known.tests, **tests}, hits=known.hits | hits)


def _first_line(function: FUNCTION) -> int:
    first = statements(function)[0]
    return min([first.lineno, *(one.lineno for one in getattr(first, "decorator_list", []))])


def killer(tree: Path, path: str, slip: Mutation, tests: list[str], seconds: float) -> str | None:
    """The test that fails on the mutant; None where all pass. They took these CPU seconds without it."""
    text = (tree / path).read_text(encoding="utf-8")
    _write(tree / path, slip.source)
    command = [*PYTEST, "-m", SLOW_TOO, "-p", "bench.in_order", "-x", "-rfE", *tests]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    process = subprocess.Popen(command, cwd=tree, env=_env(tree), start_new_session=True, **pipes)
    most = int(START + LONGER * seconds)
    resource.prlimit(process.pid, resource.RLIMIT_CPU, (most, most + 5))
    try:
        said, _ = process.communicate(timeout=WAITED * (START + seconds))
    except subprocess.TimeoutExpired:
        return "running on (wall)"
    finally:
        _end(process)
        _write(tree / path, text)
    if process.returncode == 0:
        return None
    if process.returncode < 0:
        return "running on (CPU)"
    failed = re.search(r"^(?:FAILED|ERROR) (\S+)", said, re.MULTILINE)
    return failed[1] if failed else f"loading ({said.strip().splitlines()[-1]})"


def _end(process: subprocess.Popen[str]) -> None:
    """Servers that tests started are in the session of its process."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _write(path: Path, text: str) -> None:
    """A file and no stale bytecode of it: Python tells versions apart by second and length."""
    path.write_text(text, encoding="utf-8")
    for stale in (path.parent / "__pycache__").glob(f"{path.stem}.*.pyc"):
        stale.unlink()


def _env(tree: Path, **more: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(tree), **more}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--functions", type=int, default=60)
    parser.add_argument("--only", default="", help="numbers of rows, with commas between")
    parser.add_argument("--reach", type=Path, help="file that keeps which tests reach which functions")
    parser.add_argument("--tests", nargs="*", default=[], help="tests to learn that of, instead of the default suite")
    parser.add_argument("--slow-too", action="store_true", help="learn of the tests marked slow too")
    parser.add_argument("--seconds", type=float, default=240, help="CPU seconds of tests that one mutant meets")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        Path(folder).chmod(0o755)  # some tests run what they test as another user
        tree = copy_tree(Path(folder))
        found, reach = functions(tree), stored(asked.reach)
        if asked.tests or not reach.tests:
            reach = learn(tree, found, asked.tests, reach, marks=SLOW_TOO if asked.slow_too else QUICK)
            if asked.reach:
                asked.reach.write_text(json.dumps({"tests": reach.tests, "hits": sorted(reach.hits)}), encoding="utf-8")
        now = collected(tree)
        reach = Reach({name: test for name, test in reach.tests.items() if name in now}, reach.hits)
        drawn = enumerate(draw(found, seed=asked.seed, count=asked.functions), 1)
        tried = [(n, *one) for n, one in drawn if not asked.only or str(n) in asked.only.split(",")]
        print(f"{len(tried)} of {len(found)} functions, seed {asked.seed}, {len(reach.tests)} tests", flush=True)
        ends = [_end_of(tree, *one, reach, seconds=asked.seconds) for one in tried]
    survivors, cut = (sum(column) for column in zip(*ends, strict=True))
    print(
        f"{survivors} of {len(tried)} mutants survive: {survivors / len(tried):.0%}; {cut} of them met the first tests"
    )


def _end_of(
    tree: Path, number: int, function: Function, slip: Mutation, reach: Reach, *, seconds: float
) -> tuple[bool, bool]:
    """Let one mutant meet its tests and print its row: whether it survives, and without having met all of them."""
    began, tests = time.monotonic(), reach.of(function)
    tried = reach.affordable(tests, seconds)
    spent = sum(reach.tests[name]["seconds"] for name in tried)
    by = killer(tree, function.path, slip, tried, spent) if tried else None
    cut = not by and len(tried) < len(tests)
    every = "the first" if cut else "all"
    end = f"killed by {by}" if by else f"SURVIVED {every} {len(tried)} of {len(tests)} tests that reach it"
    print(
        f"{number:3} {function.path}:{slip.line} {function.name}  [{slip.kind}] {slip.before[:90]} -> {slip.after[:90]}"
    )
    print(f"      {end}, {time.monotonic() - began:.0f} s", flush=True)
    return not by, cut


if __name__ == "__main__":
    main()
