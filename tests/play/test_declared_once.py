"""A kind of graph, an agent, a dialect, a field of an arm: declared once, each is planned, played, stored and checked."""

import networkx as nx
import pytest
from click.testing import CliRunner

from di_assets.agents.scripted import POLICIES, Policy
from di_assets.arms import Arm, ConfigError, batches, load_configs, plan
from di_assets.assets.checks import control_mirrors_arm, planned_equals_played, sample_replays
from di_assets.assets.home import Home
from di_assets.cli.verbs import main
from di_assets.game import TOPOLOGIES, Reply
from di_assets.game.topology import Topology
from di_assets.play.batch import play_batch
from di_assets.play.verify import verify
from di_assets.providers import DIALECTS
from di_assets.providers.dialect import Dialect
from di_assets.providers.dialects.openai_chat import OpenAIProvider
from di_assets.tables import Warehouse
from tests.conftest import ROOT
from tests.play.hostility import KEY, hostile, hostile_configs

ARM = """title: T
id: new--{focal}_r{replicate}
focal: [alphabetical]
background: [alphabetical, loyal, random, promiser]
episodes: 6
rounds: 3
topology: {name: shuffled_ring, k: 2}
"""
CONTROL = "title: C\nid: control--{focal}_r{replicate}\nmirrors: new\nchannel: none\n"


class WiderArm(Arm):
    """An arm with a field more."""

    patience: int = 1


def first_in_the_alphabet(observation, *, word):
    return Reply(pull=min(observation.seat.near))


def shuffled_ring(n, *, seed, k):
    return nx.connected_watts_strogatz_graph(n, k, 1.0, seed=seed)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Configuration with an arm and its control, of a graph, an agent and a field that are declared here alone."""
    monkeypatch.setitem(TOPOLOGIES, "shuffled_ring", Topology("shuffled_ring", shuffled_ring))
    monkeypatch.setitem(POLICIES, "alphabetical", Policy("alphabetical", pull=first_in_the_alphabet))
    monkeypatch.setattr("di_assets.arms.configs.Arm", WiderArm)
    root = tmp_path / "configs"
    root.mkdir()
    (root / "prompts").symlink_to(ROOT / "configs" / "prompts")
    (root / "new.yaml").write_text(ARM + "patience: 4\n")
    (root / "control.yaml").write_text(CONTROL)
    return root


def test_they_are_planned_played_stored_and_checked(folder, tmp_path):
    configs = load_configs(folder)
    home = Home(warehouse=Warehouse(tmp_path / "w"), configs=configs)
    for name in ("new", "control"):
        assert configs.arm(name).patience == 4
        for batch in batches(configs.arm(name)):
            assert play_batch(configs, configs.arm(name), batch, home.warehouse).complete == 6
            for check in (planned_equals_played, control_mirrors_arm, sample_replays):
                assert check(home, batch) is None
    planned = {
        episode.episode_id: set(episode.setup.edges) for name in configs.arms for episode in plan(configs.arm(name))
    }
    edges = {key: set() for key in planned}
    for key, a, b in home.warehouse.read("edges").iter_rows():
        edges[key].add((a, b))
    assert edges == planned
    assert len({frozenset(found) for found in edges.values()}) > 1
    assert edges["new--alphabetical_r3"] == edges["control--alphabetical_r3"]
    assert set(home.warehouse.read("episodes")["condition"]) == {
        "shuffled_ring/pure/msg-on",
        "shuffled_ring/pure/msg-off",
    }
    assert "alphabetical" in set(home.warehouse.read("seats")["model"])
    assert {verdict.status for verdict in verify(configs, home.warehouse)} == {"ok"}


def test_the_command_line_knows_them_and_names_them_where_they_are_misspelt(folder, tmp_path):
    def di():
        return CliRunner().invoke(main, ["--configs", str(folder), "--warehouse", str(tmp_path / "w"), "arms"]).output

    assert "shuffled_ring/pure/msg-on" in di()
    for right, wrong in (
        ("alphabetical]", "alphabetcal]"),
        ("shuffled_ring", "shufled_ring"),
        ("patience", "patiense"),
    ):
        (folder / "new.yaml").write_text((ARM + "patience: 4\n").replace(right, wrong))
        assert f"did you mean '{right.strip(']')}'?" in di()


def test_an_agent_s_name_is_no_model_s(folder):
    (folder / "models.yaml").write_text(
        "models:\n  alphabetical: {provider: openai, id: x, price: {input: 1, output: 1}}\n"
    )
    with pytest.raises(ConfigError, match="this is the name of a scripted agent"):
        load_configs(folder)


class Parrot(OpenAIProvider):
    """The clients of a dialect that was added today."""

    sent = 0

    async def complete(self, request):
        """Counts what it sends."""
        type(self).sent += 1
        return await super().complete(request)


def test_a_dialect_is_one_declaration(tmp_path, monkeypatch):
    parrot = Dialect("parrot", Parrot, key_variable="PARROT_KEY", written_against_input=3.0)
    monkeypatch.setitem(DIALECTS, "parrot", parrot)
    monkeypatch.setenv("PARROT_KEY", KEY)
    monkeypatch.setenv("PLANTED_KEY", KEY)
    with hostile() as url:
        root = tmp_path / "configs"
        hostile_configs(root, url, episodes=2, rounds=1)
        models = (root / "models.yaml").read_text()
        (root / "models.yaml").write_text(models.replace("provider: openai", "provider: parrot"))
        configs = load_configs(root)
        warehouse = Warehouse(tmp_path / "w")
        model = next(one for one in configs.models.values() if one.provider == "parrot")
        assert model.price.written == 3 * model.price.input
        assert model.model_copy(update={"key": None}).endpoint("m").key_env == "PARROT_KEY"
        assert play_batch(configs, configs.arm("hard"), "hard--b00", warehouse).left == 0
    stored = warehouse.read("calls").filter(provider="parrot")
    assert stored.height == Parrot.sent > 0
    (root / "models.yaml").write_text(models.replace("provider: openai", "provider: parot"))
    with pytest.raises(ConfigError, match=r"provider: no dialect 'parot' \(did you mean 'parrot'\?\)"):
        load_configs(root)
