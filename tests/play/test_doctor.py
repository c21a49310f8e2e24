"""The doctor over real HTTP on loopback: what it finds out about a model, what it spends, what it never says."""

import asyncio
import json
from contextlib import asynccontextmanager
from dataclasses import asdict

import pytest

from di_assets.agents.prompts import PromptError
from di_assets.arms import load_configs
from di_assets.arms.yaml_files import ConfigError
from di_assets.play.doctor import PROBE, checkup
from tests.conftest import ROOT
from tests.play.hostility import KEY, hostile, hostile_configs
from tests.providers.server import answer, good, serving

MODELS = {"openai": "o", "anthropic": "a"}
DIALECTS = sorted(MODELS)


@pytest.fixture(autouse=True)
def _keyed(monkeypatch):
    monkeypatch.setenv("PLANTED_KEY", KEY)


def configs_of(folder, url, **fields):
    """Model `o` speaks openai, model `a` anthropic, both at this address."""
    fields = {"id": "x", "key": "PLANTED_KEY", "timeout_s": 30, "max_retries": 0, "max_tokens": 300, **fields}
    fields |= {"price": {"input": 3, "cached": 0.3, "written": 3, "output": 15}}
    models = {
        "o": {"provider": "openai", "base_url": f"{url}/v1", **fields},
        "a": {"provider": "anthropic", "base_url": url, **fields},
    }
    (folder / "prompts").symlink_to(ROOT / "configs" / "prompts")
    (folder / "models.yaml").write_text(json.dumps({"models": models}))
    return load_configs(folder)


async def one(folder, url, dialect, *, budget_usd=1.0, **fields):
    [found] = await checkup(configs_of(folder, url, **fields), [MODELS[dialect]], budget_usd=budget_usd)
    return found


def thinks(reasoning, end):
    """A choice in which nothing is said."""
    return {"message": {"content": None, "reasoning_content": reasoning}, "finish_reason": end}


def constrained(body):
    return "response_format" in body or "output_config" in body


def schema_of(body):
    given = body.get("response_format", {}).get("json_schema", {}) or body["output_config"]["format"]
    return given["schema"]


@asynccontextmanager
async def refusing(dialect, refused, move='{"messages": [], "pull": "X"}'):
    """Refuses bodies like these with 400, answers all others with this text; yields (base URL, bodies)."""
    bodies = []

    async def handle(reader, writer):
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
                length = int(head.split("content-length:")[1].split("\r\n")[0])
                bodies.append(json.loads(await reader.readexactly(length)))
                error = json.dumps({"error": {"type": "invalid_request_error", "message": f"no schema for {KEY}"}})
                writer.write(answer(400, error) if refused(bodies[-1]) else answer(body=good(dialect, move)))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", bodies
    finally:
        server.close()


async def test_a_server_that_holds_replies_to_the_schema_is_well_in_both_dialects(tmp_path):
    with hostile() as url:
        found = await checkup(hostile_configs(tmp_path / "c", url, timeout_s=30), budget_usd=1.0)
    assert [(one.model, one.provider, one.key, one.reached) for one in found] == [
        ("o", "openai", "set", "yes"),
        ("a", "anthropic", "set", "yes"),
    ]
    for one in found:
        assert (one.schema, one.message, one.pull, one.advice) == ("enforced", "valid", "valid", None)
        assert one.ok
        assert one.account == url.removeprefix("http://")
        assert one.input_tokens > one.cached_tokens > 0
        assert one.output_tokens > 0
        assert 0 < one.latency_s < 30
        assert 0 < one.cost_usd < 0.1


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_it_asks_what_an_episode_would_ask_message_then_pull_then_the_probe(tmp_path, dialect):
    async with serving(
        answer(body=good(dialect, '{"messages": []}')),
        answer(body=good(dialect, '{"pull": "A"}')),
        answer(body=good(dialect, '{"pull": "X"}')),
    ) as (url, received):
        found = await one(tmp_path, url, dialect)
    message, pull, probe = (request["body"] for request in received)
    assert list(schema_of(message)["properties"]) == ["messages"]
    assert len(schema_of(pull)["properties"]["pull"]["enum"]) == 4
    assert schema_of(probe) == PROBE.schema
    turns = [body["messages"][-1]["content"] for body in (message, pull)]
    assert "Round 1" in turns[0]
    assert "Pull me and I pull you." in turns[1]
    assert pull["messages"][: len(message["messages"])] == message["messages"]
    assert (found.input_tokens, found.cached_tokens, found.output_tokens) == (36, 24, 9)
    assert found.cost_usd == pytest.approx(3 * (4 * 3 + 8 * 0.3 + 3 * 15) / 1e6)


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_model_without_its_key_is_not_called(tmp_path, monkeypatch, dialect):
    monkeypatch.delenv("PLANTED_KEY")
    async with serving(answer(body=good(dialect))) as (url, received):
        found = await one(tmp_path, url, dialect)
    assert not received
    assert (found.key, found.reached, found.message, found.pull) == (
        "missing: set PLANTED_KEY",
        "not tried",
        "not tried",
        "not tried",
    )
    assert found.advice == "set PLANTED_KEY; keys come from the environment alone"
    assert not found.ok
    assert not found.key_ok


