"""Progress: arms counted against their plans, and calls counted by how they ended; literal tables in, literal rows out."""

from datetime import UTC, datetime

import polars as pl
import pytest

from di_assets.arms import Nightly, load_configs
from di_assets.play.batch import play_batch
from di_assets.play.launches import add_launch
from di_assets.report.progress.arms import (
    ArmProgress,
    NextNight,
    ProgressError,
    arm_estimates,
    arm_progress,
    call_statuses,
    journals_version,
    plans_version,
    read_estimates,
    read_progress,
)
from di_assets.tables import TABLES, Warehouse
from tests.conftest import write_small_configs

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)
MODELS = """models:
  dear: {provider: openai, id: dear, base_url: "http://127.0.0.1:1/v1", key: none, price: {input: 1000, output: 4000}, requests_per_minute: 10}
"""
PAID = """title: Paid
id: paid--{focal}_r{replicate}
focal: [dear]
background: [gullible, tit_for_tat, bandwagon, loyal]
episodes: 4
rounds: 5
budget_usd: 9
nightly: {cron: "0 1 * * *"}
"""


@pytest.fixture
def warehouse(tmp_path):
    return Warehouse(tmp_path / "warehouse")


@pytest.fixture
def folder(tmp_path):
    """The small configuration and an arm with one paid seat, four episodes."""
    folder = tmp_path / "configs"
    folder.mkdir()
    write_small_configs(folder)
    (folder / "models.yaml").write_text(MODELS)
    (folder / "paid.yaml").write_text(PAID)
    return folder


def calls(*rows):
    """Rows of `calls` from (model, provider, status, retried)."""
    return TABLES["calls"].frame(
        [
            ("e", number, 1, "pull", 0, 0, 0, provider, model, "hash", "", None, status, None, 100, 0, 10, 0.5, 2.0, NOON, retried, "r", 1.0, "live")
            for number, (model, provider, status, retried) in enumerate(rows)
        ]
    )  # fmt: skip


def episodes(*rows):
    """Rows of `episodes` of the paid arm from (replicate, status, US dollars)."""
    return TABLES["episodes"].frame(
        [
            (f"paid--dear_r{k}", "paid", "paid--b00", None, "complete/pure/msg-on", "complete", "pure", "open", "dear", 0, k, k, 5, 5,
             False, status, None, NOON, None, "1", "2", "live", "p", "c", "j", 1, 0, 1, 1, usd)
            for k, status, usd in rows
        ]
    )  # fmt: skip


def test_every_way_that_a_models_calls_ended_is_a_row(warehouse):
    warehouse.write(
        "calls",
        calls(
            ("m", "openai", "ok", None),
            ("m", "openai", "ok", "timeout"),
            ("m", "openai", "ok", "rate_limit timeout"),
            ("m", "openai", "refusal", None),
            ("m", "openai", "unreadable", None),
            ("m", "openai", "truncated", "rate_limit rate_limit"),
            ("m", "openai", "unreadable", None),
            ("m", "openai", "server_error", "server_error"),
            ("m", "openai", "interrupted", None),
            ("m", "openai", "connection", None),
            ("gullible", "scripted", "ok", None),
            ("gullible", "scripted", "ok", None),
            ("gullible", "scripted", "ok", None),
            ("gullible", "scripted", "empty", None),
        ),
        "a--b00",
    )
    assert call_statuses(warehouse).rows() == [
        ("m", False, "reply", "ok", 3, 0.3),
        ("m", False, "invalid reply", "unreadable", 2, 0.2),
        ("m", False, "invalid reply", "refusal", 1, 0.1),
        ("m", False, "invalid reply", "truncated", 1, 0.1),
        ("m", False, "fault", "connection", 1, 0.1),
        ("m", False, "fault", "interrupted", 1, 0.1),
        ("m", False, "fault", "server_error", 1, 0.1),
        ("m", False, "fault, retried", "rate_limit", 3, None),
        ("m", False, "fault, retried", "timeout", 2, None),
        ("m", False, "fault, retried", "server_error", 1, None),
        ("gullible", True, "reply", "ok", 3, 0.75),
        ("gullible", True, "invalid reply", "empty", 1, 0.25),
    ]


