"""Muted and replaced models over real HTTP, in both dialects: who is asked, what arrives, what is planned, replay."""

import json

import polars as pl
import pytest

from di_assets.arms import load_configs
from di_assets.play.batch import play_batch
from di_assets.play.estimate import estimate
from di_assets.play.use import REHEARSED
from di_assets.play.verify import verify
from di_assets.tables import Warehouse
from tests.play.hostility import KEY, hostile, hostile_configs

EPISODES, ROUNDS = 2, 2
# Seats asked for messages, of the focal one and its four rivals.
WRITERS = {"focal_muted": (0, 4), "rivals_muted": (1, 0), "placebo": (1, 4)}


@pytest.fixture(scope="module")
def arms(tmp_path_factory):
    """Configuration with one control a channel, and a warehouse in which all are played by an orderly model."""
    folder = tmp_path_factory.mktemp("channels")
    with pytest.MonkeyPatch.context() as patch, hostile() as url:
        patch.setenv("PLANTED_KEY", KEY)
        hostile_configs(folder / "configs", url, episodes=EPISODES, rounds=ROUNDS)
        for channel in WRITERS:
            text = (
                f"title: X\nid: {channel}--{{focal}}_r{{replicate}}\nmirrors: hard\nchannel: {channel}\nbudget_usd: 9\n"
            )
            (folder / "configs" / f"{channel}.yaml").write_text(text)
        configs, warehouse = load_configs(folder / "configs"), Warehouse(folder / "w")
        for name in WRITERS:
            assert play_batch(configs, configs.arm(name), f"{name}--b00", warehouse).left == 0
    return configs, warehouse


def of(warehouse, table, channel):
    """A table's rows of one arm, with the role of the seat that was called, or that sent."""
    seat = "sender" if table == "messages" else "seat"
    roles = warehouse.read("seats").select("episode_id", pl.col("seat").alias(seat), "role")
    rows = warehouse.read(table).filter(pl.col("episode_id").str.starts_with(channel))
    return rows.join(roles, on=["episode_id", seat])


@pytest.mark.parametrize("channel", WRITERS)
def test_a_muted_seat_is_never_called_in_a_message_phase_and_every_seat_in_a_pull_phase(arms, channel):
    calls = of(arms[1], "calls", channel).filter(attempt=0)
    found = {tuple(key): n for *key, n in calls.group_by("phase", "role").len().iter_rows()}
    focal, rivals = (n * ROUNDS * EPISODES for n in WRITERS[channel])
    asked = {("message", "focal"): focal, ("message", "background"): rivals}
    pulls = {("pull", "focal"): ROUNDS * EPISODES, ("pull", "background"): 4 * ROUNDS * EPISODES}
    assert found == {key: n for key, n in {**asked, **pulls}.items() if n}


def test_muted_seats_send_nothing_and_the_others_do(arms):
    senders = {channel: set(of(arms[1], "messages", channel)["role"]) for channel in WRITERS}
    assert senders == {"focal_muted": {"background"}, "rivals_muted": {"focal"}, "placebo": {"focal", "background"}}


def test_in_a_placebo_messages_holds_what_arrived_and_calls_what_was_written(arms):
    sent = of(arms[1], "messages", "placebo").filter(role="focal")
    calls = of(arms[1], "calls", "placebo").filter(role="focal", phase="message", status="ok")
    written = {m["text"] for text in calls["reply_text"] for m in json.loads(text)["messages"]}
    assert sent.height
    assert written.isdisjoint(sent["text"])
    assert {len(text) for text in sent["text"]} <= {len(text) for text in written}
    rivals = of(arms[1], "messages", "placebo").filter(role="background")
    assert all(text.startswith("Pull me") for text in rivals["text"])


def test_every_channel_replays_to_the_same_events(arms):
    assert {(v.status, v.problem) for v in verify(*arms)} == {("ok", None)}


@pytest.mark.parametrize("channel", WRITERS)
def test_what_is_planned_is_what_is_called(arms, tmp_path, channel):
    configs, warehouse = arms
    need = estimate(configs, configs.arm(channel), Warehouse(tmp_path))
    made = of(warehouse, "calls", channel).filter(attempt=0)
    assert {one.basis for one in need.needs} == {REHEARSED}
    assert {one.model: one.calls for one in need.needs} == dict(made.group_by("model").len().iter_rows())


@pytest.mark.parametrize("channel", ["focal_muted", "rivals_muted"])
def test_a_model_measured_in_other_seats_is_planned_by_what_the_same_kind_of_seat_used(arms, channel):
    configs, warehouse = arms
    arm = configs.arm(channel).model_copy(update={"name": "other", "id": "other--{focal}_r{replicate}"})
    arm = arm.model_copy(update={"focal": ("a",), "background": ("o",) * 4})
    need = {one.model: one for one in estimate(configs, arm, warehouse).needs}
    calls = of(warehouse, "calls", channel)
    for model, role, seats in (("a", "focal", 1), ("o", "background", 4)):
        mine = calls.filter(model=model, role=role)
        used = mine.height / mine.select("episode_id", "seat").n_unique()
        assert need[model].seats == seats * arm.planned
        assert need[model].calls == round(seats * arm.planned * used)
        assert "other arms" in need[model].basis
