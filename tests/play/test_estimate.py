"""What an arm still needs: rehearsed where nobody has played, measured where somebody has."""

import asyncio
import itertools
import json
import random
import re
from contextlib import asynccontextmanager, suppress

import polars as pl
import pytest

from di_assets.arms import load_configs, plan
from di_assets.calls.calibration import by_doctor
from di_assets.play.batch import play_batch
from di_assets.play.doctor import checkup
from di_assets.play.estimate import estimate
from di_assets.play.rehearsal import rehearse
from di_assets.play.use import REHEARSED
from di_assets.tables import Warehouse
from tests.conftest import ROOT
from tests.play.hostility import KEY, hostile, hostile_configs
from tests.providers.hostile import names_in
from tests.providers.server import answer, good


def test_the_calls_of_an_arm_are_seats_times_rounds_times_phases(configs, tmp_path):
    need = estimate(configs, configs.arm("04_attack_complete"), Warehouse(tmp_path))
    assert (need.planned, need.left) == (375, 375)
    assert sum(one.calls for one in need.needs) == 375 * 5 * 25 * 2
    assert {one.basis for one in need.needs} == {REHEARSED}
    silent = estimate(configs, configs.arm("05_attack_nomsg"), Warehouse(tmp_path))
    assert sum(one.calls for one in silent.needs) == 375 * 5 * 25
    assert silent.cost_usd < need.cost_usd
    muted = estimate(configs, configs.arm("06_focal_muted"), Warehouse(tmp_path))
    assert sum(one.calls for one in muted.needs) == 375 * (5 + 4) * 25
    assert muted.cost_usd < need.cost_usd


def test_scripted_agents_need_nothing(configs, tmp_path):
    need = estimate(configs, configs.arm("demo_attack"), Warehouse(tmp_path))
    assert (need.left, need.needs, need.cost_usd, need.hours) == (75, (), 0.0, 0.0)


def test_what_a_seat_has_seen_stands_first_word_for_word_in_all_it_is_sent(configs):
    arm = configs.arm("04_attack_complete")
    prompts = rehearse(plan(arm)[0], arm, configs)
    assert set(prompts) == set(range(5))
    for seat in prompts.values():
        assert len(seat) == 50
        for before, after in itertools.pairwise(seat):
            assert before.request.system == after.request.system
            # The seat's own reply and a new turn follow; nothing before them has changed.
            assert after.request.turns[: len(before.request.turns)] == before.request.turns
            assert 0 < after.seen.bytes <= after.sent.bytes
            assert 0 < after.seen.pieces <= after.sent.pieces


@pytest.fixture(scope="module")
def quiet():
    with hostile(latency=0.02) as url:
        yield url


def test_a_played_model_is_measured_and_what_is_left_shrinks(quiet, tmp_path, monkeypatch):
    monkeypatch.setenv("PLANTED_KEY", KEY)
    configs, warehouse = hostile_configs(tmp_path / "configs", quiet, episodes=8), Warehouse(tmp_path / "w")
    arm = configs.arm("hard")
    play_batch(configs, arm, "hard--b00", warehouse, limit=6)
    need = estimate(configs, arm, warehouse)
    assert (need.planned, need.left) == (8, 2)
    assert {one.basis for one in need.needs} == {"measured in 6 episodes of this arm"}
    cost = warehouse.read("calls").group_by("model").agg(pl.len(), pl.col("cost_usd").sum())
    seats = dict(warehouse.read("seats").group_by("model").len().iter_rows())
    for model, calls, dollars in cost.iter_rows():
        one = next(one for one in need.needs if one.model == model)
        assert one.calls == round(calls / seats[model] * one.seats)
        assert one.cost_usd == pytest.approx(dollars / seats[model] * one.seats)
        assert one.seconds_per_call >= 0.01
    other = arm.model_copy(update={"name": "other", "id": "other--{focal}_r{replicate}"})
    assert {one.basis for one in estimate(configs, other, warehouse).needs} == {"measured in 6 episodes of other arms"}