def test_a_model_reached_through_two_dialects_has_one_row_a_status(warehouse):
    warehouse.write("calls", calls(("m", "openai", "ok", None), ("m", "anthropic", "ok", None)), "a--b00")
    assert call_statuses(warehouse).rows() == [("m", False, "reply", "ok", 2, 1.0)]


def test_where_nothing_is_played_no_call_has_ended(warehouse):
    found = call_statuses(warehouse)
    assert found.columns == ["model", "scripted", "what", "status", "n", "share"]
    assert found.height == 0


def test_a_played_scripted_arm_is_complete_and_free(small_configs, warehouse):
    play_batch(small_configs, small_configs.arm("talk"), "talk--b00", warehouse, limit=5)
    rows = arm_progress(small_configs, warehouse, estimates=arm_estimates(small_configs, warehouse))
    assert rows == [
        ArmProgress("loop", "Loop", "ring/pure/msg-on", True, 2, 0, 0, 0, 2, 0.0, None, 0.0, 0.0, None, "loop--b00"),
        ArmProgress(
            "mute", "Mute", "complete/pure/msg-off", True, 12, 0, 0, 0, 12, 0.0, None, 0.0, 0.0, None, "mute--b00"
        ),
        ArmProgress(
            "talk", "Talk", "complete/pure/msg-on", True, 12, 5, 0, 0, 7, 0.0, None, 0.0, 0.0, None, "talk--b00"
        ),
    ]


def paid(folder, warehouse, **estimates):
    (row,) = [row for row in read_progress(folder, warehouse, estimates=estimates) if row.arm == "paid"]
    return row


def test_failed_and_stopped_episodes_are_left_and_what_they_cost_is_spent(folder, warehouse):
    """Replicate 9 is of a longer plan: its cost counts, it does not."""
    held = (0, "complete", 2.0), (1, "failed", 0.5), (2, "stopped", 0.25), (9, "complete", 1.0)
    warehouse.write("episodes", episodes(*held), "paid--b00")
    assert paid(folder, warehouse) == ArmProgress(
        arm="paid",
        title="Paid",
        condition="complete/pure/msg-on",
        scripted=False,
        planned=4,
        complete=1,
        failed=1,
        stopped=1,
        left=3,
        spent_usd=3.75,
        budget_usd=9.0,
        left_usd=None,
        hours=None,
        nightly=NextNight(Nightly(cron="0 1 * * *"), batch="paid--b00", episodes=3),
        first_batch="paid--b00",
    )


def test_what_is_left_is_priced_as_the_model_has_played_so_far(folder, warehouse):
    """One seat in one complete episode: two calls of half a dollar; three episodes left are six, at ten a minute."""
    warehouse.write("episodes", episodes((0, "complete", 1.0)), "paid--b00")
    warehouse.write("seats", TABLES["seats"].frame([("paid--dear_r0", 0, "A", "dear", "focal", "llm")]), "paid--b00")
    asked = calls(("dear", "openai", "ok", None), ("dear", "openai", "ok", None))
    warehouse.write("calls", asked.with_columns(episode_id=pl.lit("paid--dear_r0")), "paid--b00")
    row = paid(folder, warehouse, **read_estimates(folder, warehouse))
    assert (row.complete, row.left, row.left_usd) == (1, 3, 3.0)
    assert (row.nightly.episodes, row.nightly.cost_usd) == (3, 3.0)
    assert row.hours == pytest.approx(36 / 3600)  # six calls at ten a minute; the turns alone: 10 of 2 s


