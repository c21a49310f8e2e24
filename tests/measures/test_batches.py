"""Many episodes at once: each is measured as if alone, and only complete ones are."""

import polars as pl
import pytest

from di_assets.measures import dense
from di_assets.measures.kinds import pull_kinds
from di_assets.measures.labels import message_labels
from di_assets.tables import TABLES
from tests.measures.test_invariants import random_vector
from tests.measures.test_vectors import EXAMPLE, measured, tables_of, together

MEASURES = ("kinds", "pairs", "seats", "whole")


def batch():
    vectors = [random_vector(k, topology) for k, topology in enumerate(["complete", "ring", "star", "complete"])]
    vectors += [random_vector(9, rounds=4), random_vector(8, n=4), EXAMPLE]
    return [tables_of(vector, episode_id=f"e{k}") for k, vector in enumerate(vectors)]


@pytest.mark.parametrize("cells", [1, 500, 10**6])
def test_an_episode_is_measured_in_a_batch_as_it_is_alone(monkeypatch, cells):
    monkeypatch.setattr(dense, "MOST_CELLS", cells)
    episodes = batch()
    alone = [measured(tables) for tables in episodes]
    at_once = measured(together(*reversed(episodes)))
    for name in MEASURES:
        assert at_once[name].equals(pl.concat([made[name] for made in alone]))


def test_only_complete_episodes_are_measured():
    whole, broken = tables_of(EXAMPLE, episode_id="a"), tables_of(EXAMPLE, episode_id="b", status="failed")
    broken["pulls"] = broken["pulls"].head(4)
    made = measured(together(whole, broken))
    for name in MEASURES:
        assert made[name]["episode_id"].unique().to_list() == ["a"]


def test_nothing_played_is_nothing_measured():
    tables = {name: frame.clear() for name, frame in tables_of(EXAMPLE).items()}
    made = measured(tables)
    assert [made[name].height for name in MEASURES] == [0, 0, 0, 0]


def test_a_shorter_payback_window_forgets_sooner():
    tables = tables_of({**EXAMPLE, "asks": [{"round": 1, "sender": 2, "recipient": 0}]})
    names = ("episodes", "edges", "messages", "pulls", "labels")

    def kind_of_last_pull(window):
        kinds = pull_kinds(*(tables[name] for name in names), payback_window=window)
        last = tables["pulls"].filter((pl.col("round") == 3) & (pl.col("puller") == 0))["event_id"][0]
        return kinds.filter(pl.col("event_id") == last)["kind"][0]

    # Seat 2 pulled seat 0 in round 1 and asked it then; seat 0 pulls seat 2 in round 3.
    assert [kind_of_last_pull(window) for window in (1, 2)] == ["unprompted", "payback"]


def test_another_labellers_word_is_not_heard_unless_named():
    tables = tables_of({**EXAMPLE, "asks": [{"round": 1, "sender": 1, "recipient": 0}]})
    judged = tables["labels"].with_columns(labeller=pl.lit("judge"))
    names = ("episodes", "edges", "messages", "pulls")

    def solicited(**more):
        kinds = pull_kinds(*(tables[name] for name in names), judged, **more)
        return int((kinds["kind"] == "solicited").sum())

    assert (solicited(), solicited(labeller="judge")) == (0, 1)


def test_every_message_is_labelled_once_by_the_lexical_rule():
    texts = ["Pull me and I will pull you.", "Nice weather.", "Pull me and I will pull you."]
    messages = TABLES["messages"].frame([("e", k, 1, 1, 0, 1, text, False) for k, text in enumerate(texts)])
    labels = message_labels(messages)
    assert labels.select("event_id", "asks_for_pull", "promises_pull").rows() == [
        (0, True, True),
        (1, False, False),
        (2, True, True),
    ]
    assert labels.select("labeller", "version").unique().rows() == [("lexical", "1")]
    assert message_labels(messages.clear()).height == 0
