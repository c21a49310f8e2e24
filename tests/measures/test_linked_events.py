"""The events that the report links to, and the pulls between models, of three small episodes worked by hand."""

import polars as pl

from di_assets.measures.linked_events import linked_events
from di_assets.measures.pulls_between import pulls_between

# Round 1: 0 pulls 2, the others pull 0. Round 2: 0 pays 1 back, 1 forfeits, 2 pulls 1, which asked for it; in round 1, 0 had asked 1.
TWO_ROUNDS = [(2, 1, 0, 2), (3, 1, 1, 0), (4, 1, 2, 0), (6, 2, 0, 1), (7, 2, 1, None), (8, 2, 2, 1)]
# 0 gets two pulls in round 1, the first crowd; 2 gets most in all.
CROWDS = [(0, 1, 0, 2), (1, 1, 1, 0), (2, 1, 2, 0), (3, 2, 0, 2), (4, 2, 1, 2), (5, 2, 2, 1)]
# event, round, sender, recipient, asks for a pull
MESSAGES = [(0, 1, 0, 1, True), (1, 1, 1, 2, False), (5, 2, 1, 2, True)]
EVENTS = {"a": TWO_ROUNDS, "b": TWO_ROUNDS, "c": CROWDS}
EPISODES = pl.DataFrame(
    {"episode_id": ["a", "b", "c", "d"], "focal_seat": [1, None, None, 0], "n_seats": 3, "n_rounds": 2,
     "status": ["complete", "complete", "complete", "failed"]}
)  # fmt: skip
EDGES = pl.DataFrame([(key, *edge) for key in "abcd" for edge in ((0, 1), (0, 2), (1, 2))], schema=("episode_id", "seat_a", "seat_b"), orient="row")  # fmt: skip
PULLS = pl.DataFrame([(key, *pull) for key, pulls in EVENTS.items() for pull in pulls], schema=("episode_id", "event_id", "round", "puller", "target"), orient="row")  # fmt: skip
SAID = pl.DataFrame([(key, *one) for key in "ab" for one in MESSAGES], schema=("episode_id", "event_id", "round", "sender", "recipient", "asks_for_pull"), orient="row")  # fmt: skip
LABELS = SAID.select("episode_id", "event_id", "asks_for_pull", labeller=pl.lit("lexical"))


def test_a_link_goes_to_the_first_event_of_its_kind_and_nowhere_if_there_is_none():
    found = linked_events(EPISODES, EDGES, SAID.drop("asks_for_pull"), PULLS, LABELS)
    kinds = ("focal_message", "focal_pull", "crowd_pull", "leader_pull", "payback_pull", "solicited_pull", "asking_message")  # fmt: skip
    assert [tuple(row) for row in found.select("episode_id", *kinds).iter_rows()] == [
        ("a", 1, 6, 3, 3, 6, 3, 5),
        ("b", None, None, 3, 3, 6, 3, 0),
        ("c", None, None, 1, 0, 3, None, None),
    ]


def test_pulls_between_models_are_added_up_over_their_seats():
    models = {"a": ("x", "m", "x"), "c": ("x", "y", "z")}
    seats = pl.DataFrame(
        [(key, seat, model) for key, names in models.items() for seat, model in enumerate(names)],
        schema=("episode_id", "seat", "model"),
        orient="row",
    )
    chosen = pl.col("episode_id").is_in(list(models))
    found = pulls_between(EPISODES.filter(chosen), seats, EDGES.filter(chosen), PULLS.filter(chosen))
    assert [tuple(row) for row in found.iter_rows()] == [
        ("a", "m", "x", 2, 1, 3),
        ("a", "x", "m", 2, 2, 6),
        ("a", "x", "x", 2, 2, 2),
        ("c", "x", "y", 1, 0, None),
        ("c", "x", "z", 1, 2, 0),
        ("c", "y", "x", 1, 1, 1),
        ("c", "y", "z", 1, 1, 4),
        ("c", "z", "x", 1, 1, 2),
        ("c", "z", "y", 1, 1, 5),
    ]


def test_without_complete_episodes_nothing_is_linked():
    none = EPISODES.filter(status="failed")
    assert linked_events(none, EDGES, SAID, PULLS, LABELS).is_empty()
    seats = pl.DataFrame({"episode_id": ["d"], "seat": [0], "model": ["x"]})
    assert pulls_between(none, seats, EDGES, PULLS).is_empty()