async def test_a_server_that_wants_no_key_is_called_without_one(tmp_path):
    async with serving(answer(body=good("openai", '{"messages": []}'))) as (url, received):
        found = await one(tmp_path, url, "openai", key="none")
    assert found.key == "none wanted"
    assert KEY not in received[0]["head"]


async def test_without_talk_nothing_is_sent(tmp_path):
    async with serving(answer(body=good("openai"))) as (url, received):
        found = await checkup(configs_of(tmp_path, url), budget_usd=1.0, talk=False)
    assert not received
    assert [(one.model, one.key, one.reached, one.schema) for one in found] == [
        ("o", "set", "not tried", "not tried"),
        ("a", "set", "not tried", "not tried"),
    ]
    assert all(one.key_ok and not one.ok for one in found)


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_port_where_nobody_listens_is_not_reached(tmp_path, dialect):
    async with serving(answer()) as (url, _):
        pass
    found = await one(tmp_path, url, dialect)
    assert found.reached == f"no: {MODELS[dialect]}: no connection: {url.removeprefix('http://')} refuses it"
    assert (found.message, found.pull, found.schema) == ("connection", "not tried", "not tried")
    assert found.advice == "check `base_url`, and that the server runs"
    assert (found.latency_s, found.input_tokens, found.cost_usd) == (None, None, 0.0)
    assert not found.ok


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_server_that_answers_prose_does_not_enforce_the_schema(tmp_path, dialect):
    async with serving(
        answer(body=good(dialect, '{"messages": []}')),
        answer(body=good(dialect, 'I pull {"pull": "A"}.')),
        answer(body=good(dialect, "hello")),
    ) as (url, _):
        found = await one(tmp_path, url, dialect)
    assert found.schema == "accepted, not enforced"
    assert found.ok  # what it says can be read all the same
    assert "json_schema: false" in found.advice


async def test_a_reply_cut_off_says_nothing_of_the_schema(tmp_path):
    cut = good("anthropic", '{"pull', stop_reason="max_tokens")
    async with serving(answer(body=good("anthropic", '{"messages": []}')), answer(body=cut)) as (url, _):
        found = await one(tmp_path, url, "anthropic")
    assert (found.message, found.pull, found.schema) == ("valid", "truncated", "unclear: the reply was cut off")
    assert found.advice == "raise `max_tokens` (now 300): thinking counts against it"
    assert not found.ok


async def test_where_no_schema_is_asked_for_none_is_probed(tmp_path):
    async with refusing("openai", constrained) as (url, bodies):
        found = await one(tmp_path, url, "openai", json_schema=False)
    assert found.schema == "not asked for"
    assert (found.message, found.pull) == ("valid", "no_such_player")
    assert len(bodies) == 2


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_refused_schema_is_told_from_a_refused_model(tmp_path, dialect):
    async with refusing(dialect, constrained) as (url, bodies):
        found = await one(tmp_path, url, dialect)
    assert (found.reached, found.schema) == ("yes", "refused")
    assert (found.message, found.pull) == ("request_refused", "not tried")
    assert "json_schema: false" in found.advice
    assert not found.ok
    with_schema, without = bodies
    assert with_schema["messages"] == without["messages"]
    (tmp_path / "again").mkdir()
    async with refusing(dialect, lambda _: True) as (url, bodies):
        found = await one(tmp_path / "again", url, dialect)
    assert found.reached == f"no: {MODELS[dialect]}: HTTP 400 (invalid_request_error)"
    assert (found.schema, len(bodies)) == ("not tried", 2)


