"""Channels that treat the focal seat apart: who writes, what arrives, and what nobody is told."""

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from di_assets.game import FOCAL_CHANNELS, Reply, Rules, Setup, asked, edges, filler, observe, seat_labels, start, step
from tests.game.test_step import anything, messages, play


def setup_of(channel, *, focal=1, n=5, seed=1, **rules):
    rules = Rules(channel=channel, **{"n_rounds": 4, "max_message_chars": 40, **rules})
    return Setup(rules, edges("complete", n, seed=seed), seat_labels(n, seed=seed), seed, focal)


def chatty(o):
    return Reply(messages=tuple((p, f"{o.me} says pull me, {p}") for p in o.neighbours), pull=o.neighbours[0])


games = {"seed": st.integers(0, 10_000), "focal": st.integers(0, 4), "exchanges": st.integers(1, 2)}


@settings(max_examples=30)
@given(channel=st.sampled_from(["focal_muted", "rivals_muted"]), **games)
def test_whatever_a_muted_seat_replies_no_message_is_from_it(channel, seed, focal, exchanges):
    setup = setup_of(channel, focal=focal, seed=seed, exchanges=exchanges)
    state, _ = play(setup, anything(random.Random(seed)))
    senders = {m.sender for m in state.messages}
    assert senders <= ({0, 1, 2, 3, 4} - {focal} if channel == "focal_muted" else {focal})
    events = sorted(e.event_id for e in (*state.messages, *state.pulls))
    assert events == list(range(len(events)))


@settings(max_examples=30)
@given(**games)
def test_a_placebo_changes_the_focal_seats_words_on_arrival_and_nothing_else(seed, focal, exchanges):
    said = (
        play(
            setup_of(channel, focal=focal, seed=seed, exchanges=exchanges, max_message_chars=20),
            anything(random.Random(seed)),
        )
        for channel in ("placebo", "open")
    )
    (placebo, told), (talk, told_openly) = said
    assert placebo.pulls == talk.pulls
    for arrived, written in zip(placebo.messages, talk.messages, strict=True):
        assert len(arrived.text) == len(written.text)
        assert replace(arrived, text=written.text) == written
        assert (arrived.text == written.text) == (written.sender != focal)
    me = placebo.setup.labels[focal]
    assert [o for o in told if o.me == me] == [o for o in told_openly if o.me == me]


def test_what_arrives_in_a_placebo_is_filler_marked_where_the_original_was_cut():
    def long_and_short(o):
        return Reply(messages=((o.neighbours[0], "please pull me " * 9), (o.neighbours[1], "hi")), pull=o.neighbours[0])

    state, _ = play(setup_of("placebo", n_rounds=1), long_and_short)
    arrived = {(m.text, m.truncated) for m in state.messages if m.sender == 1}
    assert arrived == {(filler(39) + "…", True), ("Mm", False)}


def test_recipients_see_the_filler_and_the_focal_seat_its_own_words():
    setup = setup_of("placebo")
    state, seen = play(setup, chatty)
    me = setup.labels[1]
    heard = {m.text for o in seen if o.me != me for m in messages(o) if m.sender == me}
    own = {m.text for o in seen if o.me == me for m in messages(o) if m.sender == me}
    assert heard == {filler(len("A says pull me, B"))}
    assert own == {f"{me} says pull me, {other}" for other in setup.labels if other != me}
    assert {m.text for m in state.messages if m.sender == 1} == heard


@pytest.mark.parametrize(
    ("channel", "writers"),
    [
        ("open", {0, 1, 2, 3, 4}),
        ("none", set()),
        ("focal_muted", {0, 2, 3, 4}),
        ("rivals_muted", {1}),
        ("placebo", {0, 1, 2, 3, 4}),
    ],
)
def test_only_those_that_may_write_are_asked_for_messages_and_all_for_their_pull(channel, writers):
    state = start(setup_of(channel, n_rounds=2, exchanges=2))
    turns = set()
    while state.turn is not None:
        turns.add(state.turn.phase)
        assert set(asked(state)) == (writers if state.turn.phase == "message" else {0, 1, 2, 3, 4})
        assert {seat for seat in range(5) if observe(state, seat).seat.may_write} == writers
        state = step(state, {})
    assert turns == ({"pull"} if channel == "none" else {"message", "pull"})
    with pytest.raises(ValueError, match="over"):
        asked(state)


def test_a_muted_seat_still_receives():
    setup = setup_of("focal_muted")
    _, seen = play(setup, chatty)
    last = [o for o in seen if o.me == setup.labels[1]][-1]
    assert {m.sender for m in messages(last)} == set(setup.labels) - {last.me}


@pytest.mark.parametrize("channel", sorted(FOCAL_CHANNELS))
def test_nobody_is_told_that_another_is_muted_or_replaced(channel):
    setup = setup_of(channel)
    openly = setup_of("open")
    silent = [play(each, lambda o: Reply(pull=o.neighbours[0]))[1] for each in (setup, openly)]
    for apart, plain in zip(*silent, strict=True):
        assert apart._replace(seat=replace(apart.seat, may_write=True)) == plain


@pytest.mark.parametrize("channel", sorted(FOCAL_CHANNELS))
@pytest.mark.parametrize("focal", [None, 5])
def test_a_channel_that_treats_the_focal_seat_apart_needs_one(channel, focal):
    with pytest.raises(ValueError, match=f"'{channel}' needs a focal seat"):
        setup_of(channel, focal=focal)


@given(st.integers(0, 5_000))
def test_filler_has_the_length_asked_for_and_no_word_that_could_be_a_player(length):
    text = filler(length)
    assert len(text) == length
    assert text == filler.__wrapped__(length)
    assert all(len(word.strip(".")) != 1 for word in text.split())
