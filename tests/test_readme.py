"""What README says is there is there, and what is there README says."""

import re
import tomllib

import pytest

from di_assets.cli.verbs import main
from tests.conftest import ROOT

TEXT = (ROOT / "README.md").read_text()
TREE = dict(re.findall(r"^(\S+)\s{2,}(.+)$", TEXT.split("<!-- tree -->")[1].split("```")[1], re.MULTILINE))


@pytest.mark.parametrize("path", TREE)
def test_what_the_tree_names_is_on_disk(path):
    assert (ROOT / path).exists()
    assert (ROOT / path).is_dir() == path.endswith("/")


def test_every_folder_of_the_project_is_in_the_tree():
    top = {
        p.name + "/" for p in ROOT.iterdir() if p.is_dir() and not p.name.startswith(".") and p.name != "__pycache__"
    }
    package = {f"di_assets/{p.name}/" for p in (ROOT / "di_assets").iterdir() if p.is_dir() and p.name != "__pycache__"}
    assert top | package <= set(TREE)


def test_every_make_target_that_readme_names_is_there():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"make ([a-z-]+)", TEXT)) - {"make"} <= targets


def test_the_lock_names_no_index():
    for lock in ROOT.glob("requirements*.lock"):
        assert not re.search(r"https?:|--index|--find-links|file:", lock.read_text())
        assert all("==" in line for line in lock.read_text().splitlines() if re.match(r"[a-z]", line))


def test_every_verb_that_readme_names_is_there_and_every_verb_is_named():
    verbs = set(main.commands)
    told = TEXT + (ROOT / "deploy" / "README.md").read_text()
    named = set(re.findall(r"\bdi (?:--\w+ \S+ )*([a-z]+)\b", told))
    assert named <= verbs
    assert verbs - {"demo"} <= named  # which is `make demo`


def test_every_layer_is_in_contributing_in_its_order():
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = next(one["layers"] for one in contracts if one["type"] == "layers")
    said = " ".join((ROOT / "CONTRIBUTING.md").read_text().replace("`", "").split())
    assert " > ".join(layers) in said
