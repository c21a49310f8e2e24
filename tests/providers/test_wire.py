"""What servers send besides good replies, over real HTTP: each kind a table of inputs, and what each has to come to."""

import email.utils
import gzip
import time
import zlib

import pytest

from di_assets.providers import connect
from di_assets.providers.types import BrokenReplyFault, Completion, Endpoint, FatalFault, ProviderError, TransportFault
from tests.providers import wire
from tests.providers.server import answer, family, good, serving
from tests.providers.test_providers import ASK, DIALECTS, KEY

pytestmark = pytest.mark.usefixtures("_keyed")


@pytest.fixture
def _keyed(monkeypatch):
    monkeypatch.setenv("TEST_KEY", KEY)


async def each(dialect, answers, *, slow_down=lambda _: None, **options):
    """Sends once for each of these answers; what each came to, and the bodies that were sent."""
    outcomes = []
    async with serving(*answers) as (url, received):
        base = f"{url}/v1" if family(dialect) == "openai" else url
        options = {"timeout_s": 20.0, "key_env": "TEST_KEY", **options}
        client = connect(Endpoint(name="m", provider=dialect, id="x", base_url=base, **options), slow_down)
        try:
            for _ in answers:
                try:
                    outcomes.append(await client.complete(ASK))
                except ProviderError as fault:
                    outcomes.append(fault)
        finally:
            await client.close()
    return outcomes, [request["body"] for request in received]


def told(outcome):
    return (
        (outcome.kind, outcome.retryable, outcome.perhaps_paid) if isinstance(outcome, ProviderError) else outcome.stop
    )


@pytest.mark.parametrize(
    ("dialect", "table", "body"),
    [("openai", wire.OPENAI_ENDS, wire.chat), ("anthropic", wire.ANTHROPIC_ENDS, wire.messages)],
)
async def test_every_reason_to_end_is_known_or_a_fault_that_may_pass(dialect, table, body):
    outcomes, _ = await each(dialect, [wire.sent(200, body(end)) for end in table])
    found = {end: told(outcome) for end, outcome in zip(table, outcomes, strict=True)}
    faults = {("server_error", True, True), ("broken_reply", True, True)}
    assert {end: None if stop in faults else stop for end, stop in found.items()} == table
    assert found["a_word_of_next_year"] == ("broken_reply", True, True)
    assert found["error"] == ("server_error", True, True)


async def test_without_a_reason_to_end_a_text_is_read_and_nothing_is_a_fault():
    outcomes, _ = await each("openai", [wire.sent(200, wire.chat(None, text)) for text in (wire.MOVE, "", None)])
    assert [told(outcome) for outcome in outcomes] == ["end", *[("broken_reply", True, True)] * 2]


async def test_a_filter_that_leaves_no_message_is_a_refusal():
    bodies = [
        wire.chat("SAFETY", None),
        {"choices": [{"finish_reason": "content_filter"}]},
        {"choices": [{"finish_reason": "PROHIBITED_CONTENT", "message": None, "index": 0}]},
        wire.chat(None, "", native_finish_reason="SAFETY"),
        wire.chat("stop", "", content_filter_results={"violence": {"filtered": True}, "hate": {"filtered": False}}),
    ]
    outcomes, _ = await each("openai", [wire.sent(200, body) for body in bodies])
    assert [(o.stop, o.text, o.billed) for o in outcomes] == [("refusal", "", True)] * 5
    unfiltered = wire.chat("stop", "", content_filter_results={"violence": {"filtered": False}})
    [outcome], _ = await each("openai", [wire.sent(200, unfiltered)])
    assert outcome.stop == "end"


async def test_the_results_of_a_filter_that_found_nothing_block_no_prompt():
    def body(**jailbreak):
        results = {"hate": {"filtered": False, "severity": "safe"}, "jailbreak": {"filtered": False, **jailbreak}}
        return {"choices": [], "prompt_filter_results": [{"prompt_index": 0, "content_filter_results": results}]}

    bodies = [body(filtered=True), body(detected=True), body(detected=False)]
    outcomes, _ = await each("openai", [wire.sent(200, one) for one in bodies])
    assert [outcome.stop for outcome in outcomes[:2]] == ["refusal", "refusal"]
    assert isinstance(outcomes[2], BrokenReplyFault)


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_body_that_is_made_to_break_its_reader_is_no_reply(dialect):
    deep = "[" * 900 + "]" * 900
    bodies = [
        f'{{"choices": [{{"finish_reason": "stop", "message": {{"reasoning": {deep}, "content": {deep}}}}}], "content": {deep}}}',
        '{"choices": [{"message": 7}], "content": 7, "stop_reason": "end_turn"}',
        '{"choices": {"0": {}}, "content": {"type": 3}}',
        '{"choices": [null], "content": [null], "usage": []}',
        '{"choices": [{"finish_reason": {"a": 1}, "message": {"content": "x"}}], "content": "x", "stop_reason": ["a"]}',
        '{"usage": {"prompt_tokens": 1e400, "completion_tokens": ' + "9" * 5000 + "}}",
        "[[[[", '"text"', "7", "true", "\ufeff{}", "",
    ]  # fmt: skip
    outcomes, _ = await each(dialect, [wire.sent(200, body) for body in bodies])
    assert [type(outcome) for outcome in outcomes] == [BrokenReplyFault] * len(bodies)
    outcomes, _ = await each(dialect, [wire.sent(400, body) for body in (f'{{"error": {deep}}}', deep, "[[[[", "\x00")])
    assert {outcome.kind for outcome in outcomes} == {"request_refused"}


