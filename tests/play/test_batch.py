"""Batches: played once, resumed by replay, verified; nothing lost, nothing asked twice."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace

import polars as pl
import pytest

from di_assets.agents.replies import READER_VERSION
from di_assets.arms import Configs, batches, load_configs, plan
from di_assets.calls.sealed import unsealed
from di_assets.play import batch as batch_module
from di_assets.play.batch import BatchInUseError, play_batch
from di_assets.play.launches import add_launch
from di_assets.play.verify import verify
from di_assets.tables import EVENT_TABLES, TABLES, Warehouse
from di_assets.tables.locks import locked
from tests.conftest import ROOT, bytes_of, write_small_configs

EVENTS = ("messages", "pulls", "edges", "seats")


@pytest.fixture
def warehouse(tmp_path):
    return Warehouse(tmp_path / "warehouse")


@pytest.fixture
def _journaled(monkeypatch):
    """Scripted agents' replies go to a journal, as a model's do."""
    monkeypatch.setattr(Configs, "is_free", lambda *_: False)


def play(configs, name, warehouse, **more):
    arm = configs.arm(name)
    return play_batch(configs, arm, batches(arm)[0], warehouse, **more)


def test_a_batch_is_played_once(small_configs, warehouse):
    first, second = play(small_configs, "talk", warehouse), play(small_configs, "talk", warehouse)
    assert (first.played, first.complete, first.left) == (12, 12, 0)
    assert (second.played, second.calls, second.complete) == (0, 0, 12)
    assert not list(warehouse.journal.rglob("*.jsonl"))


def test_the_next_few_can_be_played(small_configs, warehouse):
    assert [play(small_configs, "talk", warehouse, limit=5).played for _ in range(3)] == [5, 5, 2]


def test_the_same_arm_gives_the_same_bytes(small_configs, tmp_path):
    homes = [Warehouse(tmp_path / name) for name in "ab"]
    for home in homes:
        play(small_configs, "talk", home)
    for table in EVENTS:
        one, other = (bytes_of(home, table) for home in homes)
        assert one == other


def test_a_control_is_matched_seat_by_seat(small_configs):
    talk, mute = plan(small_configs.arm("talk")), plan(small_configs.arm("mute"))
    assert [p.models for p in talk] == [p.models for p in mute]
    assert [replace(p.setup, rules=q.setup.rules) for p, q in zip(talk, mute, strict=True)] == [q.setup for q in mute]


def test_launches_are_kept_apart(small_configs, warehouse):
    arm = small_configs.arm("loop")
    for launch in ("2026-06-27T14-43-44-00-00", "2026-06-28T15-48-13-00-00"):
        add_launch(warehouse, arm, launch)
        play(small_configs, "loop", warehouse)
    ids = warehouse.read("episodes")["episode_id"].to_list()
    assert ids == [
        f"loop--{t}--s{s}" for t in ("2026-06-27T14-43-44-00-00", "2026-06-28T15-48-13-00-00") for s in (1, 2)
    ]


def test_two_processes_do_not_play_one_batch(small_configs, warehouse):
    with (
        batch_module.locked_batch(warehouse.journal / "talk--b00"),
        pytest.raises(BatchInUseError, match="another process"),
    ):
        play(small_configs, "talk", warehouse)


@pytest.mark.usefixtures("_journaled")
def test_play_waits_for_whoever_still_plays_an_episode_of_the_batch(small_configs, warehouse):
    """A killed run of a cluster leaves workers behind; what they spend is counted before anything is asked."""
    folder, outcomes = warehouse.journal / "talk--b00", []
    thread = threading.Thread(target=lambda: outcomes.append(play(small_configs, "talk", warehouse)))
    with locked(folder / "left.lock"):
        thread.start()
        thread.join(2)
        assert thread.is_alive()
        assert not list(folder.glob("*.jsonl"))
    thread.join()
    assert outcomes[0].complete == 12


def test_rule_breakers_are_reasked_and_forfeit(small_configs, warehouse):
    play(small_configs, "talk", warehouse)
    calls, pulls = warehouse.read("calls"), warehouse.read("pulls")
    assert calls["attempt"].max() == 2
    assert {"empty", "unreadable", "self_pull", "wrong_phase"} <= set(calls["status"])
    assert (pulls["status"] == "forfeit").any()
    assert warehouse.read("episodes")["n_forfeits"].sum() == (pulls["status"] == "forfeit").sum()


def test_stored_tables_keep_the_contract(small_configs, warehouse):
    play(small_configs, "talk", warehouse)
    for table in EVENT_TABLES:
        frame = warehouse.read(table.name)
        assert dict(frame.schema) == table.schema
        assert frame.equals(TABLES[table.name].conform(frame))


def test_what_was_stored_verifies(small_configs, warehouse):
    play(small_configs, "talk", warehouse)
    assert {v.status for v in verify(small_configs, warehouse)} == {"ok"}


@pytest.mark.parametrize("damage", ["reply", "pull", "message", "label"])
def test_a_changed_byte_is_found_and_named(small_configs, warehouse, damage):
    play(small_configs, "talk", warehouse)
    victim = "talk--promiser_r1"
    mine = pl.col("episode_id") == victim
    if damage == "reply":
        calls = warehouse.read("calls")
        at = calls.filter(mine & (pl.col("phase") == "message") & pl.col("reply_text").str.contains("pull"))["call_id"][
            0
        ]
        changed = calls.with_columns(
            reply_text=pl.when(mine & (pl.col("call_id") == at))
            .then(pl.col("reply_text").str.replace("pull", "pulk"))
            .otherwise("reply_text")
        )
        warehouse.write("calls", changed, "talk--b00")
    elif damage == "pull":
        pulls = warehouse.read("pulls")
        at = pulls.filter(mine & (pl.col("status") == "valid")).row(0, named=True)
        other = next(s for s in range(5) if s not in (at["puller"], at["target"]))
        here = mine & (pl.col("event_id") == at["event_id"])
        warehouse.write("pulls", pulls.with_columns(target=pl.when(here).then(other).otherwise("target")), "talk--b00")
    elif damage == "message":
        messages = warehouse.read("messages")
        warehouse.write(
            "messages", messages.with_columns(text=pl.when(mine).then(pl.lit("x")).otherwise("text")), "talk--b00"
        )
    else:
        seats = warehouse.read("seats")
        warehouse.write(
            "seats", seats.with_columns(label=pl.when(mine).then(pl.lit("Z")).otherwise("label")), "talk--b00"
        )
    broken = [v for v in verify(small_configs, warehouse) if v.status == "broken"]
    assert [v.episode_id for v in broken] == [victim]
    assert "event " in broken[0].problem or damage == "label"


def test_episodes_verify_wherever_batches_of_another_size_would_put_them(small_configs, warehouse):
    play(small_configs, "talk", warehouse)
    talk = small_configs.arm("talk").model_copy(update={"batch_size": 5})
    changed = replace(small_configs, arms={**small_configs.arms, "talk": talk})
    assert [v.status for v in verify(changed, warehouse)] == ["ok"] * 12


def test_another_configuration_is_stale_not_broken(small_configs, warehouse, tmp_path):
    play(small_configs, "talk", warehouse)
    folder = tmp_path / "configs"
    folder.mkdir()
    write_small_configs(folder)
    text = (folder / "talk.yaml").read_text()
    (folder / "talk.yaml").write_text(text + "max_message_chars: 500\n")
    changed = load_configs(folder)
    assert {v.status for v in verify(changed, warehouse)} == {"stale"}
    assert play(changed, "talk", warehouse).stale == 12


def test_killed_at_any_moment_it_goes_on_and_asks_nothing_twice(small_configs, tmp_path):
    """SIGKILL in the middle, again and again; then the same bytes as without."""
    script = (
        "import sys; from pathlib import Path; from di_assets.arms import Configs, load_configs, batches;"
        "from di_assets.play import batch; from di_assets.tables import Warehouse; Configs.is_free = lambda *_: False;"
        "c = load_configs(Path(sys.argv[1])); a = c.arm('demo_attack');"
        "print(batch.play_batch(c, a, batches(a)[0], Warehouse(Path(sys.argv[2])), limit=20).calls)"
    )
    command = [sys.executable, "-c", script, str(ROOT / "configs")]
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    kills = 0
    for wait in (0.05, 0.15, 0.3):
        process = subprocess.Popen([*command, str(killed)], stdout=subprocess.PIPE)
        started = time.monotonic()
        while not list(killed.rglob("*.jsonl")) and process.poll() is None and time.monotonic() - started < 30:
            time.sleep(0.01)
        time.sleep(wait)
        if process.poll() is None:
            os.kill(process.pid, signal.SIGKILL)
            kills += 1
        process.wait()
    assert kills > 0
    kept = sum(len(p.read_bytes().splitlines()) - 1 for p in killed.rglob("*.jsonl"))
    last = int(subprocess.run([*command, str(killed)], capture_output=True, text=True, check=True).stdout)
    subprocess.run([*command, str(whole)], capture_output=True, check=True)
    one, other = Warehouse(killed), Warehouse(whole)
    for table in EVENTS:
        assert bytes_of(one, table) == bytes_of(other, table)
    calls = one.read("calls")
    assert calls.height == other.read("calls").height
    assert last <= calls.height - kept + kills  # a torn last line is the one call that may be made again


@pytest.mark.usefixtures("_journaled")
def test_a_torn_last_line_is_dropped_loudly(small_configs, warehouse, tmp_path, caplog, monkeypatch):
    whole = Warehouse(tmp_path / "whole")
    play(small_configs, "talk", whole)
    journals = {}

    def keep(folder, *_):
        journals.update({path.name: path.read_bytes() for path in folder.glob("*.jsonl")})

    with monkeypatch.context() as patch:
        patch.setattr(batch_module, "clear", keep)
        play(small_configs, "talk", warehouse, limit=1)
    for folder in ("tables", "record"):
        shutil.rmtree(warehouse.root / folder)
    (path,) = warehouse.journal.rglob("*.jsonl")
    path.write_bytes(journals[path.name][:-9])
    result = play(small_configs, "talk", warehouse, limit=1)
    assert "torn last line" in caplog.text
    assert (result.played, result.calls, result.scripted_calls) == (1, 0, 1)
    one = whole.read("pulls").filter(pl.col("episode_id") == path.stem)
    assert warehouse.read("pulls").equals(one)


@pytest.mark.usefixtures("_journaled")
def test_a_journal_of_another_configuration_is_kept_and_not_resumed(small_configs, warehouse):
    path = warehouse.journal / "talk--b00" / "talk--promiser_r0.jsonl"
    path.parent.mkdir(parents=True)
    header = {"episode_id": "talk--promiser_r0", "rules_version": "0", "prompt_hash": "x", "config_hash": "y"}
    path.write_text(json.dumps(header) + "\n")
    result = play(small_configs, "talk", warehouse)
    assert (result.played, result.failed) == (11, 1)
    assert path.read_text() == json.dumps(header) + "\n"
    failed = warehouse.read("episodes").filter(pl.col("status") == "failed").row(0, named=True)
    assert "rules_version" in failed["failure"]


@pytest.mark.usefixtures("_journaled")
def test_an_episode_is_read_by_one_reader_and_replayed_by_it(small_configs, warehouse, monkeypatch):
    journals = {}

    def keep(folder, *_):
        journals.update({path: path.read_bytes() for path in folder.glob("*.jsonl")})

    with monkeypatch.context() as patch:
        patch.setattr(batch_module, "clear", keep)
        play(small_configs, "talk", warehouse, limit=1)
    ((path, content),) = journals.items()
    header, *lines = [f"{unsealed(line, of=path.stem).decode()}\n" for line in content.splitlines()]
    # The first reader takes such a draft for the move, today's does not.
    drafts = [re.sub(r'\{\\"pull\\": \\"(.)\\"\}', r'Is it {\\"pull\\": \\"\1\\"}? No.', line) for line in lines]
    assert drafts != lines
    old = {name: value for name, value in json.loads(header).items() if name != "reader_version"}
    for first, calls, reader in (json.dumps(old) + "\n", 0, "1"), (header, None, READER_VERSION):
        for folder in ("tables", "record"):
            shutil.rmtree(warehouse.root / folder)
        path.write_text("".join([first, *drafts]))
        result = play(small_configs, "talk", warehouse, limit=1)
        assert result.played == 1
        made = warehouse.read("calls").height - len(drafts)
        assert made == calls if calls is not None else made > 0
        assert warehouse.read("episodes")["reader_version"].to_list() == [reader]
        assert [verdict.status for verdict in verify(small_configs, warehouse)] == ["ok"]
        file = warehouse.root / "tables" / "episodes" / "talk--b00.parquet"
        if reader == "1":  # as it was stored before readers had versions
            pl.read_parquet(file).drop("reader_version").write_parquet(file)
            shutil.rmtree(warehouse.root / "record")
            assert [verdict.status for verdict in verify(small_configs, warehouse)] == ["ok"]
    stored = pl.read_parquet(file).with_columns(reader_version=pl.lit("99"))
    stored.write_parquet(file)
    shutil.rmtree(warehouse.root / "record")
    (verdict,) = verify(small_configs, warehouse)
    assert (verdict.status, verdict.problem) == ("stale", "played with another reader_version")
