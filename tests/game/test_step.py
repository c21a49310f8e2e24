import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from di_assets.game import Reply, Rules, Setup, edges, observe, points, seat_labels, seating, start, step


def setup_of(topology="complete", n=5, seed=1, **rules):
    return Setup(Rules(**rules), edges(topology, n, seed=seed), seat_labels(n, seed=seed), seed)


def play(setup, choose):
    state, seen = start(setup), []
    while state.turn is not None:
        observations = [observe(state, seat) for seat in range(len(setup.labels))]
        seen += observations
        state = step(state, {seat: choose(o) for seat, o in enumerate(observations)})
    return state, seen


def messages(o):
    return [message for exchange in o.exchanges for message in exchange]


def anything(rng):
    """Valid and invalid replies alike."""

    def choose(o):
        if rng.random() < 0.2:
            return Reply(invalid="broken", kind="unreadable", pull=o.neighbours[0])
        if o.turn.phase == "message":
            return Reply(messages=tuple((p, f"{o.turn.round} to {p}" * rng.randint(1, 9)) for p in o.players))
        return Reply(pull=rng.choice(o.players))

    return choose


@settings(max_examples=40)
@given(
    st.integers(0, 10_000),
    st.sampled_from(["complete", "ring", "star"]),
    st.sampled_from(["open", "none"]),
    st.sampled_from([None, 0.5]),
    st.integers(1, 2),
)
def test_whatever_is_replied_the_rules_hold(seed, topology, channel, outside, exchanges):
    setup = setup_of(
        topology, seed=seed, n_rounds=4, channel=channel, outside=outside, exchanges=exchanges, max_message_chars=20
    )
    state, _ = play(setup, anything(random.Random(seed)))
    near = {(a, b) for a, b in setup.edges} | {(b, a) for a, b in setup.edges}
    events = sorted([*state.messages, *state.pulls], key=lambda e: e.event_id)
    assert [e.event_id for e in events] == list(range(len(events)))
    assert len(state.pulls) == 4 * 5
    assert all((m.sender, m.recipient) in near and len(m.text) <= 20 for m in state.messages)
    for pull in state.pulls:
        assert (pull.status == "valid") == ((pull.puller, pull.target) in near)
        assert (pull.status == "forfeit") == (pull.target is None)
        assert (pull.status == "kept") == (pull.target == pull.puller)
        assert pull.status != "kept" or outside is not None
    kept = sum(p.status == "kept" for p in state.pulls)
    assert sum(points(state)) == sum(p.status == "valid" for p in state.pulls) + kept * (outside or 0)
    assert channel == "open" or not state.messages


def test_events_are_numbered_by_round_phase_exchange_seat_recipient():
    state, _ = play(
        setup_of(n_rounds=2, exchanges=2),
        lambda o: Reply(messages=tuple((p, "hi") for p in reversed(o.neighbours)), pull=o.neighbours[0]),
    )
    keys = {m.event_id: (m.round, 0, m.exchange, m.sender, m.recipient) for m in state.messages}
    keys |= {p.event_id: (p.round, 1, 0, p.puller, 0) for p in state.pulls}
    assert [keys[i] for i in range(len(keys))] == sorted(keys.values())


def test_nobody_sees_the_phase_that_is_under_way():
    _, seen = play(
        setup_of(n_rounds=3, exchanges=2),
        lambda o: Reply(messages=tuple((p, "hi") for p in o.neighbours), pull=o.neighbours[0]),
    )
    for o in seen:
        assert all((m.round, m.exchange) < (o.turn.round, o.turn.exchange or 9) for m in messages(o))
        assert len(o.rounds) == o.turn.round - 1


def test_messages_are_known_to_sender_and_recipient_alone():
    _, seen = play(
        setup_of(n_rounds=2), lambda o: Reply(messages=tuple((p, "hi") for p in o.neighbours), pull=o.neighbours[0])
    )
    assert all(o.me in (m.sender, m.recipient) for o in seen for m in messages(o))
    assert any(messages(o) for o in seen)


def test_own_visibility_tells_only_pulls_by_and_on_oneself():
    _, seen = play(setup_of(n_rounds=3, visibility="own"), lambda o: Reply(pull=o.neighbours[0]))
    assert all(o.me in pull for o in seen for pulls in o.rounds for pull in pulls.targets.items())


def test_a_long_message_is_cut_and_marked():
    state, _ = play(
        setup_of(n_rounds=1, max_message_chars=10),
        lambda o: Reply(messages=((o.neighbours[0], "x" * 11),), pull=o.neighbours[0]),
    )
    assert {(m.text, m.truncated) for m in state.messages} == {("x" * 9 + "…", True)}


def test_the_order_of_neighbours_changes_from_round_to_round_and_is_fixed_by_the_seed():
    _, seen = play(setup_of(n_rounds=10), lambda o: Reply(pull=o.neighbours[0]))
    _, again = play(setup_of(n_rounds=10), lambda o: Reply(pull=o.neighbours[0]))
    assert seen == again
    assert len({o.neighbours for o in seen if o.me == "A"}) > 3


def test_a_finished_game_takes_no_step():
    state, _ = play(setup_of(n_rounds=1), lambda o: Reply(pull=o.neighbours[0]))
    with pytest.raises(ValueError, match="over"):
        step(state, {})


def test_seats_and_letters_depend_on_the_seed():
    assert len({seating(5, seed=s) for s in range(50)}) > 20
    assert len({seat_labels(5, seed=s) for s in range(50)}) > 20
    assert sorted(seat_labels(5, seed=3)) == list("ABCDE")
