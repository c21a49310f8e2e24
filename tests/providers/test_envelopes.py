"""Servers that put an ordinary body in an envelope, as Cloudflare's do, over real HTTP on loopback."""

import json

import pytest

from di_assets.providers import DIALECTS
from di_assets.providers.dialect import Dialect
from di_assets.providers.dialects.openai_chat import OpenAIProvider
from di_assets.providers.types import BrokenReplyFault, ProviderError, TransportFault
from tests.providers.server import answer, good
from tests.providers.test_providers import KEY, ask


class Enveloped(OpenAIProvider):
    path = "/run"

    def unwrapped(self, data):
        return data["result"]


@pytest.fixture(autouse=True)
def _known(monkeypatch):
    monkeypatch.setenv("TEST_KEY", KEY)
    monkeypatch.setitem(DIALECTS, "enveloped", Dialect("enveloped", Enveloped, key_variable="TEST_KEY"))


def enveloped(result, **more):
    return json.dumps({"id": "of-the-envelope", "success": True, "result": result, **more})


async def test_reply_usage_and_request_id_are_those_in_the_envelope():
    reply, [sent] = await ask("enveloped", answer(body=enveloped(json.loads(good("openai")), errors=[])))
    assert (reply.text, reply.stop, reply.request_id) == ("hello", "end", "r1")
    assert (reply.input_tokens, reply.cached_tokens, reply.output_tokens) == (12, 8, 3)
    assert sent["path"] == "/v1/run"


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [(200, "rate_limit_exceeded", "rate_limit"), (400, "context_length_exceeded", "request_refused")],
)
async def test_an_error_in_the_envelope_is_the_error(status, code, kind):
    with pytest.raises(ProviderError) as caught:
        await ask("enveloped", answer(status, enveloped({"id": "r2", "error": {"code": code}})))
    assert (caught.value.kind, caught.value.request_id) == (kind, "r2")


async def test_a_prompt_that_a_filter_stopped_in_the_envelope_is_a_refusal():
    reply, _ = await ask("enveloped", answer(body=enveloped({"prompt_feedback": {"block_reason": "SAFETY"}})))
    assert (reply.stop, reply.text) == ("refusal", "")


@pytest.mark.parametrize("result", [None, {}, [], "gone"])
async def test_without_a_body_in_it_the_envelope_itself_is_read(result):
    errors = [{"code": 3040, "type": "rate_limit_error", "message": "Capacity temporarily exceeded"}]
    with pytest.raises(TransportFault) as caught:
        await ask("enveloped", answer(body=enveloped(result, success=False, errors=errors)))
    assert (caught.value.kind, caught.value.request_id) == ("rate_limit", "of-the-envelope")


@pytest.mark.parametrize("body", ["[]", "null", '"hello"', '{"success": true}', "{not json"])
async def test_what_is_no_envelope_is_a_broken_reply(body):
    with pytest.raises(BrokenReplyFault):
        await ask("enveloped", answer(body=body))


async def test_a_reply_without_an_envelope_was_paid_for_and_is_read():
    reply, _ = await ask("enveloped", answer(body=good("openai")))
    assert (reply.text, reply.request_id) == ("hello", "r1")
