import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from di_assets.agents.replies import read_reply, reply_schema, write_reply
from di_assets.game import Reply, Rules, Setup, edges, observe, start, step

SETUP = Setup(Rules(n_rounds=2), edges("ring", 5, seed=1), ("A", "B", "C", "D", "E"), 1)


def message_turn():
    return observe(start(SETUP), 0)


def pull_turn(**rules):
    setup = Setup(Rules(n_rounds=2, **rules), SETUP.edges, SETUP.labels, 1)
    return observe(step(start(setup), {}), 0)


@pytest.mark.parametrize(
    "text",
    [
        '{"pull": "B"}',
        '{"pull": "Player B"}',
        '{\'x\': 1} {"pull": "player b"}',
        '```json\n{"pull": "B"}\n```',
        'I think B is best.\n{"pull": "B"}\n\nRound 2: {"pull": "E"}',
        "{pull: B}",
        '{"pull": B}',
        '<think>maybe {"pull": "E"}</think>{"pull": "B"}',
        '{"pull": ["B"]}',
    ],
)
def test_a_pull_is_read_as_models_write_it(text):
    assert read_reply(pull_turn(), text) == Reply(pull="B")


@pytest.mark.parametrize(
    ("text", "stop", "kind"),
    [
        ("", "end", "empty"),
        ("I would rather not.", "end", "unreadable"),
        ("No.", "refusal", "refusal"),
        ('{"pull": "', "length", "truncated"),
        ('{"messages": [{"to": "C", "text": "..."}]}', "end", "wrong_phase"),
        ('{"messages": [{"text": "E", "text": "..."}, "E", "A", "C", "B"}]}', "end", "unreadable"),
        ('{"pull": "A"}', "end", "self_pull"),
        ('{"pull": "C"}', "end", "not_a_neighbour"),
        ('{"pull": "Zorro"}', "end", "no_such_player"),
        ('{"pull": 7}', "end", "unreadable"),
        ("[" * 100_000, "end", "unreadable"),
        ('{"a":' * 50_000, "end", "unreadable"),
    ],
)
def test_a_pull_that_cannot_be_used_says_its_kind_and_never_becomes_a_move(text, stop, kind):
    reply = read_reply(pull_turn(), text, stop=stop)
    assert (reply.kind, reply.pull) == (kind, None)
    assert reply.invalid


def test_the_own_letter_keeps_the_pull_where_that_is_allowed():
    assert read_reply(pull_turn(outside=0.5), '{"pull": "A"}') == Reply(pull="A")


@pytest.mark.parametrize(
    ("text", "messages"),
    [
        ('{"messages": []}', ()),
        ('{"messages": [{"to": "B", "text": "hi"}]}', (("B", "hi"),)),
        ('{"messages": {"B": "hi", "Player E": "ho"}}', (("B", "hi"), ("E", "ho"))),
        ('{"messages": [{"to": "B", "text": "  "}]}', ()),
        ('{"messages": [{"to": B, "text": "hi"}]}', (("B", "hi"),)),
        ('{"messages": [{"to": "B", "text": "\\ud800 lone"}]}', (("B", "\ufffd lone"),)),
    ],
)
def test_messages_are_read_as_models_write_them(text, messages):
    reply = read_reply(message_turn(), text)
    assert reply.invalid is None
    assert [to for to, _ in reply.messages] == [to for to, _ in messages]
    assert all(said.encode() for _, said in reply.messages)


# Shapes that a 135M model really wrote over the local server.
@pytest.mark.parametrize(
    ("text", "stop", "kind"),
    [
        (
            '{"messages": [{"to": "E", "text": "x"}, {"to": "B", "text": "A.A"}, {"to": "E", "text": "D.D"}]}',
            "end",
            "too_many_messages",
        ),
        (
            'Here is a JSON:\n{\n  "messages": [{"to": "B", "text": "I pull you!"}, {"to": "B", "text": "I pull you!"}]\n}',
            "end",
            "too_many_messages",
        ),
        ("```python\nfrom json import loads\ndef handle_message(msg):\n    json_msg = loads(msg)", "end", "unreadable"),
        ('{\n "message": {\n    "name": "A",\n    "text": "', "length", "truncated"),
        ('{"messages": [{"to": "C", "text": "a neighbour of others"}]}', "end", "not_a_neighbour"),
        ('{"messages": [{"to": "A", "text": "myself"}]}', "end", "self_message"),
    ],
)
def test_messages_that_cannot_be_used_say_their_kind(text, stop, kind):
    reply = read_reply(message_turn(), text, stop=stop)
    assert (reply.kind, reply.messages) == (kind, ())


@settings(max_examples=150)
@given(st.text(max_size=300) | st.binary(max_size=300).map(lambda b: b.decode("utf-8", "surrogateescape")))
def test_no_text_makes_reading_raise(text):
    for observation in (message_turn(), pull_turn()):
        reply = read_reply(observation, text)
        assert reply.invalid is not None or reply.pull in observation.neighbours or observation.turn.phase == "message"


def test_what_is_written_is_read_again():
    said = Reply(messages=(("B", 'quo"te\n'), ("E", "é")))
    assert read_reply(message_turn(), write_reply(said)) == said
    assert read_reply(pull_turn(), write_reply(Reply(pull="E"))) == Reply(pull="E")


def test_the_schema_names_neighbours_and_nobody_else():
    assert sorted(reply_schema(pull_turn())["properties"]["pull"]["enum"]) == ["B", "E"]
    assert "A" in json.dumps(reply_schema(pull_turn(outside=0.5)))