def test_the_next_night_of_a_nightly_arm_is_told_and_why_it_rests(folder, warehouse):
    night = paid(folder, warehouse).nightly
    assert night.words == "0 1 * * * (UTC)"
    assert night.begins(NOON) == datetime(2026, 7, 2, 1, tzinfo=UTC)
    warehouse.write("episodes", episodes(*((k, "complete", 1.0) for k in range(4))), "paid--b00")
    assert paid(folder, warehouse).nightly.rest == "every planned episode of paid is complete"
    warehouse.write("episodes", episodes((0, "complete", 9.0)), "paid--b00")
    rest = paid(folder, warehouse).nightly
    assert rest.rest == "the budget of paid is spent ($9.00 of $9.00); 3 of its episodes are left to play"
    assert (rest.batch, rest.cost_usd) == (None, None)


def test_counts_agree_with_estimates(folder, warehouse):
    warehouse.write("episodes", episodes((0, "complete", 1.0), (3, "failed", 0.0)), "paid--b00")
    estimates = read_estimates(folder, warehouse)
    rows = read_progress(folder, warehouse, estimates=estimates)
    assert [(row.arm, row.planned, row.left) for row in rows] == [
        (name, need.planned, need.left) for name, need in estimates.items()
    ]


def test_every_launch_is_planned_anew(small_configs, warehouse):
    def planned():
        return arm_progress(small_configs, warehouse, estimates={})[0].planned

    first = planned()
    for time in ("2026-06-27T14-43-44-00-00", "2026-06-28T15-48-13-00-00"):
        add_launch(warehouse, small_configs.arm("loop"), time)
    assert (first, planned()) == (2, 4)


def test_wrong_configuration_is_one_line(folder, warehouse):
    (folder / "paid.yaml").write_text(PAID.replace("title", "titel"))
    for read in (read_estimates, lambda *args: read_progress(*args, estimates={})):
        with pytest.raises(ProgressError, match=r"paid.yaml:1: titel: no such key \(did you mean 'title'\?\)$"):
            read(folder, warehouse)


def test_a_missing_prompt_is_named(folder, warehouse):
    (folder / "prompts").unlink()
    assert paid(folder, warehouse).planned == 4
    with pytest.raises(ProgressError, match=r"prompts/system.md.j2: no such prompt file$"):
        read_estimates(folder, warehouse)


def test_a_journal_that_cannot_be_read_hides_no_arm(folder, warehouse):
    journal = warehouse.journal / "paid--b00" / "paid--dear_r0.jsonl"
    journal.parent.mkdir(parents=True)
    journal.write_text("nonsense\nnonsense\n")
    assert paid(folder, warehouse).planned == 4


def test_a_journal_cleared_meanwhile_is_read_again(folder, warehouse, monkeypatch):
    from di_assets.report.progress import arms as progress

    tries = []

    def once_gone(warehouse, arm):
        tries.append(arm.name)
        if len(tries) == 1:
            raise FileNotFoundError
        return 1.5

    monkeypatch.setattr(progress, "spent_so_far", once_gone)
    assert arm_progress(load_configs(folder), warehouse, estimates={})[0].spent_usd == 1.5


def test_versions_change_with_what_they_stand_for(folder, warehouse, small_configs):
    seen = []

    def changed():
        now = plans_version(folder, warehouse), journals_version(warehouse)
        differs = [a != b for a, b in zip(now, seen[-1], strict=True)] if seen else [True, True]
        seen.append(now)
        return differs

    assert changed() == [True, True]
    assert changed() == [False, False]
    (folder / "paid.yaml").write_text(PAID.replace("episodes: 4", "episodes: 14"))
    assert changed() == [True, False]
    warehouse.write("episodes", episodes((0, "complete", 1.0)), "paid--b00")
    assert changed() == [True, False]
    add_launch(warehouse, small_configs.arm("loop"), "2026-06-27T14-43-44-00-00")
    assert changed() == [True, False]
    journal = warehouse.journal / "paid--b00" / "paid--dear_r0.jsonl"
    journal.parent.mkdir(parents=True)
    journal.write_text("{}\n")
    assert changed() == [False, True]
    (folder / "prompts").unlink()
    (folder / "prompts").mkdir()
    (folder / "prompts" / "turn.md.j2").write_text("")
    assert changed() == [True, False]
