import subprocess
import sys

import pytest

from di_assets.game import edges


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