async def test_tokens_are_those_that_were_charged_for():
    answers = [wire.sent(200, wire.chat(usage=usage)) for usage, _ in wire.OPENAI_USAGE.values()]
    outcomes, _ = await each("openai", answers)
    found = [(o.input_tokens, o.cached_tokens, o.output_tokens) for o in outcomes]
    assert dict(zip(wire.OPENAI_USAGE, found, strict=True)) == {k: right for k, (_, right) in wire.OPENAI_USAGE.items()}


async def test_tokens_of_the_other_dialect_stand_beside_those_of_its_cache():
    answers = [wire.sent(200, wire.messages(usage=usage)) for usage, _ in wire.ANTHROPIC_USAGE.values()]
    outcomes, _ = await each("anthropic", answers)
    found = [
        (o.input_tokens, o.cached_tokens, o.written_tokens, o.written_hour_tokens, o.output_tokens) for o in outcomes
    ]
    right = {name: right for name, (_, right) in wire.ANTHROPIC_USAGE.items()}
    assert dict(zip(wire.ANTHROPIC_USAGE, found, strict=True)) == right


async def test_where_an_hour_was_asked_for_all_that_is_written_is_kept_an_hour():
    usage = {"input_tokens": 4, "cache_creation_input_tokens": 16, "output_tokens": 3}
    hour = {"cache_control": {"type": "ephemeral", "ttl": "1h"}}
    [outcome], [sent] = await each("anthropic", [wire.sent(200, wire.messages(usage=usage))], params=hour)
    assert (outcome.written_tokens, outcome.written_hour_tokens) == (16, 16)
    assert sent["cache_control"] == {"type": "ephemeral", "ttl": "1h"}
    for split in ({"ephemeral_5m_input_tokens": 0}, {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0}):
        body = wire.messages(usage=usage | {"cache_creation": split})
        [outcome], _ = await each("anthropic", [wire.sent(200, body)], params=hour)
        assert (outcome.written_tokens, outcome.written_hour_tokens) == (16, 16), split


async def test_text_and_thinking_are_found_in_every_shape():
    answers = [wire.sent(200, wire.chat("stop", None, message=said)) for said, *_ in wire.SHAPES.values()]
    outcomes, _ = await each("openai", answers)
    found = {name: (o.text, o.reasoning) for name, o in zip(wire.SHAPES, outcomes, strict=True)}
    assert found == {name: tuple(right) for name, (_, *right) in wire.SHAPES.items()}
    answers = [wire.sent(200, wire.messages(content=blocks)) for blocks, *_ in wire.BLOCKS.values()]
    outcomes, _ = await each("anthropic", answers)
    found = {name: (o.text, o.reasoning) for name, o in zip(wire.BLOCKS, outcomes, strict=True)}
    assert found == {name: tuple(right) for name, (_, *right) in wire.BLOCKS.items()}


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_prompt_that_was_refused_for_what_it_holds_is_a_refusal(dialect):
    outcomes, _ = await each(dialect, [wire.sent(status, body) for status, body, _ in wire.REFUSED.values()])
    found = {
        name: (o.stop, o.text, o.billed) if isinstance(o, Completion) else repr(o)
        for name, o in zip(wire.REFUSED, outcomes, strict=True)
    }
    assert found == {name: ("refusal", "", billed) for name, (*_, billed) in wire.REFUSED.items()}


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_credit_key_and_fields_are_told_apart(dialect):
    outcomes, _ = await each(dialect, [wire.sent(status, body) for status, body, *_ in wire.FATAL.values()])
    faults = zip(wire.FATAL, outcomes, strict=True)
    found = {name: (o.kind, o.cause, o.param) if isinstance(o, FatalFault) else repr(o) for name, o in faults}
    right = {name: tuple(row[2:]) for name, row in wire.FATAL.items()}
    if family(dialect) == "openai":  # a field is named out of prose only where it was sent
        right["field (in prose, Anthropic)"] = ("request_refused", None, None)
        found["field (in prose, Anthropic)"] = ("request_refused", None, None)
    assert found == right
    said = {kind: {str(o) for o in outcomes if o.kind == kind and o.cause is None} for kind in ("no_credit", "no_key")}
    assert all(line.endswith("the account has no credit left") for line in said["no_credit"])
    assert all(line.endswith("the key is not accepted") for line in said["no_key"])
    assert all(not o.retryable and not o.perhaps_paid for o in outcomes)