def test_limits_set_the_least_hours(tmp_path):
    folder = tmp_path / "configs"
    configs = hostile_configs(folder, "http://127.0.0.1:1", episodes=200, in_flight=1000, concurrency=1000)
    arm, nothing = configs.arm("hard"), Warehouse(tmp_path)
    free = estimate(configs, arm, nothing)
    calls = sum(one.calls for one in free.needs)
    text = (folder / "models.yaml").read_text()
    (folder / "models.yaml").write_text(text + "accounts:\n  127.0.0.1:1: {requests_per_minute: 10}\n")
    assert estimate(load_configs(folder), arm, nothing).hours == pytest.approx(calls / 10 / 60)
    (folder / "models.yaml").write_text(text + "accounts:\n  127.0.0.1:1: {concurrency: 2}\n")
    assert estimate(load_configs(folder), arm, nothing).hours == pytest.approx(calls * 3 / 2 / 3600)


def _words(text):
    return len(re.findall(r"\w+|[^\w\s]", text))


# Tokenizers that differ: tokens of a request's body, and of a reply's text.
TOKENIZERS = {
    "bytes": (lambda raw: len(raw) // 3, lambda text: len(text) // 3),
    "words": (lambda raw: sum(_words(turn["content"]) + 3 for turn in json.loads(raw)["messages"]), _words),
    "thinks": (lambda raw: len(raw) * 2 // 5, lambda text: 150 + len(text) // 4),
}


@asynccontextmanager
async def tokenizing(tokenizer, *, seed=3, told=None, rambles=0):
    """A server that writes messages of its own length, counts tokens in its own way, and tells more usage than that.

    It rambles, and uses no name, when asked for a message in a talk of at most `rambles` turns.
    """
    sent_of, received_of = TOKENIZERS[tokenizer]

    async def handle(reader, writer):
        with suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
                raw = await reader.readexactly(int(head.split("content-length:")[1].split("\r\n")[0]))
                rng, body = random.Random(f"{seed}{raw}"), json.loads(raw)
                phase, names = names_in(body["response_format"]["json_schema"]["schema"])
                said = [{"to": name, "text": " ".join(["friend"] * rng.randint(8, 12))} for name in names[:3]]
                text = json.dumps({"pull": rng.choice(names)} if phase == "pull" else {"messages": said})
                if phase == "messages" and len(body["messages"]) <= rambles:
                    text = " ".join(["Well"] * rng.randint(300, 400))
                usage = {"prompt_tokens": sent_of(raw), "completion_tokens": received_of(text)} | (told or {})
                writer.write(answer(body=good("openai", text, usage=usage)))
                await writer.drain()
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0, limit=2**22)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


def arm_of(folder, url, *, channel="open", rounds=8, episodes=1, price="input: 3, output: 15"):
    folder.mkdir()
    (folder / "prompts").symlink_to(ROOT / "configs" / "prompts")
    (folder / "models.yaml").write_text(
        f"models:\n  m: {{provider: openai, id: x, base_url: '{url}/v1', key: none, max_tokens: 400, "
        f"price: {{{price}}}}}\n"
    )
    (folder / "paid.yaml").write_text(
        "title: Paid\nid: paid--{focal}_r{replicate}\nfocal: [m]\nbackground: [m, m, m, m]\n"
        f"episodes: {episodes}\nrounds: {rounds}\nchannel: {channel}\nbudget_usd: 100\n"
    )
    return load_configs(folder)


@pytest.mark.parametrize("tokenizer", TOKENIZERS)
@pytest.mark.parametrize("channel", ["open", "none"])
async def test_the_plan_made_before_play_is_near_what_is_then_spent_once_the_doctor_was_there(
    tmp_path, tokenizer, channel
):
    async with tokenizing(tokenizer) as url:
        configs, warehouse = arm_of(tmp_path / "c", url, channel=channel), Warehouse(tmp_path / "w")
        arm = configs.arm("paid")
        before = await asyncio.to_thread(estimate, configs, arm, warehouse)
        await checkup(configs, ["m"], budget_usd=1.0, warehouse=warehouse)
        plan_ = await asyncio.to_thread(estimate, configs, arm, warehouse)
        result = await asyncio.to_thread(play_batch, configs, arm, "paid--b00", warehouse)
    assert result.left == 0
    print(f"{tokenizer:8} {channel:5} planned ${before.cost_usd:.4f} blind, ${plan_.cost_usd:.4f} after the doctor "
          f"(${plan_.low_usd:.4f} to ${plan_.high_usd:.4f}), spent ${result.cost_usd:.4f}")  # fmt: skip
    assert {need.basis for need in before.needs} == {REHEARSED}
    assert before.low_usd < result.cost_usd < before.high_usd
    assert plan_.low_usd < result.cost_usd < plan_.high_usd
    assert plan_.cost_usd == pytest.approx(result.cost_usd, rel=0.15)
    assert [need.basis for need in plan_.needs] == [f"{REHEARSED} by doctor, 3 calls"]
    assert not any(need.unsteady for need in plan_.needs)


@pytest.mark.parametrize("told", [{}, {"prompt_tokens_details": {"cached_tokens": 0}}])
async def test_a_cache_that_nobody_saw_is_no_saving_to_count_on(tmp_path, told):
    async with tokenizing("bytes", told=told) as url:
        configs = arm_of(tmp_path / "c", url, rounds=4, price="input: 3, cached: 0.3, output: 15")
        warehouse, arm = Warehouse(tmp_path / "w"), configs.arm("paid")
        before = await asyncio.to_thread(estimate, configs, arm, warehouse)
        await checkup(configs, ["m"], budget_usd=1.0, warehouse=warehouse)
        plan_ = await asyncio.to_thread(estimate, configs, arm, warehouse)
        result = await asyncio.to_thread(play_batch, configs, arm, "paid--b00", warehouse)
    assert before.low_usd < result.cost_usd < before.high_usd
    assert plan_.low_usd < result.cost_usd < plan_.high_usd
    if not told:  # a server that tells nothing of a cache charges for all that is sent
        assert plan_.cost_usd == pytest.approx(result.cost_usd, rel=0.15)


@pytest.mark.parametrize("channel", ["open", "none"])
async def test_of_a_model_that_rambles_at_first_one_episode_tells_what_the_doctor_cannot(tmp_path, channel):
    async with tokenizing("words", rambles=3) as url:
        configs, warehouse = arm_of(tmp_path / "c", url, channel=channel, episodes=4), Warehouse(tmp_path / "w")
        arm = configs.arm("paid")
        await checkup(configs, ["m"], budget_usd=1.0, warehouse=warehouse)
        rough = await asyncio.to_thread(estimate, configs, arm, warehouse)
        one = await asyncio.to_thread(play_batch, configs, arm, "paid--b00", warehouse, limit=1)
        near = await asyncio.to_thread(estimate, configs, arm, warehouse)
        rest = await asyncio.to_thread(play_batch, configs, arm, "paid--b00", warehouse)
    print(f"{channel} planned ${rough.cost_usd:.4f} (${rough.low_usd:.4f} to ${rough.high_usd:.4f}), "
          f"spent ${one.cost_usd + rest.cost_usd:.4f}; after an episode ${near.cost_usd:.4f}, ${rest.cost_usd:.4f}")  # fmt: skip
    assert [need.unsteady for need in rough.needs] == [True]
    assert rough.low_usd < one.cost_usd + rest.cost_usd < rough.high_usd
    assert [need.unsteady for need in near.needs] == [False]
    assert near.cost_usd == pytest.approx(rest.cost_usd, rel=0.15)


async def test_half_a_line_of_the_doctors_costs_no_other(tmp_path):
    async with tokenizing("bytes") as url:
        configs, warehouse = arm_of(tmp_path / "c", url, rounds=2), Warehouse(tmp_path / "w")
        await checkup(configs, ["m"], budget_usd=1.0, warehouse=warehouse)
        kept = by_doctor(warehouse, "m", configs.models["m"])
        (file,) = (tmp_path / "w" / "doctor").iterdir()
        whole = file.read_bytes()
        file.write_bytes(whole + whole[: len(whole) // 2])  # as a full disk leaves it
        assert by_doctor(warehouse, "m", configs.models["m"]) == kept
        await checkup(configs, ["m"], budget_usd=1.0, warehouse=warehouse)
    assert by_doctor(warehouse, "m", configs.models["m"]).basis == "doctor, 6 calls"
    file.write_bytes(b"\x00\xff{}\n[]\n" + whole)
    assert by_doctor(warehouse, "m", configs.models["m"]) == kept


async def test_what_the_doctor_measured_of_another_configuration_does_not_count(tmp_path):
    async with tokenizing("bytes") as url:
        configs, warehouse = arm_of(tmp_path / "c", url, rounds=2), Warehouse(tmp_path / "w")
        await checkup(configs, ["m"], budget_usd=1.0, warehouse=warehouse)
    config = configs.models["m"]
    assert by_doctor(warehouse, "m", config) is not None
    assert by_doctor(warehouse, "m", config.model_copy(update={"params": {"reasoning_effort": "high"}})) is None
    assert by_doctor(warehouse, "other", config) is None
