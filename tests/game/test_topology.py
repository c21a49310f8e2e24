import subprocess
import sys

import networkx as nx
import pytest

from di_assets.game import TOPOLOGIES, edges
from di_assets.game.topology import Topology


@pytest.mark.parametrize(
    ("name", "params", "expected"),
    [
        ("complete", {}, ((0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3))),
        ("ring", {}, ((0, 1), (0, 3), (1, 2), (2, 3))),
        ("star", {}, ((0, 1), (0, 2), (0, 3))),
        ("star", {"center": 2}, ((0, 2), (1, 2), (2, 3))),
        ("edge_list", {"edges": [[3, 0], [1, 0], [2, 1]]}, ((0, 1), (0, 3), (1, 2))),
    ],
)
def test_a_topology_has_its_edges(name, params, expected):
    assert edges(name, 4, seed=1, params=params) == expected


def test_a_small_world_is_drawn_from_the_seed():
    drawn = [edges("watts_strogatz", 8, seed=s, params={"k": 4, "p": 0.5}) for s in range(5)]
    assert len(set(drawn)) > 1
    assert drawn[2] == edges("watts_strogatz", 8, seed=2, params={"k": 4, "p": 0.5})


def pairs_drawn(n, *, seed):
    return nx.connected_watts_strogatz_graph(n, 2, 0.9, seed=seed)


def test_a_random_graph_takes_the_seed_and_so_needs_no_second_entry(monkeypatch):
    monkeypatch.setitem(TOPOLOGIES, "pairs", Topology("pairs", pairs_drawn))
    assert TOPOLOGIES["pairs"].drawn
    drawn = [edges("pairs", 8, seed=seed) for seed in range(5)]
    assert len(set(drawn)) > 1
    assert drawn == [edges("pairs", 8, seed=seed) for seed in range(5)]


def test_a_random_graph_that_does_not_take_the_seed_is_refused(monkeypatch):
    def loose(n):
        return nx.connected_watts_strogatz_graph(n, 2, 0.9)

    monkeypatch.setitem(TOPOLOGIES, "loose", Topology("loose", loose))
    with pytest.raises(ValueError, match="loose: it differs each time"):
        edges("loose", 20, seed=1)


def test_a_topology_is_found_by_the_name_that_it_has():
    assert {name: topology.name for name, topology in TOPOLOGIES.items()} == {name: name for name in TOPOLOGIES}
    assert not any(TOPOLOGIES[name].drawn for name in ("complete", "ring", "star", "edge_list"))


@pytest.mark.parametrize(
    ("name", "params", "message"),
    [
        ("wheel", {}, "no topology 'wheel'"),
        ("ring", {"k": 1}, "k"),
        ("edge_list", {"edges": [[0, 1]]}, "reach"),
        ("edge_list", {"edges": [[0, 0], [0, 1], [1, 2], [2, 3]]}, "itself"),
        ("edge_list", {"edges": [[0, 1], [1, 2], [2, 3], [3, 9]]}, "expected 0..3"),
    ],
)
def test_what_is_no_graph_over_the_seats_is_refused(name, params, message):
    with pytest.raises(ValueError, match=message):
        edges(name, 4, seed=1, params=params)


def test_importing_the_game_loads_neither_dagster_nor_polars():
    code = "import sys, di_assets.game; print(sorted({'dagster', 'polars', 'numpy', 'streamlit'} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    assert found == "[]"
