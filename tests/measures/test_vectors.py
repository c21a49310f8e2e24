"""Episodes with the measures they must give: the shared vectors where they are, and the worked example always."""

import json
import string

import polars as pl
import pytest

from di_assets.measures.capture import pair_capture
from di_assets.measures.episode import episode_measures
from di_assets.measures.kinds import pull_kinds
from di_assets.measures.seats import seat_measures
from di_assets.tables import TABLES
from tests.conftest import SHARED

EXAMPLE = {
    "name": "worked example",
    "n_seats": 3,
    "n_rounds": 3,
    "edges": [[0, 1], [0, 2], [1, 2]],
    "pulls": [
        {"round": t, "puller": i, "target": j}
        for t, targets in enumerate([(1, 0, 0), (1, 0, 1), (2, 0, 0)], start=1)
        for i, j in enumerate(targets)
    ],
    "asks": [],
    "expected": {
        "points": [5, 3, 1],
        "gini": 16 / 54,
        "cascades": 3,
        "payback_rate": 4 / 9,
        "solicited_not_payback_rate": 0.0,
        "capture": [0.125, -1 / 24, -1 / 12],
        "floor_points": [3.5, 3.5, 2.0],
        "net_capture": {"0>1": 1 / 6, "0>2": 1 / 12, "1>2": 1 / 12, "1>0": -1 / 6, "2>0": -1 / 12, "2>1": -1 / 12},
    },
}
# Worked by hand: a path 0-1-2, two rounds, `outside` payoff. Round 1: 0->1, 1->2, 2 keeps its pull. Round 2: 0 forfeits,
# 1->0 (0 pulled it: a payback), 2->1 (1 pulled it: a payback). 1 asked 0 in round 1: that pull is solicited.
KEPT = {
    "name": "kept and forfeit",
    "n_seats": 3,
    "n_rounds": 2,
    "edges": [[0, 1], [1, 2]],
    "pulls": [
        {"round": t, "puller": i, "target": j}
        for t, targets in enumerate([(1, 2, 2), (None, 0, 1)], start=1)
        for i, j in enumerate(targets)
    ],
    "asks": [{"round": 1, "sender": 1, "recipient": 0}],
    "expected": {
        "points": [1, 2, 1],
        "gini": 4 / 24,
        # Seat 1 would need both its neighbours at once, the ends can't have two.
        "cascades": 0,
        "payback_rate": 2 / 4,
        "solicited_not_payback_rate": 1 / 4,
        # Round 1: 0->1 is certain, 1 is open (1/2 each). Round 2: 1 was pulled by 0 alone, 2 by 1 alone.
        "floor_points": [1.5, 2.0, 0.5],
        "capture": [-1 / 16, 0.0, 1 / 16],
        "net_capture": {"0>1": -1 / 8, "0>2": 0.0, "1>2": -1 / 8, "1>0": 1 / 8, "2>0": 0.0, "2>1": 1 / 8},
    },
}
OWN = [EXAMPLE, KEPT]
VECTORS = [*OWN, *(json.loads(p.read_text()) for p in sorted((SHARED / "vectors").glob("*.json")))]


def frames_of(vector, **more):
    """A vector as the contract's tables, and the measures made of them."""
    return measured(tables_of(vector, **more))


def tables_of(vector, *, episode_id="e", focal_seat=0, status="complete"):
    """A vector as the contract's tables."""
    n, rounds = vector["n_seats"], vector["n_rounds"]
    defaults = {pl.String(): "x", pl.Int64(): 0, pl.Boolean(): True, pl.Float64(): 0.0}
    row = {c.name: None if c.nullable else defaults.get(c.dtype) for c in TABLES["episodes"].columns}
    row |= {
        "episode_id": episode_id,
        "status": status,
        "n_seats": n,
        "n_rounds": rounds,
        "focal_model": "m",
        "focal_seat": focal_seat,
    }
    row |= {"condition": "complete/pure/msg-on", "arm": "a"}
    episodes = pl.DataFrame([row], schema={**TABLES["episodes"].schema}).with_columns(
        started_at=pl.datetime(2026, 1, 1, time_zone="UTC")
    )
    seats = TABLES["seats"].frame(
        [
            (episode_id, s, string.ascii_uppercase[s], "m", "focal" if s == focal_seat else "background", "scripted")
            for s in range(n)
        ]
    )
    edges = TABLES["edges"].frame([(episode_id, a, b) for a, b in vector["edges"]])
    asks = list(enumerate(vector["asks"]))
    messages = TABLES["messages"].frame(
        [(episode_id, k, a["round"], 1, a["sender"], a["recipient"], "pull me", False) for k, a in asks]
    )
    labels = TABLES["message_labels"].frame([(episode_id, k, True, False, "lexical", "1") for k, _ in asks])
    pulls = TABLES["pulls"].frame(
        [
            (
                episode_id,
                len(asks) + k,
                p["round"],
                p["puller"],
                p["target"],
                {None: "forfeit", p["puller"]: "kept"}.get(p["target"], "valid"),
            )
            for k, p in enumerate(vector["pulls"])
        ]
    )
    return {
        "episodes": episodes,
        "seats": seats,
        "edges": edges,
        "messages": messages,
        "labels": labels,
        "pulls": pulls,
    }


def together(*episodes):
    """The tables of several episodes as one set."""
    return {name: pl.concat([tables[name] for tables in episodes]) for name in episodes[0]}


def measured(tables):
    episodes, seats, edges, pulls = (tables[name] for name in ("episodes", "seats", "edges", "pulls"))
    kinds = pull_kinds(episodes, edges, tables["messages"], pulls, tables["labels"])
    pairs = pair_capture(episodes, edges, pulls)
    by_seat = seat_measures(episodes, seats, edges, pulls)
    whole = episode_measures(episodes, edges, tables["messages"], pulls, tables["labels"])
    return {"pulls": pulls, "kinds": kinds, "pairs": pairs, "seats": by_seat, "whole": whole}


def test_the_shared_vectors_are_read_where_they_are():
    if not SHARED.exists():
        pytest.skip("no shared/ beside this checkout: only our own vectors were tested")
    assert {v["name"] for v in VECTORS} >= {"complete-1", "complete-2", "four-seats", "ring-1", "ring-2"}


@pytest.mark.parametrize("vector", VECTORS, ids=lambda v: v["name"])
def test_a_vector_gives_its_measures(vector):
    made, expected = frames_of(vector), vector["expected"]
    close = {"abs": 1e-12, "rel": 0}
    assert made["seats"]["points"].to_list() == expected["points"]
    assert made["seats"]["capture"].to_list() == pytest.approx(expected["capture"], **close)
    assert made["seats"]["floor_points"].to_list() == pytest.approx(expected["floor_points"], **close)
    whole = made["whole"].row(0, named=True)
    for name in ("gini", "cascades", "payback_rate", "solicited_not_payback_rate"):
        assert whole[name] == pytest.approx(expected[name], **close)
    assert whole["n_forfeits"] == sum(p["target"] is None for p in vector["pulls"])
    assert whole["focal_points"] == expected["points"][0]
    net = {f"{r['seat']}>{r['other']}": r["net_capture"] for r in made["pairs"].iter_rows(named=True)}
    assert net == pytest.approx(expected["net_capture"], **close)
    if "pull_kinds" in expected:
        joined = (
            made["kinds"].join(made["pulls"], on=["episode_id", "event_id"]).select("round", "puller", "target", "kind")
        )
        assert joined.sort("round", "puller").to_dicts() == sorted(
            expected["pull_kinds"], key=lambda k: (k["round"], k["puller"])
        )