async def test_only_the_probe_refused_is_a_schema_refused_too(tmp_path):
    def refused(body):
        return constrained(body) and schema_of(body) == PROBE.schema

    async with refusing("openai", refused, '{"messages": [], "pull": "A"}') as (url, _):
        found = await one(tmp_path, url, "openai")
    assert (found.reached, found.schema, found.message, found.pull) == ("yes", "refused", "valid", "valid")


@pytest.mark.parametrize(
    ("fault", "kind"), [("401", "no_key"), ("quota", "no_credit"), ("html", "broken_reply"), ("500", "server_error")]
)
async def test_every_fault_is_a_line_of_its_model_and_no_field_holds_the_key(tmp_path, fault, kind):
    with hostile(always=fault) as url:
        found = await checkup(hostile_configs(tmp_path / "c", url, retries=0, timeout_s=30), budget_usd=1.0)
    for one in found:
        assert (one.message, one.pull, one.ok) == (kind, "not tried", False)
        assert one.reached.startswith(f"no: {one.model}: ")
        assert one.advice
        assert KEY not in json.dumps(asdict(one))
    # What came back broken or failed inside the server may have been charged for; what was refused was not.
    assert all((one.cost_usd > 0) == (fault in {"html", "500"}) for one in found)


async def test_a_malformed_key_is_told_of_unquoted(tmp_path, monkeypatch):
    monkeypatch.setenv("PLANTED_KEY", f"{KEY}\r\n")
    async with serving(answer()) as (url, received):
        found = await one(tmp_path, url, "openai")
    assert not received
    assert "PLANTED_KEY holds characters that no key has" in found.key
    assert not found.key_ok
    assert KEY not in repr(found)


async def test_a_reply_that_quotes_the_key_shows_it_nowhere(tmp_path):
    async with serving(answer(body=good("openai", f'{{"pull": "{KEY}"}}'))) as (url, _):
        found = await one(tmp_path, url, "openai")
    assert found.message == "wrong_phase"
    assert KEY not in repr(found)


def test_a_password_in_the_address_is_refused_unquoted(tmp_path):
    with pytest.raises(ConfigError, match="holds a user or password") as caught:
        configs_of(tmp_path, f"http://someone:{KEY}@127.0.0.1:1")
    assert KEY not in str(caught.value)


async def test_what_the_budget_does_not_allow_is_not_asked(tmp_path):
    async with serving(answer(body=good("openai"))) as (url, received):
        found = await checkup(configs_of(tmp_path, url), budget_usd=0.0001)
    assert not received
    for one in found:
        assert one.reached == one.message == one.pull == "not tried"
        assert "the doctor's budget of $0.00 would be exceeded" in one.advice
        assert (one.cost_usd, one.ok) == (0.0, False)


async def test_the_budget_ends_a_checkup_between_two_calls(tmp_path):
    untold = answer(
        body=good("openai", '{"messages": []}', usage=None)
    )  # so each call is taken to cost the most it can
    async with serving(untold) as (url, received):
        whole = await one(tmp_path, url, "openai")
        (tmp_path / "again").mkdir()
        found = await one(tmp_path / "again", url, "openai", budget_usd=whole.cost_usd / 2)
    assert len(received) == 3 + 1
    assert whole.input_tokens is None
    assert (found.reached, found.message, found.pull, found.schema) == ("yes", "valid", "not tried", "not tried")
    assert 0 < found.cost_usd <= whole.cost_usd / 2
    assert "the doctor's budget" in found.advice


