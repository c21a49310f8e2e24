"""What the guide says of folders, layers and make targets is there, and what is there it says."""

import re
import tomllib

import pytest

from tests.conftest import ROOT

TEXTS = {
    page: (ROOT / page).read_text()
    for page in ("README.md", "CONTRIBUTING.md", "docs/architecture.md", "docs/start.md")
}
TREE = dict(
    re.findall(
        r"^(\S+)\s{2,}(.+)$", TEXTS["docs/architecture.md"].split("<!-- tree -->")[1].split("```")[1], re.MULTILINE
    )
)


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


@pytest.mark.parametrize("page", ["docs/architecture.md", "CONTRIBUTING.md"])
def test_every_layer_is_named_in_its_order(page):
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = next(one["layers"] for one in contracts if one["type"] == "layers")
    assert " > ".join(layers) in " ".join(TEXTS[page].replace("`", "").split())


def test_every_make_target_that_pages_name_is_there():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for text in TEXTS.values():
        assert set(re.findall(r"`make ([a-z-]+)", text)) <= targets
    assert targets <= set(re.findall(r"make ([a-z-]+)", TEXTS["docs/start.md"]))


@pytest.mark.parametrize(
    "page", ["Makefile", "README.md", "CONTRIBUTING.md", *sorted(map(str, ROOT.glob("docs/*.md")))]
)
def test_every_test_file_that_is_named_is_there(page):
    for file in re.findall(r"\btests/[\w/]+(?<!NAME)\.py\b", (ROOT / page).read_text()):
        assert (ROOT / file).exists(), file


def test_the_lock_names_no_index():
    for lock in ROOT.glob("requirements*.lock"):
        assert not re.search(r"https?:|--index|--find-links|file:", lock.read_text())
        assert all("==" in line for line in lock.read_text().splitlines() if re.match(r"[a-z]", line))
