"""The promise ledger: literal games in, literal rows out."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from di_assets.measures.intervals import t_interval
from di_assets.measures.promise_ledger import promise_ledger
from di_assets.measures.promise_shares import promise_shares
from di_assets.measures.promises import promises
from di_assets.tables import TABLES

ALL = ("episodes", "seats", "edges", "messages", "pulls", "message_labels")


def game(pulls, said, *, key="e", n=3, seed=1, models="xyz", channel="open", status="complete", labeller="lexical"):
    """One game: pulls as one string a round ("1.0": seat 0 pulls 1, seat 1 forfeits, seat 2 pulls 0; a seat's own
    number keeps the pull), promises as (round, sender, recipient); every message promises."""
    blank = {"TEXT": "x", pl.String(): "x", pl.Int64(): 0, pl.Float64(): 0.0, pl.Boolean(): True}
    row = {c.name: None if c.nullable else blank.get(c.dtype) for c in TABLES["episodes"].columns}
    row |= {"episode_id": key, "status": status, "n_seats": n, "n_rounds": len(pulls), "seed": seed}
    row |= {"condition": f"complete/pure/{channel}", "channel": channel}
    episodes = pl.DataFrame([row], schema=TABLES["episodes"].schema).with_columns(
        started_at=pl.datetime(2026, 1, 1, time_zone="UTC")
    )
    targets = [(t, i, None if c == "." else int(c)) for t, line in enumerate(pulls, 1) for i, c in enumerate(line)]
    frames = {
        "seats": [
            (key, i, "ABCDE"[i], models[i], "mixed", "scripted" if models[i] == "z" else "llm") for i in range(n)
        ],
        "edges": [(key, a, b) for a in range(n) for b in range(a + 1, n)],
        "messages": [(key, k, t, 1, i, j, "I will pull you", False) for k, (t, i, j) in enumerate(said)],
        "pulls": [
            (key, 1000 + k, t, i, j, "forfeit" if j is None else "kept" if j == i else "valid")
            for k, (t, i, j) in enumerate(targets)
        ],
        "message_labels": [(key, k, False, True, labeller, "1") for k in range(len(said))],
    }
    return {
        "episodes": TABLES["episodes"].conform(episodes),
        **{k: TABLES[k].frame(rows) for k, rows in frames.items()},
    }


def together(*games):
    return {name: pl.concat([one[name] for one in games]) for name in ALL}


def made(tables):
    return promises(*(tables[name] for name in ALL))


def ledger(tables):
    return promise_ledger(
        *(tables[name] for name in ("episodes", "seats", "message_labels")), promise_shares(made(tables))
    )


def test_a_promise_is_kept_broken_or_open():
    #        0 promises 1 in every round; 0 pulls 2, 2, 1, 2, 2, 2
    tables = game(["200", "200", "100", "200", "200", "200"], [(t, 0, 1) for t in range(1, 7)])
    found = made(tables)
    assert found.select("round", "last", "whole", "outcome", "repeats").rows() == [
        (1, 3, True, "kept", False),
        (2, 4, True, "kept", True),
        (3, 5, True, "kept", True),
        (4, 6, True, "broken", False),
        (5, 6, False, "open", True),
        (6, 6, False, "open", True),
    ]
    assert found["labeller"].unique().to_list() == ["lexical"]
    assert dict(found.schema) == TABLES["promises"].schema


def test_the_round_of_the_message_counts_and_so_do_the_two_after_it_but_no_more():
    kept = [made(game([*(["200"] * k), "100", *(["200"] * 4)], [(1, 0, 1)]))["outcome"][0] for k in range(4)]
    assert kept == ["kept", "kept", "kept", "broken"]


def test_only_a_pull_of_the_sender_for_the_recipient_keeps_it():
    assert made(game(["220", "002", "202"], [(1, 0, 1)]))["outcome"].to_list() == ["broken"]


def test_a_pull_kept_for_oneself_breaks_a_promise_and_forfeits_alone_show_nothing():
    outcomes = made(game([".00", "000", ".00"], [(1, 0, 1)])).select("outcome", "chance").rows()
    assert outcomes == [("broken", 0.0)]
    assert made(game([".00", ".00", ".00"], [(1, 0, 1)])).select("outcome", "chance").rows() == [("open", 0.0)]


def test_what_it_bought_is_what_the_recipient_pulled_and_it_is_owed_while_there_is_time_to_answer():
    #       seat 1 pulls seat 0 in the rounds that are "0" in the middle
    bought = {"2xx": (True, 1, True), "x2x": (True, 1, True), "xx2": (True, 1, False), "222": (True, 3, True), "xxx": (False, 0, False)}  # fmt: skip
    for pattern, expected in bought.items():
        rounds = [f"2{'0' if c == '2' else '2'}0" for c in pattern]
        found = made(game(rounds, [(1, 0, 1)])).select("recipient_pulled", "points", "owed").rows()
        assert found == [expected], pattern


def test_chance_is_one_in_all_neighbours_a_pull():
    two_pulls = made(game(["20000", ".0000", "20000"], [(1, 0, 1)], n=5, models="xyzxy"))
    assert two_pulls["chance"].to_list() == pytest.approx([1 - (3 / 4) ** 2])


def test_promises_to_different_recipients_do_not_repeat_each_other():
    said = [(1, 0, 1), (1, 0, 2), (2, 1, 0), (2, 0, 1)]
    assert made(game(["111"] * 4, said)).sort("event_id")["repeats"].to_list() == [False, False, False, True]


def test_a_promise_made_again_after_its_window_is_another():
    said = [(t, 0, 1) for t in range(1, 10)]
    again = made(game(["200"] * 9, said)).sort("round")["repeats"].to_list()
    assert again == [False, True, True, False, True, True, False, True, True]


def test_an_episode_that_a_labeller_labelled_in_part_is_not_judged_by_it():
    tables = game(["100"] * 4, [(1, 0, 1), (2, 1, 2)])
    part = tables["message_labels"].head(1).with_columns(labeller=pl.lit("anna"))
    whole = tables["message_labels"].with_columns(labeller=pl.lit("judge"))
    tables["message_labels"] = pl.concat([tables["message_labels"], part, whole])
    assert made(tables)["labeller"].unique().sort().to_list() == ["judge", "lexical"]
    assert ledger(tables)["labeller"].unique().sort().to_list() == ["judge", "lexical"]


def test_an_unfinished_episode_holds_no_promise():
    assert made(game(["100"] * 3, [(1, 0, 1)], status="failed")).height == 0


def test_the_ledger_counts_a_promise_once_and_its_messages_all():
    # x promises y in every round: kept in rounds 1-3 (a point back, in the last of them), broken in 4-6 (two points).
    tables = game(["120", "220", "200", "200", "200", "220"], [(t, 0, 1) for t in range(1, 7)])
    rows = {row["model"]: row for row in ledger(tables).iter_rows(named=True)}
    x = rows["x"]
    counts = ("n_episodes", "messages", "made", "kept", "broken", "open", "owed", "owed_kept")
    assert [x[name] for name in counts] == [1, 6, 2, 1, 1, 0, 1, 0]
    assert (x["points_kept"], x["points_broken"], x["points_a_kept"], x["points_a_broken"]) == (1, 2, 1.0, 2.0)
    assert (x["kept_share"], x["owed_kept_share"], x["chance_share"]) == (0.5, 0.0, 1 - 0.5**3)
    assert (x["ci_low"], x["ci_high"], x["ci_method"]) == (None, None, "one episode")


def test_a_model_that_promised_nothing_has_a_row_of_zeros_and_no_share():
    rows = {row["model"]: row for row in ledger(game(["100"] * 3, [(1, 0, 1)])).iter_rows(named=True)}
    assert set(rows) == {"x", "y", "z"}
    assert [rows[m]["scripted"] for m in "xyz"] == [False, False, True]
    z = rows["z"]
    assert (z["messages"], z["made"], z["points_kept"], z["n"]) == (0, 0, 0, 0)
    assert (z["kept_share"], z["points_a_kept"]) == (None, None)
    assert z["ci_method"] == "no promise with an outcome"


def test_where_nobody_can_write_nobody_stands_in_the_ledger():
    assert ledger(game(["100"] * 3, [], channel="none")).height == 0
    assert ledger(game(["100"] * 3, [])).height == 3


def test_a_promise_at_the_end_of_the_game_counts_but_has_no_share():
    row = ledger(game(["200", "200", "200", "100"], [(1, 0, 1), (4, 0, 1)])).row(0, named=True)
    assert (row["made"], row["kept"], row["broken"]) == (2, 1, 1)
    assert row["kept_share"] == 0.0  # the kept one was made in the last round


def test_the_interval_is_over_seeds_and_relaunches_of_a_seed_are_one():
    always, never, half = ["100"] * 3, ["200"] * 3, ["200"] * 3
    one = [(1, 0, 1)]
    games = [
        game(always, one, key="a", seed=1),
        game(never, one, key="b", seed=1),
        game(always, one, key="c", seed=2),
        game(half, one, key="d", seed=3),
    ]
    row = ledger(together(*games)).row(0, named=True)
    interval = t_interval([0.5, 1.0, 0.0])
    assert (row["n_episodes"], row["n"], row["kept_share"]) == (4, 3, 0.5)
    assert (row["ci_low"], row["ci_high"], row["ci_method"]) == (interval.low, interval.high, "t")
    assert ledger(together(*reversed(games))).equals(ledger(together(*games)))


@st.composite
def games(draw):
    n, rounds = draw(st.integers(2, 4)), draw(st.integers(1, 7))
    seat = st.sampled_from([*"0123"[:n], "."])
    pulls = draw(st.lists(st.text(seat, min_size=n, max_size=n), min_size=rounds, max_size=rounds))
    pairs = [(t, i, j) for t in range(1, rounds + 1) for i in range(n) for j in range(n) if i != j]
    said = sorted(draw(st.sets(st.sampled_from(pairs), max_size=12)))
    return pulls, said, n


@settings(max_examples=60)
@given(games())
def test_every_promise_is_judged_as_plain_loops_judge_it(drawn):
    pulls, said, n = drawn
    found = made(game(pulls, said, n=n, models="xyzx")).sort("event_id").iter_rows(named=True)
    target = {(t, i): c for t, line in enumerate(pulls, 1) for i, c in enumerate(line)}
    until = {}
    for (t, i, j), row in zip(said, found, strict=True):
        rounds = [u for u in range(t, t + 3) if u <= len(pulls)]
        kept = any(target[u, i] == str(j) for u in rounds)
        spent = any(target[u, i] != "." for u in rounds)
        back = [u for u in rounds if target[u, j] == str(i)]
        outcome = "kept" if kept else "broken" if spent and len(rounds) == 3 else "open"
        assert (row["outcome"], row["points"], row["owed"]) == (outcome, len(back), any(u < rounds[-1] for u in back))
        assert row["repeats"] == (until.get((i, j), 0) >= t)
        if not row["repeats"]:
            until[i, j] = t + 2


def test_the_promises_of_an_episode_are_added_up_with_the_events_that_tell_most():
    #        0 promises 1 in every round, and pulls it in round 3 alone; 1 pulls 0 in rounds 4 and 5
    tables = game(["220", "220", "120", "200", "200", "220", "220"], [(t, 0, 1) for t in range(1, 8)])
    found = made(tables)
    decided = found.filter(~pl.col("repeats") & pl.col("whole") & (pl.col("outcome") != "open"))
    assert decided.select("round", "outcome", "points").rows() == [(1, "kept", 0), (4, "broken", 2)]
    [row] = promise_shares(found).rows(named=True)
    assert (row["messages"], row["made"], row["kept"], row["broken"], row["n"]) == (7, 3, 1, 1, 2)
    assert (row["kept_share"], row["points_a_kept"], row["points_a_broken"]) == (0.5, 0, 2)
    kept, broken = decided["event_id"]
    assert (row["first_event"], row["best_kept_event"], row["best_broken_event"]) == (broken, kept, broken)
    assert (row["best_kept"], row["best_broken"]) == (0, 2)


def test_an_episode_without_a_decided_promise_has_counts_and_no_shares():
    [row] = promise_shares(made(game(["200"], [(1, 0, 1)]))).rows(named=True)
    assert (row["made"], row["open"], row["n"]) == (1, 1, 0)
    assert [row[name] for name in ("kept_share", "points_a_kept", "first_event", "best_kept_event")] == [None] * 4
