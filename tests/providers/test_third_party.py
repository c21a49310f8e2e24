"""Both dialects, and whole games over them, against `llmock`: a mock server that others wrote, in a process of its own."""

import json
import os
import re
import subprocess
import sys
import time
import urllib.request

import polars as pl
import pytest

from di_assets.arms import batches, load_configs
from di_assets.play.batch import play_batch
from di_assets.play.verify import verify
from di_assets.providers import connect
from di_assets.providers.types import Endpoint, FatalFault, Request, TransportFault
from di_assets.tables import Warehouse
from tests.conftest import ROOT

pytest.importorskip(
    "llmock", reason="llmock, a mock server for both dialects, is not installed (see requirements.lock)"
)

PATHS = {"anthropic": "/anthropic", "openai": "/v1"}  # llmock's roots of the two dialects
DIALECTS = sorted(PATHS)
ASK = Request.of(
    system="These are the rules of the game.",
    turns=(("user", "The first question."), ("assistant", "The first answer."), ("user", "The second question.")),
    schema={
        "type": "object",
        "properties": {"pull": {"type": "string", "enum": ["B", "C"]}},
        "required": ["pull"],
        "additionalProperties": False,
    },
    seed=7,
    cache_key="e/A",
)


class Mock:
    """A running llmock, driven over its control addresses."""

    def __init__(self, url):
        self.url = url

    def script(self, *behaviors):
        self._control("POST", "scenario", {"behaviors": behaviors})

    def reset(self):
        self._control("POST", "reset")

    @property
    def requests(self):
        """What it received, in order, with how it answered and when."""
        return self._control("GET", "requests")["requests"]

    @property
    def findings(self):
        """What llmock itself holds against the client: waits ignored, storms, retries in vain, giving up at once."""
        return [finding["code"] for finding in self._control("GET", "verdict")["findings"]]

    def _control(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/_llmock/{path}", data=data, method=method)
        with urllib.request.urlopen(request, timeout=10) as response:
            return json.load(response)


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    log = tmp_path_factory.mktemp("llmock") / "log"
    command = [sys.executable, "-m", "llmock.cli", "serve", "--host", "127.0.0.1", "--port", "0"]
    bare = {name: value for name, value in os.environ.items() if not name.startswith("LLMOCK_")}
    with log.open("wb") as file:
        process = subprocess.Popen(
            [*command, "--response-style", "static"], stdout=subprocess.DEVNULL, stderr=file, env=bare
        )
    try:
        started = time.monotonic()
        # It takes a free port itself and logs it once it listens there.
        while not (told := re.search(r"running on (http://127\.0\.0\.1:\d+) ", log.read_text())):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() - started < 30, log.read_text()
            time.sleep(0.02)
        yield Mock(told[1])
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def mock(running):
    running.reset()
    return running


def reply(text, **more):
    return {"type": "reply", "text": text, **more}


def fail(status, **more):
    return {"type": "fail", "status": status, **more}


async def ask(mock, dialect, **options):
    options = {"timeout_s": 20.0, **options}
    client = connect(Endpoint(name="m", provider=dialect, id="api-id", base_url=mock.url + PATHS[dialect], **options))
    try:
        return await client.complete(ASK)
    finally:
        await client.close()


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_reply_comes_back_with_its_text_and_usage(mock, dialect):
    mock.script(reply("Twelve letters and more."))
    completion = await ask(mock, dialect)
    assert (completion.text, completion.stop) == ("Twelve letters and more.", "end")
    counted = sum(len(text) // 4 for text in (ASK.system, *(text for _, text in ASK.turns)))  # llmock's tokenizer
    assert (completion.input_tokens, completion.output_tokens) == (counted, len(completion.text) // 4)
    assert completion.request_id.startswith({"anthropic": "msg_", "openai": "chatcmpl-"}[dialect])
    assert [(r["provider"], r["model"], r["status"]) for r in mock.requests] == [(dialect, "api-id", 200)]


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(("finish", "stop"), [("length", "length"), ("content_filter", "refusal")])
async def test_cut_and_refused_replies_say_so(mock, dialect, finish, stop):
    mock.script(reply("I", finish_reason=finish))
    assert (await ask(mock, dialect)).stop == stop


async def test_a_reply_drawn_from_our_schema_keeps_it(mock):
    assert json.loads((await ask(mock, "openai")).text) == {"pull": "B"}


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("status", [429, 500, 529])
async def test_a_passing_fault_is_one_send_and_says_when_to_send_again(mock, dialect, status):
    mock.script(fail(status, retry_after=0.25, times=None))
    with pytest.raises(TransportFault, match=f"^m: HTTP {status}") as caught:
        await ask(mock, dialect)
    assert (caught.value.retryable, caught.value.retry_after_s) == (True, 0.25)
    assert caught.value.perhaps_paid == (status != 429)
    assert [r["status"] for r in mock.requests] == [status]


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_late_reply_is_a_transport_fault(mock, dialect):
    mock.script({"type": "delay", "seconds": 1.5})
    with pytest.raises(TransportFault, match=r"within 0\.2 s"):
        await ask(mock, dialect, timeout_s=0.2)


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("fault", [fail(400, code="context_length_exceeded"), fail(401), fail(404)])
async def test_what_no_retry_mends_is_fatal_and_not_retried(mock, dialect, fault):
    mock.script(fault)
    with pytest.raises(FatalFault, match=f"^m: HTTP {fault['status']}"):
        await ask(mock, dialect)
    assert [r["status"] for r in mock.requests] == [fault["status"]]
    assert mock.findings == []


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_spent_quota_is_fatal(mock, dialect):
    mock.script(fail(429, retry_after=0.02, code="insufficient_quota", times=None))
    with pytest.raises(FatalFault, match="insufficient_quota"):
        await ask(mock, dialect)


ROUNDS, SEATS = 2, 3
QUESTIONS = 2 * ROUNDS * SEATS  # a message and a pull of every seat, every round
ANY_TIME = '{"messages": [], "pull": "A"}'  # a valid move of every seat in either phase, where A may keep its pull
KEPT = {"outside": 0.5}


@pytest.fixture
def game(mock, tmp_path):
    """Writes an arm of one short episode, played by models at the mock server; plays it when called, again and again."""
    warehouse = Warehouse(tmp_path / "warehouse")

    def write(dialects, *, json_schema=True, **fields):
        (tmp_path / "prompts").symlink_to(ROOT / "configs" / "prompts")
        common = {"key": "none", "price": {"input": 1.0, "output": 1.0}, "timeout_s": 20, "max_retries": 3}
        models = {
            name: {
                "provider": name,
                "id": name,
                "base_url": mock.url + PATHS[name],
                "json_schema": json_schema,
                **common,
            }
            for name in dialects
        }
        arm = {"title": "Game", "id": "game--r{replicate}", "lineup": dialects, "episodes": 1, "seats": len(dialects)}
        (tmp_path / "models.yaml").write_text(json.dumps({"models": models}))  # JSON is YAML too
        (tmp_path / "game.yaml").write_text(json.dumps({**arm, "rounds": ROUNDS, "budget_usd": 1.0, **fields}))
        configs = load_configs(tmp_path)
        (batch,) = batches(configs.arm("game"))

        def play():
            return configs, play_batch(configs, configs.arm("game"), batch, warehouse), warehouse

        return play

    return write


def test_a_game_gets_through_faults_to_its_end(mock, game):
    faults = [(dialect, status) for dialect in DIALECTS for status in (429, 500, 529)]
    passing = [fail(status, retry_after=0.02, match={"provider": dialect}) for dialect, status in faults]
    mock.script(*passing, reply(ANY_TIME, times=None))
    configs, result, warehouse = game(["anthropic", "openai", "openai"], payoff=KEPT)()
    assert (result.complete, result.calls, result.stopped) == (1, QUESTIONS, None)
    assert sorted((r["provider"], r["status"]) for r in mock.requests if r["status"] != 200) == faults
    assert len(mock.requests) == QUESTIONS + len(faults)
    assert mock.findings == []
    calls, pulls, seats = (warehouse.read(table) for table in ("calls", "pulls", "seats"))
    assert calls.select(pl.col("input_tokens", "output_tokens", "cost_usd").gt(0).all()).row(0) == (True, True, True)
    told = (calls["input_tokens"].sum() + calls["output_tokens"].sum()) / 1e6
    assert result.cost_usd > told  # each 500 and 529 counts as what it can have cost
    assert set(pulls["target"]) == {seats.filter(label="A")["seat"].item()}
    assert pulls.height == ROUNDS * SEATS
    assert [v.status for v in verify(configs, warehouse)] == ["ok"]


def test_a_game_is_played_on_replies_drawn_from_our_schemas(mock, game):
    """llmock reads the schema of the OpenAI dialect and answers with the first value that keeps it."""
    _, result, warehouse = game(["openai"] * SEATS)()
    assert (result.complete, result.calls) == (1, QUESTIONS)
    assert set(warehouse.read("calls")["status"]) == {"ok"}
    assert set(warehouse.read("messages")["text"]) == {"mock-text"}
    assert warehouse.read("pulls")["status"].to_list() == ["valid"] * (ROUNDS * SEATS)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_replies_that_are_no_moves_are_forfeits_and_the_game_goes_on(mock, game, dialect):
    _, result, warehouse = game([dialect] * SEATS, json_schema=False, channel="none")()
    assert (result.complete, result.failed) == (1, 0)
    assert warehouse.read("pulls")["status"].to_list() == ["forfeit"] * (ROUNDS * SEATS)
    assert warehouse.read("calls")["status"].to_list() == ["unreadable"] * result.calls
    assert result.calls == len(mock.requests) == 3 * ROUNDS * SEATS  # each asked, and twice again


def test_an_outage_of_one_dialect_stops_a_game_which_is_resumed_where_it_stood(mock, game):
    play = game(["anthropic", "openai", "openai"], payoff=KEPT)
    mock.script(fail(503, retry_after=0.02, times=None, match={"model": "anthropic"}), reply(ANY_TIME, times=None))
    _, stopped, warehouse = play()
    assert (stopped.complete, stopped.failed, stopped.stopped) == (0, 1, None)
    assert "HTTP 503" in warehouse.read("episodes")["failure"].item()
    answered = [r for r in mock.requests if r["status"] == 200]
    assert [r["provider"] for r in answered] == ["openai"] * 2
    mock.reset()
    mock.script(reply(ANY_TIME, times=None))
    configs, resumed, _ = play()
    assert (resumed.complete, resumed.left) == (1, 0)
    assert len(mock.requests) == QUESTIONS - len(answered)  # what was answered is not asked again
    assert [v.status for v in verify(configs, warehouse)] == ["ok"]
