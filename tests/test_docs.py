"""What README and the guide show is so: commands run or at least parse, YAML is accepted, links lead somewhere."""

import ast
import re
import shlex
import shutil
from collections import Counter
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from di_assets.arms import batches, load_configs
from di_assets.assets.home import Home
from di_assets.cli.verbs import main
from di_assets.tables import TABLES, Warehouse
from tests.conftest import ROOT

GUIDE = sorted((ROOT / "docs").glob("*.md"))
PAGES = [ROOT / "README.md", *GUIDE, ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", ROOT / "deploy" / "README.md"]
TEXTS = {page.relative_to(ROOT).as_posix(): page.read_text() for page in PAGES}
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# Verbs that are only parsed, and why; whatever is not named here is run.
ONLY_PARSED = {
    "ui": "serves until it is interrupted",
    "webserver": "serves until it is interrupted",
    "demo": "serves until it is interrupted",
    "bill": "takes a provider's file",
    "home": "prints a folder for another program",
}
# Programs of others that pages name; each `di` and each `make` is looked at.
OTHERS = {".", "mkdir", "cp", "docker", "kubectl"}


VERBS = main.list_commands(click.Context(main))
STUDY = ("--configs", "my-study", "--warehouse", "my-warehouse")


def verb_of(name):
    """The command of a verb, loaded."""
    return main.resolve_command(click.Context(main), [name])[1]


def fences(text, *languages):
    return [body for language, body in FENCE.findall(text) if language in languages]


def commands(text):
    """The lines of a page's shell blocks, continued lines joined, comments off, each as its words.

    Where the environment names the study from some line on, `di` has it as options from there.
    """
    named = False
    for body in fences(text, "sh"):
        for line in body.replace("\\\n", " ").splitlines():
            words = shlex.split(line, comments=True)
            named = named or words[:2] == ["export", "DI_CONFIGS=my-study"]
            if words:
                yield ["di", *STUDY, *words[1:]] if named and words[0] == "di" else words


def files(text):
    """(name, content) of the YAML blocks whose first line names a file of a study."""
    for body in fences(text, "yaml"):
        named = re.match(r"# (my-study/\S+\.yaml)\n", body)
        assert named, f"the first line says which file this is: {body}"
        yield named[1], body


SHOWN = [(page, words) for page, text in TEXTS.items() for words in commands(text)]
# Each once, with the first page that shows it.
DI = {tuple(words[1:]): page for page, words in reversed(SHOWN) if words[0] == "di"}
FILES = [(page, name, body) for page, text in TEXTS.items() for name, body in files(text)]


def asks_a_model(verb, words, configs):
    """Whether the command needs a key, a model or a server that a test has not."""
    named = [configs.arms[word] for word in words if word in configs.arms]
    if verb == "run":
        return not named or any(not configs.only_scripted(arm) for arm in named)
    return (verb == "label" and "--model" in words) or (verb == "doctor" and "--no-calls" not in words)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with the project's configuration, its arms cut short, the demo's arms played and published."""
    from di_assets.control_room.runs import materialise_batches, materialise_report

    folder = tmp_path_factory.mktemp("docs")
    shutil.copytree(ROOT / "configs", folder / "configs")
    for path in (folder / "configs").glob("[0d]*.yaml"):
        path.write_text(re.sub(r"^episodes: \d+", "episodes: 2\nrounds: 5", path.read_text(), flags=re.MULTILINE))
    models = folder / "configs" / "models.yaml"
    mine = "models:\n  my-model: {provider: openai, id: x, price: {input: 1, output: 1}}"
    models.write_text(re.sub("^models:", mine, models.read_text(), count=1, flags=re.MULTILINE))
    (folder / "workspace.yaml").touch()
    home = Home(warehouse=Warehouse(folder / "warehouse"), configs=load_configs(folder / "configs"))
    arms = [arm for arm in home.configs.arms.values() if arm.name in {"demo_attack", "demo_nomsg"}]
    materialise_batches(home, [batch for arm in arms for batch in batches(arm)])
    materialise_report(home)
    return folder


@pytest.mark.parametrize("words", DI, ids=[f"{page}: di {shlex.join(words)}" for words, page in DI.items()])
def test_a_command_that_a_page_shows_runs_or_at_least_is_one(words, place, monkeypatch):
    monkeypatch.chdir(place)
    monkeypatch.setenv("DI_WAREHOUSE", "warehouse")
    monkeypatch.setenv("DI_CONFIGS", "configs")
    if words == ("--help",):
        assert CliRunner().invoke(main, list(words)).exit_code == 0
        return
    at = next(at for at, word in enumerate(words) if word in VERBS)
    own, verb, rest = words[:at], words[at], words[at + 1 :]
    group = main.make_context("di", list(words))  # an option of `di` that is none fails here
    verb_of(verb).make_context(verb, list(rest), parent=group)  # so does one of the verb, and a value that can't be
    if verb in ONLY_PARSED or own or asks_a_model(verb, rest, load_configs(place / "configs")):
        return
    if words == ("report",):
        return  # run below
    result = CliRunner().invoke(main, list(words), input="q")
    # What doctor and repair find is told by 1.
    assert result.exit_code in ({0, 1} if verb in {"doctor", "repair"} else {0}), result.output
    assert result.output


def test_the_study_of_readme_is_played_and_read_as_pages_say(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DI_WAREHOUSE", "nowhere")
    monkeypatch.setenv("DI_CONFIGS", "nowhere")
    assert ["cp", "-r", "configs/prompts", "my-study/"] in list(commands(TEXTS["README.md"]))
    (tmp_path / "my-study").mkdir()
    (tmp_path / "my-study" / "prompts").symlink_to(ROOT / "configs" / "prompts")
    for name, body in files(TEXTS["README.md"]):
        if name != "my-study/models.yaml":
            (tmp_path / name).write_text(body)
    played = ("run", "talk", "silence")
    # Of what is run again here only that; each takes as long.
    shown = {words[4:] for words in DI if words[:4] == STUDY and words[4] not in {*ONLY_PARSED, "doctor", "run"}}
    assert (*STUDY, *played) in DI
    assert {("report",), ("arms",), ("trace", "q1:promiser")} <= shown
    for words in [played, *sorted(shown)]:
        result = CliRunner().invoke(main, [*STUDY, *words])
        assert result.exit_code == 0, result.output
        if words == ("report",):
            assert "Talk buys promiser (scripted)" in result.output


@pytest.mark.parametrize("at", range(len(FILES)), ids=[f"{page}: {name}" for page, name, _ in FILES])
def test_a_file_of_a_study_that_a_page_shows_is_accepted(at, tmp_path):
    page, name, body = FILES[at]
    folder = tmp_path / "my-study"
    folder.mkdir()
    (folder / "prompts").symlink_to(ROOT / "configs" / "prompts")
    # Beside it what the page has shown of the two files that others name; what README shows where it has shown none.
    needed = ("my-study/models.yaml", "my-study/talk.yaml")
    readme = [one for one in FILES if one[0] == "README.md"]
    before = {
        other: text for shown, other, text in [*readme, *FILES[:at]] if shown in {"README.md", page} and other in needed
    }
    for other, text in {**before, name: body}.items():
        (tmp_path / other).write_text(text)
    found = load_configs(folder)
    assert Path(name).stem in {*found.arms, "models", "report", "play"}


def test_tables_of_keys_name_every_key_of_the_code():
    from di_assets.arms.arm import Arm
    from di_assets.arms.configs import PlaySettings
    from di_assets.arms.models import ModelConfig

    def keys(page):
        return {
            name
            for row in re.findall(r"^\| (`[^|]*) \|", TEXTS[page], re.MULTILINE)
            for name in re.findall(r"`(\w+)`", row)
        }

    assert set(Arm.model_fields) - {"name"} <= keys("docs/arms.md")
    assert set(PlaySettings.model_fields) <= keys("docs/arms.md")
    assert set(ModelConfig.model_fields) <= keys("docs/models.md")
    assert set(TABLES) <= keys("docs/warehouse.md")


def test_every_program_that_pages_name_is_known():
    for page, words in SHOWN:
        program = words[0]
        if program == "make":
            targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
            assert words[1] in targets, f"{page}: {words}"
        elif program == "export":
            assert all("=" in word for word in words[1:]), f"{page}: {words}"
        elif "/" in program:
            assert (ROOT / program).is_file(), f"{page}: {words}"
        else:
            assert program in {*OTHERS, "di"}, f"{page}: {words}"


def test_every_command_that_is_only_named_is_there_and_each_is_in_the_list():
    named = set()
    for text in TEXTS.values():
        named |= set(re.findall(r"`di (?:-[^\s`]+ (?:[A-Z][^\s`]* )?)*([a-z]+)", text))
    assert named <= set(VERBS)
    listed = re.findall(r"^\| `di ([a-z]+)", TEXTS["docs/commands.md"], re.MULTILINE)
    assert sorted(listed) == VERBS


def test_every_option_that_is_only_named_is_there():
    parameters = [one for command in [main, *map(verb_of, VERBS)] for one in command.params]
    known = {option for one in parameters for option in (*one.opts, *one.secondary_opts)}
    for page, text in TEXTS.items():
        if page.startswith(("docs/", "README")):
            shown = {
                word
                for span in re.findall(r"`([^`\n]+)`", text)
                for word in re.findall(r"(?<!\S)--[a-z][a-z-]+", span)
                if "bench" not in span
            }
            assert shown <= known | {"--help"}, page


def anchors(text):
    """The anchors of a page's headings, as GitHub and site builders make them."""
    heads = re.findall(r"^#+ (.+)$", FENCE.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).strip().replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", TEXTS)
def test_links_lead_to_files_and_headings(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", TEXTS[page]):
        assert not target.startswith("http"), f"{page} links out of the repository: {target}"
        file, _, anchor = target.partition("#")
        path = (ROOT / page).parent / file if file else ROOT / page
        assert path.exists(), target
        if anchor:
            assert anchor in anchors(path.read_text()), target


def test_every_page_of_the_guide_has_one_title_and_stands_in_its_index():
    index = TEXTS["docs/index.md"]
    for page in GUIDE:
        assert Counter(re.findall(r"^(#) ", FENCE.sub("", page.read_text()), re.MULTILINE)) == {"#": 1}
        assert page.name == "index.md" or f"]({page.name})" in index


def test_files_that_pages_name_are_there():
    ignored = (ROOT / ".gitignore").read_text().split()
    for page, text in TEXTS.items():
        if page == "CHANGELOG.md":
            continue
        for name in re.findall(r"`((?:di_assets|dashboard|tests|bench|configs|deploy|docs)/[\w./-]+)`", text):
            if "NAME" not in name and f"{name}/" not in ignored:
                assert (ROOT / name).exists(), f"{page}: {name}"
        for name in re.findall(r"python (?:-m )?bench[./](\w+)", text):
            assert (ROOT / "bench" / f"{name}.py").exists(), f"{page}: {name}"


def test_messages_of_troubleshooting_are_messages_of_the_program():
    trees = [ast.parse(path.read_text()) for path in (ROOT / "di_assets").rglob("*.py")]
    said = {
        node.value
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    rows = re.findall(r"^\| (`.+?`) \|", TEXTS["docs/troubleshooting.md"], re.MULTILINE)
    assert len(rows) > 30
    for message in (message for row in rows for message in re.findall(r"`([^`]+)`", row)):
        parts = [part.strip(" `':();") for part in message.split("...")]
        for part in filter(None, parts):
            assert any(part in text for text in said), f"{message}: {part}"


def test_the_first_page_stays_one_page():
    assert len(TEXTS["README.md"].splitlines()) <= 100