async def test_a_sick_model_does_not_keep_the_others_from_being_checked(tmp_path):
    with hostile() as url:
        configs = hostile_configs(tmp_path / "c", url, timeout_s=30)
        sick = configs.models["o"].model_copy(update={"base_url": "http://127.0.0.1:1", "max_retries": 0})
        configs.models["o"] = sick
        found = {one.model: one for one in await checkup(configs, ["a", "o", "a"], budget_usd=1.0)}
    assert list(found) == ["a", "o"]
    assert found["a"].ok
    assert found["o"].reached == "no: o: no connection: 127.0.0.1:1 refuses it"


async def test_a_server_that_charges_too_much_keeps_no_other_model_from_being_checked(tmp_path):
    greedy = json.loads(good("openai", '{"messages": []}'))
    greedy["usage"]["completion_tokens"] = 20_000
    async with serving(answer(body=json.dumps(greedy))) as (url, _):
        with hostile() as other:
            configs = hostile_configs(tmp_path / "c", other, timeout_s=30)
            configs.models["o"] = configs.models["o"].model_copy(update={"base_url": url})
            found = {one.model: one for one in await checkup(configs, ["o", "a"], budget_usd=5.0)}
    assert found["a"].ok
    assert found["o"].advice.startswith("the server charged $0.30")


async def test_a_misspelt_model_and_a_missing_prompt_are_bad_configuration(tmp_path):
    configs = configs_of(tmp_path, "http://127.0.0.1:1")
    with pytest.raises(ConfigError, match=r"no model 'oo'.*did you mean 'o'"):
        await checkup(configs, ["oo"], budget_usd=1.0)
    (tmp_path / "prompts").unlink()
    with pytest.raises(PromptError, match="no such prompt file"):
        await checkup(configs, ["o"], budget_usd=1.0)


@pytest.mark.parametrize(
    ("body", "message", "part"),
    [
        (
            good("openai", "", choices=[thinks(None, "length")]),
            "empty truncated",
            "all tokens went into reasoning: raise `max_tokens`",
        ),
        (
            good("openai", "", choices=[thinks("hm", "length")]),
            "empty truncated",
            "all tokens went into reasoning: raise `max_tokens`",
        ),
        (good("openai", "", choices=[thinks('{"messages": []}', "stop")]), "empty", "the server's reasoning parser"),
        (good("openai", ""), "empty", "without a word"),
        (good("openai", "", choices=[{"finish_reason": "SAFETY"}]), "refusal", "declines these prompts"),
        (good("openai", "Hm, well"), "unreadable", "expect re-asks and forfeits"),
    ],
)
async def test_advice_names_the_cause_that_the_replies_show(tmp_path, body, message, part):
    async with serving(answer(body=body)) as (url, _):
        found = await one(tmp_path, url, "openai", json_schema=False)
    assert found.message in message.split()
    assert part in found.advice


@pytest.mark.parametrize(
    ("status", "error", "part"),
    [
        (400, {"code": "unsupported_parameter", "param": "max_tokens"}, "params: {max_tokens: null}"),
        (400, {"message": "Developer instruction is not enabled for models/x"}, "set `system: false`"),
        (400, {"code": "context_length_exceeded"}, "resuming won't help"),
        (404, {"code": "model_not_found"}, "check `id`"),
        (400, {"message": "Your credit balance is too low"}, "add credit"),
        (400, {"message": "API key not valid"}, "check the key"),
        (400, {"message": "max_tokens: 300 > 256, which is the maximum"}, "lower `max_tokens`"),
        (400, {"param": "messages[0].name", "code": "invalid_value"}, "chat template"),
        (400, {"param": "response_format.json_schema", "code": "invalid_value"}, "json_schema: false"),
    ],
)
async def test_advice_names_the_cause_that_the_server_shows(tmp_path, status, error, part):
    async with serving(answer(status, json.dumps({"error": error}))) as (url, _):
        found = await one(tmp_path, url, "openai", json_schema=False)
    assert part in found.advice


@pytest.mark.parametrize(
    ("url", "part"),
    [("http://no-such-host.invalid/v1", "check the host name"), ("http://127.0.0.1:1", "that the server runs")],
)
async def test_advice_names_the_cause_that_the_line_shows(tmp_path, url, part):
    found = await one(tmp_path, url, "openai")
    assert part in found.advice
    assert found.cost_usd == 0.0
