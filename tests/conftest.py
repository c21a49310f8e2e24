"""What tests share: the project's configuration, a small one of their own, and a demo warehouse played once a worker."""

from pathlib import Path

import pytest
from hypothesis import settings

from di_assets.arms import load_configs
from di_assets.assets.home import Home
from di_assets.tables import Warehouse

ROOT = Path(__file__).parent.parent
SHARED = ROOT.parent / "shared"

# Without a deadline: on a busy machine an example may take any time. The tests look for wrong results, not for slow ones.
settings.register_profile("project", deadline=None)
settings.load_profile("project")


def pytest_collection_modifyitems(items):
    """Files that hold slow tests go first: the last files to end are short, and no worker waits long for another."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture(scope="session")
def configs():
    return load_configs(ROOT / "configs")


@pytest.fixture(scope="session")
def small_configs(tmp_path_factory):
    """An arm with its control and a ring, of scripted agents: five rounds, two focal agents, three replicates."""
    folder = tmp_path_factory.mktemp("configs")
    write_small_configs(folder)
    return load_configs(folder)


def write_small_configs(folder: Path) -> None:
    cast = "focal: [promiser, con_artist]\nbackground: [gullible, tit_for_tat, bandwagon, rule_breaker]\nepisodes: 6\nrounds: 5\n"
    (folder / "talk.yaml").write_text("title: Talk\nid: talk--{focal}_r{replicate}\n" + cast)
    (folder / "mute.yaml").write_text("title: Mute\nid: mute--{focal}_r{replicate}\nmirrors: talk\nchannel: none\n")
    (folder / "loop.yaml").write_text(
        "title: Loop\nid: loop--{launch}--s{seed}\nlineup: [promiser, gullible, loyal, grudger, random]\n"
        "seeds: [1, 2]\ntopology: ring\nrounds: 5\nrelaunch: true\n"
    )
    (folder / "prompts").symlink_to(ROOT / "configs" / "prompts")


@pytest.fixture(scope="session")
def played(small_configs, tmp_path_factory):
    """A home whose talk and mute arms are played, measured and published through the asset graph."""
    from di_assets.arms import batches
    from di_assets.control_room.runs import materialise_batches, materialise_report

    home = Home(warehouse=Warehouse(tmp_path_factory.mktemp("warehouse")), configs=small_configs)
    materialise_batches(home, [b for arm in ("talk", "mute") for b in batches(small_configs.arm(arm))])
    materialise_report(home)
    return home


def bytes_of(warehouse, table):
    """The files of a table, each whole, by name; there is at least one."""
    files = warehouse.files(table)
    assert files
    return [(warehouse.root / file.name).read_bytes() for file in files]


@pytest.fixture(scope="session")
def spoken(tmp_path_factory):
    """Configuration and a warehouse of arms that a model played, one a way of telling and hearing."""
    from tests.report.spoken import play_spoken

    return play_spoken(tmp_path_factory.mktemp("spoken"))
