"""What the results of a batch mean, and how a wave is found again, in both dialects over real HTTP."""

import json

import pytest

from di_assets.providers import DIALECTS, connect
from di_assets.providers.batches import Batches, Found
from di_assets.providers.types import Completion, Endpoint, FatalFault, TransportFault
from tests.providers.server import answer, good, serving

KEY = "sk-planted-0123456789"
DIALECTS_WITH = ("openai", "anthropic")
WAVE = "0" * 32
IDS = [f"{WAVE}-{n}" for n in range(4)]


@pytest.fixture(autouse=True)
def _keyed(monkeypatch):
    monkeypatch.setenv("PLANTED_KEY", KEY)


@pytest.fixture
async def batches():
    """Makes the batch interface of a model at this address."""
    providers = []

    def made(dialect, url) -> Batches:
        base = f"{url}/v1" if dialect == "openai" else url
        endpoint = Endpoint(name="m", provider=dialect, id="x", base_url=base, key_env="PLANTED_KEY", timeout_s=20)
        providers.append(connect(endpoint))
        return DIALECTS[dialect].batches(providers[-1])

    yield made
    for provider in providers:
        await provider.close()


def lines(*records):
    return answer(body="".join(json.dumps(one) + "\n" for one in records), content_type="application/x-jsonl")


def openai_line(name, *, status=200, body=None, error=None):
    response = None if error else {"status_code": status, "request_id": f"req_{name[-1]}", "body": body}
    return {"id": "r", "custom_id": name, "response": response, "error": error}


def openai_batch(status="completed", **more):
    batch = {"id": "batch_1", "object": "batch", "status": status, "created_at": 1_000_000, "input_file_id": "f"}
    return answer(body=json.dumps(batch | {"endpoint": "/v1/chat/completions", "completion_window": "24h"} | more))


async def test_openai_results_are_sorted_as_live_answers_are(batches):
    reply = json.loads(good("openai", f"the key is {KEY}"))
    output = lines(openai_line(IDS[1], body=reply), openai_line(IDS[0], body={"choices": []}), "no object")
    bad = lines(
        openai_line(IDS[2], status=500, body={"error": {"message": "oops", "type": "server_error"}}),
        openai_line(IDS[3], error={"code": "batch_expired", "message": "too late"}),
        openai_line(IDS[1], error={"code": "batch_expired", "message": "twice: the reply counts"}),
    )
    ended = openai_batch("expired", output_file_id="out", error_file_id="err")
    async with serving(ended, output, bad) as (url, received):
        told = await batches("openai", url).results("batch_1", IDS)
    assert [one["path"] for one in received] == [
        "/v1/batches/batch_1",
        "/v1/files/out/content",
        "/v1/files/err/content",
    ]
    broken, replied, failed, expired = (told[name] for name in IDS)
    assert isinstance(replied, Completion)
    assert (replied.text, replied.input_tokens) == ("the key is (the key)", 12)
    assert (broken.kind, broken.perhaps_paid) == ("broken_reply", True)
    assert (failed.kind, failed.retryable, failed.perhaps_paid) == ("server_error", True, False)
    assert (expired.kind, expired.retryable, expired.perhaps_paid) == ("timeout", True, False)


async def test_anthropic_results_are_sorted_as_live_answers_are(batches):
    def line(name, kind, **more):
        return {"custom_id": name, "result": {"type": kind, **more}}

    wrong = {"type": "error", "error": {"type": "invalid_request_error", "message": "max_tokens: too many"}}
    results = lines(
        line(IDS[2], "expired"),
        line(IDS[1], "succeeded", message=json.loads(good("anthropic"))),
        line(IDS[0], "errored", error=wrong),
        line(IDS[1], "canceled"),
    )
    async with serving(results) as (url, received):
        told = await batches("anthropic", url).results("b1", IDS)
    assert received[0]["path"] == "/v1/messages/batches/b1/results"
    refused, replied, expired, missing = (told[name] for name in IDS)
    assert isinstance(replied, Completion)
    assert replied.input_tokens == 12
    assert isinstance(refused, FatalFault)
    assert not refused.perhaps_paid
    assert (expired.kind, expired.perhaps_paid) == ("timeout", False)
    assert (missing.kind, missing.perhaps_paid) == ("broken_reply", True)


@pytest.mark.parametrize(
    ("code", "kind", "fault"),
    [("token_limit_exceeded", "rate_limit", TransportFault), ("invalid_json_line", "request_refused", FatalFault)],
)
async def test_a_batch_that_openai_did_not_begin_is_tried_again_only_where_its_queue_is_full(
    batches, code, kind, fault
):
    errors = {"object": "list", "data": [{"code": code, "message": "no"}]}
    async with serving(openai_batch("failed", errors=errors)) as (url, _):
        told = await batches("openai", url).results("batch_1", IDS)
    assert {(type(one), one.kind, one.perhaps_paid) for one in told.values()} == {(fault, kind, False)}
    assert len(set(map(id, told.values()))) == len(IDS)


async def test_openai_knows_a_wave_by_its_metadata(batches):
    page = json.loads(openai_batch(metadata={"wave": WAVE}).partition(b"\r\n\r\n")[2])
    async with serving(answer(body=json.dumps({"object": "list", "data": [page], "has_more": False}))) as (url, _):
        one = batches("openai", url)
        assert await one.find(WAVE, 4, since=1_000_000) == Found("batch_1")
        assert await one.find("1" * 32, 4, since=1_000_000) == Found(None)


async def test_anthropic_shows_a_wave_by_its_results_once_it_has_ended(batches):
    def listed(status):
        counts = {"processing": 4, "succeeded": 0, "errored": 0, "canceled": 0, "expired": 0}
        batch = {"id": "b1", "type": "message_batch", "processing_status": status, "request_counts": counts}
        when = {"created_at": "2026-11-01T00:00:00Z", "expires_at": "2026-11-02T00:00:00Z"}
        return answer(body=json.dumps({"data": [batch | when], "has_more": False, "first_id": None, "last_id": None}))

    since, mine = 1_793_491_200.0, lines({"custom_id": IDS[0], "result": {"type": "expired"}})
    async with serving(listed("in_progress"), listed("ended"), mine) as (url, _):
        one = batches("anthropic", url)
        assert await one.find(WAVE, 4, since=since) == Found(None, sure=False)
        assert await one.find(WAVE, 4, since=since) == Found("b1")
    async with serving(listed("ended"), mine) as (url, _):
        assert await batches("anthropic", url).find("1" * 32, 4, since=since) == Found(None)
    async with serving(listed("in_progress")) as (url, _):
        assert await batches("anthropic", url).find(WAVE, 3, since=since) == Found(None)  # another number of requests


@pytest.mark.parametrize("dialect", DIALECTS_WITH)
async def test_faults_of_the_interface_are_those_of_live_calls(batches, dialect):
    error = json.dumps({"error": {"type": "authentication_error", "message": f"bad key {KEY}"}})
    async with serving(answer(401, error)) as (url, _):
        with pytest.raises(FatalFault) as told:
            await batches(dialect, url).ended("b1")
    assert told.value.kind == "no_key"
    assert KEY not in str(told.value)
    async with serving(answer(body="<html>", content_type="text/html")) as (url, _):
        with pytest.raises(TransportFault, match="not understood"):
            await batches(dialect, url).ended("b1")
