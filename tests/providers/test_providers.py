"""One suite that both providers pass over real HTTP on loopback."""

import json
import traceback

import pytest

from di_assets.providers import DIALECTS as KNOWN
from di_assets.providers import connect
from di_assets.providers.types import BrokenReplyFault, Endpoint, FatalFault, Request, TransportFault
from tests.providers.server import CLOSE, DRIP, RESET, SILENCE, answer, family, good, serving

KEY = "planted-fake-key-0123"
SCHEMA = {
    "type": "object",
    "properties": {"pull": {"type": "string"}},
    "required": ["pull"],
    "additionalProperties": False,
}
ASK = Request.of(
    system="rules",
    turns=(("user", "one"), ("assistant", "two"), ("user", "three")),
    schema=SCHEMA,
    seed=7,
    cache_key="e/A",
)
DIALECTS = sorted(KNOWN)


@pytest.fixture(autouse=True)
def _quick_and_keyed(monkeypatch):
    monkeypatch.setenv("TEST_KEY", KEY)


async def call(dialect, url, *, request=ASK, slow_down=None, **options):
    base = f"{url}/v1" if family(dialect) == "openai" else url
    options = {"timeout_s": 20.0, "key_env": "TEST_KEY", **options}
    endpoint = Endpoint(name="m", provider=dialect, id="api-id", base_url=base, **options)
    client = connect(endpoint, slow_down or (lambda _: None))
    try:
        return await client.complete(request)
    finally:
        await client.close()


async def ask(dialect, *script, **options):
    async with serving(*script) as (url, received):
        return await call(dialect, url, **options), received


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_reply_comes_back_with_its_usage(dialect):
    reply, received = await ask(dialect, answer(body=good(dialect)))
    assert (reply.text, reply.stop) == ("hello", "end")
    assert (reply.input_tokens, reply.cached_tokens, reply.output_tokens) == (12, 8, 3)
    assert len(received) == 1
    assert KEY in received[0]["head"]


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_nothing_is_sent_that_is_not_configured(dialect):
    _, received = await ask(dialect, answer(body=good(dialect)))
    common = {"model", "messages", "max_tokens"}
    assert set(received[0]["body"]) == common | (
        {"response_format"} if family(dialect) == "openai" else {"system", "cache_control", "output_config"}
    )


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_parameters_are_passed_through_untouched(dialect):
    params = {"temperature": 0.3, "reasoning": {"effort": "low"}}
    _, received = await ask(dialect, answer(body=good(dialect)), params=params, json_schema=False)
    body = received[0]["body"]
    assert {name: body[name] for name in params} == params
    assert "response_format" not in body
    assert "output_config" not in body


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_the_conversation_is_sent_in_order(dialect):
    _, received = await ask(dialect, answer(body=good(dialect)))
    said = [(m["role"], m["content"]) for m in received[0]["body"]["messages"]]
    assert said[-3:] == [("user", "one"), ("assistant", "two"), ("user", "three")]


