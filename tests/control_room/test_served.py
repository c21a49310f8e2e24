"""The control room as people have it: `di ui` on a fresh warehouse, and what they do there over GraphQL."""

import psutil
import pytest

from di_assets.arms import batches, load_configs
from di_assets.assets.freshness import published
from di_assets.tables import Warehouse
from tests.conftest import ROOT, write_small_configs
from tests.control_room.served import BACKFILLS_ENDED, ENDED, control_room, wait_for

pytestmark = pytest.mark.slow
# Arm -> its episodes.
ARMS = {"talk": 12, "mute": 12}
NIGHTS = (
    "title: Nights\nid: n--{focal}_r{replicate}\nfocal: [promiser]\nbackground: [gullible, loyal, grudger, random]\nepisodes: 4\nrounds: 5\n"
    "nightly: {cron: '0 2 * * *', episodes: 2, budget_usd: 1}\n"
)


def checks(assets):
    """(asset, check) -> how it stands for the latest materialisation; None where it was never run."""
    return {
        (name, check["name"]): (check["executionForLatestMaterialization"] or {}).get("status")
        for name, asset in assets.items()
        for check in asset["assetChecksOrError"].get("checks", [])
    }


def test_arms_are_materialised_from_the_page_and_their_checks_and_freshness_are_evaluated(tmp_path):
    folder, warehouse = tmp_path / "configs", tmp_path / "w"
    folder.mkdir()
    write_small_configs(folder)
    (folder / "nights.yaml").write_text(NIGHTS)
    configs = load_configs(folder)
    partitions = [batch for arm in ARMS for batch in batches(configs.arm(arm))]
    with control_room(warehouse, folder) as room:
        assets = room.assets()
        by_batch = [name for name, asset in assets.items() if asset["partitionStats"]]
        over_all = sorted(set(assets) - set(by_batch))
        assert {assets[name]["isStale"] for name in over_all} == {"MISSING"}

        backfill = room.backfill(by_batch, partitions)
        wait_for(lambda: room.status_of_backfill(backfill) in BACKFILLS_ENDED, 240)
        assert room.status_of_backfill(backfill) == "COMPLETED_SUCCESS"
        run = room.launch(over_all)
        wait_for(lambda: room.runs()[run][0] in ENDED, 120)
        assert room.runs()[run][0] == "SUCCESS"

        played = [tags for _, tags in room.runs().values() if "batch" in tags]
        assert {tags["players"] for tags in played} == {"scripted"}
        assert sum(int(tags["episodes"]) for tags in played) == sum(ARMS.values())
        assert {tags["cost_usd"] for tags in played} == {"0.0000"}

        fresh = wait_for(lambda: settled(room), 60)
        for name in by_batch:
            assert fresh[name]["partitionStats"]["numMaterialized"] == len(partitions), name
        assert {fresh[name]["isStale"] for name in over_all} == {"FRESH"}
        found = checks(fresh)
        # The arm with nights was never played here, and is not late: its schedule is off.
        assert {key for key, status in found.items() if status != "SUCCEEDED"} == set()
        assert ("episodes", "nights_is_fresh") in found
        assert len(found) > len(published()) + 10
    played = Warehouse(warehouse)
    assert dict(played.read("episodes").group_by("arm").len().iter_rows()) == ARMS
    assert played.read("lift").height == 2
    assert played.read_report("q1.svg")


def settled(room):
    """What the graph shows, once the check of every published table has been made."""
    assets = room.assets()
    made = {asset for (asset, _), status in checks(assets).items() if status}
    return assets if made >= set(published()) else None


def test_what_it_started_ends_with_it(tmp_path):
    with control_room(tmp_path, ROOT / "configs") as room:
        started = psutil.Process(room.process.pid).children(recursive=True)
        names = " ".join(argument for one in started for argument in one.cmdline())
        assert "dagster-daemon" in names
        assert "di_assets.cli webserver" in names
        assert "streamlit" in names
        assert "code-server start" in names
        # Two ports, both of loopback; all else is files.
        open_ports = {
            (c.laddr.ip, c.laddr.port) for one in started for c in one.net_connections("inet") if c.status == "LISTEN"
        }
        assert open_ports == {("127.0.0.1", room.port), ("127.0.0.1", room.dagster_port)}
    assert room.process.returncode == 0
    assert not psutil.wait_procs(started, timeout=10)[1]
