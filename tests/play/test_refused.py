"""One prompt that is refused is one refusal: the seat is asked again and forfeits, the others play on, resuming goes on."""

import asyncio
import json

import polars as pl
import pytest

from di_assets.arms import load_configs
from di_assets.play.batch import play_batch
from di_assets.play.verify import verify
from di_assets.tables import Warehouse
from tests.conftest import ROOT
from tests.providers.server import answer, good
from tests.providers.tls import listening

MODELS = {"calm": "openai", "strict": "openai", "other": "anthropic"}
FILTERED = {
    "error": {"code": "content_filter", "param": "prompt", "innererror": {"code": "ResponsibleAIPolicyViolation"}}
}
BLOCKED = {"type": "error", "error": {"type": "invalid_request_error", "message": "Blocked by our content filter"}}


def provider(refusing, asked):
    """Answers every request with a move, but refuses the prompts of these models by a 400."""

    async def handle(reader, writer):
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
            body = json.loads(await reader.readexactly(int(head.split("content-length:")[1].split("\r\n")[0])))
            dialect = "openai" if "/chat/completions" in head else "anthropic"
            asked.append(body["model"])
            if body["model"] in refusing:
                writer.write(answer(400, json.dumps(FILTERED if dialect == "openai" else BLOCKED)))
            else:
                usage = {"prompt_tokens": 900, "completion_tokens": 30, "input_tokens": 900, "output_tokens": 30}
                writer.write(answer(body=good(dialect, '{"pull": "A", "messages": []}', usage=usage)))
            await writer.drain()

    return handle


def arm_over(folder, port):
    (folder / "prompts").symlink_to(ROOT / "configs" / "prompts")
    base = f"http://127.0.0.1:{port}"
    models = {
        name: {
            "provider": dialect,
            "id": name,
            "base_url": f"{base}/v1" if dialect == "openai" else base,
            "key": "none",
            "price": {"input": 1, "output": 1},
            "max_retries": 2,
        }
        for name, dialect in MODELS.items()
    }
    accounts = {f"127.0.0.1:{port}": {"failures_billed": False}}
    (folder / "models.yaml").write_text(json.dumps({"models": models, "accounts": accounts}))
    (folder / "game.yaml").write_text(
        f"title: Game\nid: game--r{{replicate}}\nlineup: [{', '.join(MODELS)}]\nepisodes: 2\nseats: 3\nrounds: 2\n"
        "channel: none\nbudget_usd: 1.0\npayoff: {outside: 0.5}\n"
    )
    return load_configs(folder)


@pytest.mark.parametrize("refusing", ["strict", "other"])
async def test_a_refused_prompt_ends_no_run_and_is_counted_for_its_model(tmp_path, refusing):
    asked = []
    async with listening(provider({refusing}, asked)) as port:
        configs, warehouse = arm_over(tmp_path, port), Warehouse(tmp_path / "w")
        play = (play_batch, configs, configs.arm("game"), "game--b00", warehouse)
        first = await asyncio.to_thread(*play)
        sent = len(asked)
        again = await asyncio.to_thread(*play)
    assert (first.complete, first.stopped, again.left) == (2, None, 0)
    assert len(asked) == sent  # nothing is asked again
    calls, seats, pulls = (warehouse.read(table) for table in ("calls", "seats", "pulls"))
    counts = dict(calls.filter(status="refusal").group_by("model").len().iter_rows())
    assert counts == {refusing: 2 * 2 * 3}  # two episodes of two rounds, each asked and twice again
    assert set(calls.filter(pl.col("model") != refusing)["status"]) == {"ok"}
    assert calls.filter(status="refusal")["cost_usd"].sum() == 0
    forfeits = pulls.filter(status="forfeit").join(
        seats, left_on=["episode_id", "puller"], right_on=["episode_id", "seat"]
    )
    assert forfeits["model"].to_list() == [refusing] * 4
    verdicts = await asyncio.to_thread(lambda: [v.status for v in verify(configs, warehouse)])
    assert verdicts == ["ok", "ok"]