ERROR = '{"error": {"type": "overloaded_error"}}'


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    ("fault", "kind", "paid", "wait"),
    [
        (answer(429, "{}", ["retry-after-ms: 5"]), "rate_limit", False, 0.005),
        (answer(429, "{}"), "rate_limit", False, 0),
        (answer(408, "{}"), "server_error", True, 0),
        (answer(409, "{}"), "server_error", False, 0),
        (answer(500, "{}", ["retry-after: 2"]), "server_error", True, 2),
        (answer(529, ERROR, ["retry-after: x"]), "server_error", True, 0),
        (answer(503, "<html>busy</html>", content_type="text/html"), "server_error", True, 0),
        (RESET, "connection", True, 0),
    ],
    ids=["429", "429-without-retry-after", "408", "409", "500", "529", "503-html", "cut-before-headers"],
)
async def test_a_passing_fault_is_sent_once_and_says_what_it_may_have_cost(dialect, fault, kind, paid, wait):
    async with serving(fault) as (url, received):
        with pytest.raises(TransportFault) as caught:
            await call(dialect, url)
    assert (caught.value.kind, caught.value.perhaps_paid, caught.value.retry_after_s) == (kind, paid, wait)
    assert caught.value.retryable
    assert len(received) == 1


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    "fault",
    [
        answer(200, "<html>busy</html>", content_type="text/html"),
        answer(200, '{"error": {"message": "upstream"}}'),
        answer(200, "{not json"),
        answer(200, '{"id": "x"}'),
        answer(200, "null"),
        [answer(200, good("openai"))[:-9], CLOSE],
    ],
    ids=["html", "error-200", "bad-json", "no-reply", "null", "cut"],
)
async def test_a_broken_reply_may_have_been_paid_for(dialect, fault):
    with pytest.raises(BrokenReplyFault) as caught:
        await ask(dialect, *(fault if isinstance(fault, list) else [fault]), answer(body=good(dialect)))
    assert (caught.value.kind, caught.value.perhaps_paid, caught.value.retryable) == ("broken_reply", True, True)


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_slow_drip_ends_at_the_deadline(dialect):
    with pytest.raises(TransportFault, match=r"within 0\.5 s") as caught:
        await ask(dialect, DRIP, timeout_s=0.5)
    assert (caught.value.kind, caught.value.perhaps_paid) == ("timeout", True)


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_server_that_asks_for_fewer_calls_is_heard(dialect):
    heard = []
    for busy in (answer(429, "{}", ["retry-after-ms: 5", "retry-after: 1"]), answer(529, ERROR, ["retry-after: x"])):
        with pytest.raises(TransportFault):
            await ask(dialect, busy, slow_down=heard.append)
    assert heard == [0.005, 0.0]


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    "fault", [answer(500, "{}", ["retry-after: 0"]), RESET, answer(200, "<html>", content_type="text/html")]
)
async def test_a_lasting_fault_stops_the_episode_and_says_no_key(dialect, fault):
    with pytest.raises(TransportFault) as caught:
        await ask(dialect, fault)
    told = "".join(traceback.format_exception(caught.value)) + repr(caught.value)
    assert KEY not in told
    assert "m: " in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (401, {"error": {"type": "authentication_error", "message": f"Incorrect API key provided: {KEY}"}}, "no_key"),
        (402, {}, "no_credit"),
        (400, {"error": {"code": "context_length_exceeded", "message": "too long"}}, "request_refused"),
        (404, {}, "request_refused"),
        (429, {"error": {"code": "insufficient_quota", "message": "pay"}}, "no_credit"),
        (429, {"error": {"type": "organization_spend_limit_reached", "message": "pay"}}, "no_credit"),
    ],
)
async def test_what_no_retry_mends_stops_the_run_and_says_no_key(dialect, status, body, kind):
    with pytest.raises(FatalFault) as caught:
        await ask(dialect, answer(status, json.dumps(body), ["retry-after: 30"]), timeout_s=10)
    assert KEY not in "".join(traceback.format_exception(caught.value))
    assert f"HTTP {status}" in str(caught.value)
    assert caught.value.kind == kind


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_silence_ends_at_the_deadline(dialect):
    with pytest.raises(TransportFault, match=r"within 0\.3 s"):
        await ask(dialect, SILENCE, timeout_s=0.3)


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_missing_key_names_its_variable(dialect, monkeypatch):
    monkeypatch.delenv("TEST_KEY")
    with pytest.raises(FatalFault, match="set TEST_KEY"):
        await ask(dialect, answer(body=good(dialect)))


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    "usage", [None, {}, {"prompt_tokens": "12", "input_tokens": -4, "output_tokens": 1.5, "completion_tokens": True}]
)
async def test_wrong_usage_is_unknown_usage(dialect, usage):
    reply, _ = await ask(dialect, answer(body=good(dialect, usage=usage)))
    assert (reply.text, reply.input_tokens, reply.output_tokens) == ("hello", None, None)


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_long_and_empty_replies_come_back_as_they_are(dialect):
    long, _ = await ask(dialect, answer(body=good(dialect, "x" * 100_000)))
    empty, _ = await ask(dialect, answer(body=good(dialect, "")))
    assert (len(long.text), empty.text) == (100_000, "")


async def test_refusals_and_cut_replies_say_so():
    choice = {"message": {"content": None, "refusal": "I can't"}, "finish_reason": "stop"}
    refused, _ = await ask("openai", answer(body=good("openai", choices=[choice])))
    cut, _ = await ask("anthropic", answer(body=good("anthropic", stop_reason="max_tokens")))
    declined, _ = await ask("anthropic", answer(body=good("anthropic", stop_reason="refusal")))
    assert (refused.stop, refused.text, cut.stop, declined.stop) == ("refusal", "I can't", "length", "refusal")


async def test_thinking_is_kept_apart():
    content = [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "B"}]
    reply, _ = await ask("anthropic", answer(body=good("anthropic", content=content)))
    assert (reply.text, reply.reasoning) == ("B", "hm")


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("key", ["planted-fäke", "planted-fake\n", "planted fake"])
async def test_a_key_that_can_be_none_is_refused_unquoted(dialect, key, monkeypatch):
    monkeypatch.setenv("TEST_KEY", key)
    with pytest.raises(FatalFault, match="TEST_KEY holds characters") as caught:
        await ask(dialect, answer(body=good(dialect)))
    assert "planted" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_an_id_may_be_missing(dialect):
    reply, _ = await ask(dialect, answer(body=good(dialect, id=None)))
    assert (reply.text, reply.request_id) == ("hello", None)


async def test_tokens_written_to_the_cache_are_told_apart():
    usage = {"input_tokens": 4, "cache_read_input_tokens": 8, "cache_creation_input_tokens": 16, "output_tokens": 3}
    reply, _ = await ask("anthropic", answer(body=good("anthropic", usage=usage)))
    assert (reply.input_tokens, reply.cached_tokens, reply.written_tokens) == (28, 8, 16)


async def test_a_missing_finish_reason_is_an_ordinary_end():
    choice = {"message": {"content": "hi"}, "finish_reason": None}
    reply, _ = await ask("openai", answer(body=good("openai", choices=[choice])))
    assert reply.stop == "end"