async def test_what_may_pass_says_so():
    heard = []
    answers = [wire.sent(status, body, *headers) for status, body, headers, *_ in wire.PASSING.values()]
    outcomes, _ = await each("openai", answers, slow_down=heard.append)
    found = {
        name: (o.kind, o.perhaps_paid, o.retryable, o.retry_after_s) if isinstance(o, TransportFault) else repr(o)
        for name, o in zip(wire.PASSING, outcomes, strict=True)
    }
    rows = wire.PASSING.items()
    assert found == {name: (kind, paid, True, wait) for name, (*_, kind, paid, _, wait) in rows}
    assert heard == [wait for *_, slower, wait in wire.PASSING.values() if slower]


async def test_a_reply_that_the_server_held_against_the_schema_is_the_models_reply():
    """Groq answers 400 where the model's words do not keep the schema, and sends them along."""
    body = {
        "error": {"code": "json_validate_failed", "message": "Failed to generate JSON.", "failed_generation": "I pull"}
    }
    [outcome], _ = await each("openai", [wire.sent(400, body)])
    assert (outcome.text, outcome.stop, outcome.billed, outcome.input_tokens) == ("I pull", "end", True, None)


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_date_to_retry_after_is_as_good_as_seconds(dialect):
    heard = []
    ahead = email.utils.formatdate(time.time() + 5, usegmt=True)
    skewed = email.utils.formatdate(3600, usegmt=True), email.utils.formatdate(3607, usegmt=True)
    answers = [
        wire.sent(429, {}, f"retry-after: {ahead}"),
        wire.sent(429, {}, f"date: {skewed[0]}", f"retry-after: {skewed[1]}"),
        wire.sent(503, {}, f"retry-after: {email.utils.formatdate(time.time() - 60, usegmt=True)}"),
        wire.sent(429, {}, f"date: {skewed[0]}", "retry-after: Thu Jan  1 01:00:09 1970"),
        wire.sent(429, {}, f"date: {skewed[0]}", "retry-after: 1970-01-01T01:00:11Z"),
        wire.sent(429, {}, "retry-after: Fri, 99 Foo 2026"),
        wire.sent(429, {}, "retry-after: -3"),
        wire.sent(429, {}, "retry-after: nan"),
    ]
    outcomes, _ = await each(dialect, answers, slow_down=heard.append)
    assert [o.retry_after_s for o in outcomes] == heard
    assert 3 <= heard[0] <= 5
    assert heard[1:] == [7, 0, 9, 11, 0, 0, 0]


async def test_a_field_may_be_left_out_replaced_or_called_by_another_name():
    params = {"max_tokens": None, "response_format": {"type": "json_object"}, "top_k": 3}
    ok = answer(body=good("openai"))
    _, [plain] = await each("openai", [ok])
    _, [left_out] = await each("openai", [ok], params=params)
    _, [renamed] = await each("openai", [ok], rename={"max_tokens": "max_completion_tokens", "messages": "input"})
    assert set(plain) - set(left_out) == {"max_tokens"}
    assert (left_out["response_format"], left_out["top_k"]) == ({"type": "json_object"}, 3)
    assert renamed["max_completion_tokens"] == plain["max_tokens"]
    assert renamed["input"] == plain["messages"]
    assert not {"max_tokens", "messages"} & set(renamed)
    _, [bare] = await each(
        "anthropic", [answer(body=good("anthropic"))], params={"cache_control": None, "output_config": None}
    )
    assert set(bare) == {"model", "max_tokens", "system", "messages"}


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_where_no_system_text_is_taken_it_heads_the_first_turn(dialect):
    _, [sent] = await each(dialect, [answer(body=good(dialect))], system=False)
    assert [(turn["role"], turn["content"]) for turn in sent["messages"]] == [
        ("user", "rules\n\none"),
        ("assistant", "two"),
        ("user", "three"),
    ]
    assert "system" not in sent


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_body_is_read_up_to_its_limit_packed_or_not(dialect):
    large = good(dialect, "x" * 5_000).encode()
    packed = gzip.compress(large)
    bomb = gzip.compress(b" " * 50_000_000)

    def head(data, *lines):
        return "\r\n".join(["HTTP/1.1 200 X", f"content-length: {len(data)}", *lines, "", ""]).encode() + data

    answers = [
        head(large),
        head(packed, "content-encoding: gzip"),
        head(zlib.compress(large), "content-encoding: deflate"),
        head(bomb, "content-encoding: gzip"),
        head(good(dialect, "x" * 30_000).encode()),
        head(packed[:-9] , "content-encoding: gzip"),
        head(large, "content-encoding: gzip"),
        head(large, "content-encoding: br"),
    ]  # fmt: skip
    outcomes, _ = await each(dialect, answers, max_reply_bytes=20_000)
    assert [len(o.text) for o in outcomes[:3]] == [5_000] * 3
    assert all(isinstance(o, BrokenReplyFault) and o.perhaps_paid and o.retryable for o in outcomes[3:])
    said = [str(o) for o in outcomes[3:]]
    assert all("larger than 20,000 bytes" in text for text in said[:2])
    assert all("larger" not in text for text in said[2:])


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_failure_with_an_endless_body_is_still_that_failure(dialect):
    endless = b"HTTP/1.1 503 X\r\ncontent-length: 99999999\r\n\r\n" + b"x" * 30_000
    [outcome], _ = await each(dialect, [endless], max_reply_bytes=20_000)
    assert (outcome.kind, str(outcome)) == ("server_error", "m: HTTP 503")


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_the_id_on_the_bill_is_kept_with_reply_and_fault(dialect):
    answers = [
        wire.sent(200, good(dialect), "x-request-id: h1"),
        wire.sent(200, good(dialect, id=None), "request-id: h2"),
        wire.sent(500, {"type": "error", "error": {}, "request_id": "req_3"}),
        wire.sent(429, {}, "x-request-id: h4"),
        wire.sent(400, {"error": {"code": "content_filter"}}, "apim-request-id: h5"),
        wire.sent(500, {"request_id": "two words\u202e"}),
        wire.sent(500, {"request_id": KEY}),
    ]
    outcomes, _ = await each(dialect, answers)
    assert [o.request_id for o in outcomes] == ["r1", "h2", "req_3", "h4", "h5", None, None]


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_nothing_that_a_server_says_is_quoted_but_a_plain_word(dialect):
    errors = [
        {"code": KEY, "message": KEY, "type": "invalid_request_error"},
        {"code": "x y z", "message": f"Incorrect API key provided: {KEY}"},
        {"code": "unsupported_parameter", "param": KEY},
        {"code": "unsupported_parameter", "param": f"`{KEY}`: not a field"},
    ]
    bodies = [{"error": error} for error in errors]
    outcomes, _ = await each(dialect, [wire.sent(s, body) for body in bodies for s in (200, 400, 401, 403, 429, 500)])
    assert KEY not in "".join(map(repr, outcomes)) + "".join(str(vars(o)) for o in outcomes)


async def test_a_reply_that_holds_the_key_is_kept_without_it():
    [outcome], _ = await each("openai", [answer(body=good("openai", f"your key is {KEY}"))])
    assert outcome.text == "your key is (the key)"


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_key_that_is_spelled_otherwise_or_stands_in_a_header_is_kept_nowhere(dialect):
    spelled = "".join(f"\\u{ord(letter):04x}" for letter in KEY)
    reply = good(dialect, "your key is KEY").replace("KEY", spelled)
    answers = [
        wire.sent(200, reply),
        wire.sent(500, {}, f"x-request-id: {KEY}"),
        wire.sent(200, good(dialect, id=None), f"request-id: {KEY}"),
    ]
    outcomes, _ = await each(dialect, answers)
    assert outcomes[0].text == "your key is (the key)"
    assert KEY not in "".join(map(repr, outcomes)) + str([o.request_id for o in outcomes])


NO_HTTP = {
    "another protocol": b"SSH-2.0-OpenSSH_9.6\r\n",
    "two lengths": b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}",
    "chunks that are none": b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n{}",
    "a header without end": b"HTTP/1.1 200 OK\r\nx: " + b"a" * 200_000,
    "a zero byte in a header": b"HTTP/1.1 200 OK\r\nx: a\x00b\r\ncontent-length: 2\r\n\r\n{}",
}


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("name", NO_HTTP)
async def test_an_answer_that_is_no_http_is_a_fault_that_may_have_been_charged(dialect, name):
    [outcome], _ = await each(dialect, [NO_HTTP[name]])
    assert told(outcome) == ("broken_reply", True, True)
    assert str(outcome).endswith("answers what is no HTTP")
