"""What the reader is made of: what was asked, what a seat knew, what answers what, and how little is read for it."""

import shutil
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from di_assets.calls.call import FAULTS
from di_assets.game.types import Rules
from di_assets.providers.types import Request
from di_assets.report.reader.answers import Answers, answers
from di_assets.report.reader.choosing import Around, Wanted, around, chosen, first_events, lanes, part_of
from di_assets.report.reader.episode_index import place_of, read_index
from di_assets.report.reader.replay import Replay, prompt_of, replay
from di_assets.report.reader.seen import NOT_SURE, seen_by
from di_assets.report.reader.transcript import read_transcript
from di_assets.tables import Warehouse
from tests.report.spoken import ARMS, EPISODES


@pytest.fixture(scope="module")
def read(spoken):
    """Episode -> its transcript and what it was when played again."""
    configs, warehouse = spoken
    found = {name: read_transcript(warehouse, name) for name in EPISODES}
    return {name: (one, replay(one, configs.root)) for name, one in found.items()}


@pytest.mark.parametrize("name", EPISODES)
def test_every_prompt_is_made_again_as_it_was_asked(read, name):
    found, again = read[name]
    assert (again.problem, again.changed, again.agrees) == (None, (), True)
    for call in found.calls:
        prompt = prompt_of(again, call)
        if call["provider"] == "scripted":
            assert prompt is None
        else:
            assert prompt.same_hash
            assert prompt.turns[0][0] == "system"
    assert any(call["attempt"] for one, _ in read.values() for call in one.calls)


@pytest.mark.parametrize("name", EPISODES)
def test_what_a_seat_knew_is_what_it_was_shown(read, name):
    """Against the game's own observations, at every event and for every seat that was asked in its turn."""
    found, again = read[name]
    assert any(event.kind == "message" for event in found.events)
    for event in found.events:
        for seat in range(len(found.seats)):
            observed = again.observations.get((event.turn, seat))
            if observed is None:  # a muted seat, which is not asked
                assert not seen_by(found, seat, at=event.event_id, rules=again.rules).may_write
                continue
            seen = seen_by(found, seat, at=event.event_id, rules=again.rules, written=again.written)
            known = [one for one in seen.events if one.event_id != event.event_id]
            said = [
                (one.round, one.exchange, found.labels[one.seat], found.labels[one.other], one.text)
                for one in known
                if one.kind == "message"
            ]
            told = [m for exchange in observed.exchanges for m in exchange]
            assert said == [(m.round, m.exchange, m.sender, m.recipient, m.text) for m in told]
            pulls = [
                (one.round, found.labels[one.seat], None if one.other is None else found.labels[one.other])
                for one in known
                if one.kind == "pull"
            ]
            learned = [(n, by, to) for n, one in enumerate(observed.rounds, 1) for by, to in one.targets.items()]
            assert sorted(pulls, key=str) == sorted(learned, key=str)
            assert len(seen.events) + seen.later + seen.never == len(found.events)


def test_a_seat_is_never_told_more_than_a_reader_of_its_own_events_could_be(read):
    found, again = read["own--o_r0"]
    for seat in range(5):
        seen = seen_by(found, seat, at=None, rules=again.rules)
        assert all(seat in (event.seat, event.other) for event in seen.events)
        assert seen.points is None
        assert not any(event.labels or event.pull_kind or event.calls for event in seen.events)


def test_in_placebo_the_focal_seat_knows_what_it_wrote_and_the_others_what_arrived(read):
    found, again = read["placebo--o_r0"]
    focal = found.episode["focal_seat"]
    assert {found.events[event].seat for event in again.written} == {focal}
    assert len(again.written) == sum(event.kind == "message" and event.seat == focal for event in found.events)
    for number, text in again.written.items():
        event = found.events[number]
        assert event.text != text
        assert len(event.text) == len(text)
        own = seen_by(found, focal, at=None, rules=again.rules, written=again.written)
        others = seen_by(found, event.other, at=None, rules=again.rules, written=again.written)
        assert next(one.text for one in own.events if one.event_id == number) == text
        assert next(one.text for one in others.events if one.event_id == number) == event.text


@pytest.mark.parametrize(
    ("arm", "mute"), [("focal_muted", {"focal"}), ("rivals_muted", {"background"}), ("hard", set())]
)
def test_seats_that_may_not_write_are_told_apart(read, arm, mute):
    found, again = read[f"{arm}--o_r0"]
    silent = {s["role"] for s in found.seats if not seen_by(found, s["seat"], at=None, rules=again.rules).may_write}
    assert silent == mute


def test_the_linked_event_is_shown_to_its_seat_and_to_whom_it_comes_and_to_nobody_else(read):
    found, again = read["hard--o_r0"]
    event = next(one for one in found.events if one.kind == "message")
    for seat in range(5):
        seen = seen_by(found, seat, at=event.event_id, rules=again.rules)
        assert seen.shows_it == (seat in (event.seat, event.other))
        assert [one.event_id for one in seen.events] == ([event.event_id] if seen.shows_it else [])


def test_points_are_those_told_at_the_beginning_of_the_round(read):
    found, again = read["hard--o_r0"]
    first = first_events(found)
    assert seen_by(found, 0, at=first[1], rules=again.rules).points is None
    assert seen_by(found, 0, at=first[3], rules=again.rules).points == found.scores[2]
    assert seen_by(found, 0, at=None, rules=again.rules).points == found.scores[4]


def test_where_the_arm_is_not_configured_only_what_is_sure_is_shown(read):
    found, _ = read["hard--o_r0"]
    seen = seen_by(found, 0, at=None, rules=None)
    assert seen.word == NOT_SURE
    assert all(0 in (event.seat, event.other) for event in seen.events)


def test_prompts_grow_and_what_is_new_in_them_is_told(read):
    found, again = read["hard--o_r0"]
    asked = [call for call in found.calls if call["seat"] == 0 and call["attempt"] == 0]
    first, second = prompt_of(again, asked[0]), prompt_of(again, asked[1])
    assert (first.kept, first.gone) == (0, ())
    assert second.gone == ()
    assert second.kept == len(first.new)
    assert second.new[0] == "[assistant]"
    assert "Whom do you pull?" in "\n".join(second.new)


def test_a_re_ask_shows_the_invalid_reply_and_why(read):
    found, again, call = next(
        (one, again, call) for one, again in read.values() for call in one.calls if call["attempt"] == 1
    )
    assert call["status"] not in FAULTS
    (before,) = [
        other
        for other in found.calls
        if [other[k] for k in ("round", "phase", "exchange", "seat", "attempt")]
        == [call["round"], call["phase"], call["exchange"], call["seat"], 0]
    ]
    assert f"That reply cannot be used: {before['error']}." in prompt_of(again, call).new[-1]


def copied(configs, folder):
    shutil.copytree(configs.root, folder, symlinks=False)
    return folder


def test_other_prompt_files_are_said_and_the_events_still_agree(spoken, read, tmp_path):
    folder = copied(spoken[0], tmp_path / "configs")
    turn = folder / "prompts" / "turn.md.j2"
    turn.write_text(turn.read_text() + "\nBe quick.")
    found, _ = read["hard--o_r0"]
    again = replay(found, folder)
    assert (again.changed, again.agrees, again.problem) == (("prompt_hash",), True, None)
    prompt = prompt_of(again, found.calls[0])
    assert not prompt.same_hash
    assert prompt.changed == ("prompt_hash",)
    assert again.rules is not None


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda folder: (folder / "hard.yaml").unlink(), "is not configured"),
        (lambda folder: (folder / "hard.yaml").write_text("title: [\n"), "hard.yaml"),
        (lambda folder: shutil.rmtree(folder / "prompts"), "prompts"),
        (shutil.rmtree, "no such folder"),
    ],
)
def test_what_cannot_be_made_again_says_why(spoken, read, tmp_path, change, problem):
    folder = copied(spoken[0], tmp_path / "configs")
    for other in ARMS:
        if other != "hard":
            (folder / f"{other}.yaml").unlink()
    change(folder)
    found, _ = read["hard--o_r0"]
    again = replay(found, folder)
    assert problem in again.problem
    assert (again.rules, prompt_of(again, found.calls[0])) == (None, None)


def test_an_episode_that_its_arm_cannot_have_played_says_why(spoken, read):
    found, _ = read["placebo--o_r0"]
    mixed = replace(found, episode={**found.episode, "focal_seat": None})
    assert "needs a focal seat" in replay(mixed, spoken[0].root).problem


def test_other_rules_make_the_view_unsure_and_a_changed_reply_is_noticed(spoken, read, tmp_path):
    folder = copied(spoken[0], tmp_path / "configs")
    path = folder / "hard.yaml"
    path.write_text(path.read_text() + "visibility: own\n")
    found, _ = read["hard--o_r0"]
    again = replay(found, folder)
    assert "config_hash" in again.changed
    assert again.rules is None
    warehouse = Warehouse(tmp_path / "w")
    shutil.copytree(spoken[1].root, warehouse.root)
    messages = warehouse.read("messages", "hard--b00")
    warehouse.write("messages", messages.with_columns(text=pl.lit("Something else.")), "hard--b00")
    assert not replay(read_transcript(warehouse, "hard--o_r0"), spoken[0].root).agrees


@pytest.mark.parametrize("status", ["failed", "stopped"])
def test_an_unfinished_episode_is_played_again_as_far_as_its_replies_go(spoken, read, status, tmp_path):
    warehouse = Warehouse(tmp_path / "w")
    shutil.copytree(spoken[1].root, warehouse.root)
    for table in ("messages", "pulls"):
        warehouse.write(table, warehouse.read(table, "hard--b00").clear(), "hard--b00")
    warehouse.write("calls", warehouse.read("calls", "hard--b00").filter(pl.col("round") < 3), "hard--b00")
    found = read_transcript(warehouse, "hard--o_r0")
    again = replay(found, spoken[0].root)
    assert again.problem is None
    assert {key[0] for key in again.asks} == {1, 2, 3}
    assert prompt_of(again, found.calls[-1]).same_hash


def test_scripted_agents_are_asked_in_no_words(played):
    found = read_transcript(played.warehouse, "talk--promiser_r0")
    again = replay(found, played.configs.root)
    assert (again.problem, again.agrees) == (None, True)
    assert not any(isinstance(ask.payload, Request) for ask in again.asks.values())
    assert {again.asks[key].request_hash for key in again.asks} == {call["request_hash"] for call in found.calls}


def message(event, number, sender, recipient):
    return {"event_id": event, "round": number, "sender": sender, "recipient": recipient}


def pull(event, number, puller, target, status="valid"):
    return {"event_id": event, "round": number, "puller": puller, "target": target, "status": status}


def test_a_pull_is_linked_to_what_asked_for_it_and_to_what_it_repays():
    asking = [message(0, 1, 1, 0), message(9, 3, 1, 0), message(20, 5, 1, 0)]
    pulls = [pull(4, 1, 1, 0), pull(5, 1, 0, 2), pull(12, 3, 0, 1), pull(17, 4, 0, 1), pull(22, 5, 0, 1)]
    assert answers(asking, pulls) == {
        12: Answers(asked_in=(0, 9), repays=(4,)),
        17: Answers(asked_in=(9,), repays=(4,)),
        22: Answers(asked_in=(9, 20)),
        0: Answers(brought=(12,)),
        9: Answers(brought=(12, 17, 22)),
        20: Answers(brought=(22,)),
    }


def test_forfeits_and_kept_pulls_answer_nothing():
    asking = [message(0, 1, 1, 0)]
    assert answers(asking, [pull(1, 1, 0, None, "forfeit"), pull(2, 1, 1, 1, "kept")]) == {}


@pytest.mark.parametrize("name", EPISODES)
def test_links_say_what_the_kinds_of_pulls_count(read, name):
    found, _ = read[name]
    for event in found.events:
        if event.pull_kind is not None:
            linked = "payback" if event.answers.repays else "solicited" if event.answers.asked_in else "unprompted"
            assert linked == event.pull_kind
        for other in event.answers.brought:
            assert event.event_id in found.events[other].answers.asked_in


def test_events_are_chosen_by_kind_seat_round_and_words(read):
    found, _ = read["hard--o_r0"]
    assert chosen(found.events, Wanted()) == found.events
    shown = chosen(found.events, Wanted(kind="message", seat=2, round=2, words="PULL ME"))
    assert shown == tuple(
        e
        for e in found.events
        if e.kind == "message" and 2 in (e.seat, e.other) and e.round == 2 and "pull me" in e.text.lower()
    )
    assert shown


def test_before_and_after_are_among_what_is_shown(read):
    found, _ = read["hard--o_r0"]
    pulls = chosen(found.events, Wanted(kind="pull"))
    assert around(pulls, pulls[5].event_id) == Around(pulls[4].event_id, pulls[6].event_id)
    assert around(pulls, pulls[0].event_id).before is None
    assert around(pulls, pulls[-1].event_id).after is None
    assert around(pulls, None) == Around(after=pulls[0].event_id)
    assert around((), None) == Around()
    hidden = next(e for e in found.events if e.kind == "message" and e.round == 2)
    assert around(pulls, hidden.event_id).after == next(e.event_id for e in pulls if e.round == 2)


def test_a_long_episode_is_shown_around_its_linked_event(read):
    events = read["hard--o_r0"][0].events
    assert part_of(events, 10, most=6) == events[7:13]
    assert part_of(events, 0, most=6) == events[:6]
    assert part_of(events, len(events) - 1, most=6) == events[-6:]
    assert part_of(events, None, most=6) == events[:6]
    assert part_of(events, 3) == events


def test_a_lane_holds_a_seats_pull_and_messages_of_each_round(read):
    found, _ = read["own--o_r0"]
    table = lanes(found)
    assert [len(lane) for lane in table] == [4] * 5
    assert sum(cell.messages for lane in table for cell in lane) == sum(e.kind == "message" for e in found.events)
    assert {cell.event_id for lane in table for cell in lane} == {e.event_id for e in found.events if e.kind == "pull"}


def test_kept_pulls_score_what_they_are_worth(read):
    found, again = read["own--o_r0"]
    assert again.rules == Rules(n_rounds=4, exchanges=2, visibility="own", outside=0.5)
    kept = [0.0] * 5
    for event in found.events:
        if event.kind == "pull" and event.other is not None:
            kept[event.other] += 1 if event.status == "valid" else 0.5
    assert found.scores[4] == tuple(kept)
    assert any(event.status == "kept" for event in found.events)


def test_an_episode_stands_between_its_neighbours(spoken):
    index = read_index(spoken[1])
    ids = index["episode_id"].to_list()
    first, last = place_of(index, ids[0]), place_of(index, ids[-1])
    assert (first.before, first.after) == (None, ids[1])
    assert (last.before, last.after) == (ids[-2], None)
    assert place_of(index, "nobody") is None
    assert place_of(read_index(Warehouse(Path("/nowhere"))), "x") is None


def test_one_file_of_each_table_is_opened_for_an_episode_and_one_column_set_for_its_place(spoken, monkeypatch):
    warehouse, opened = spoken[1], []
    scan = pl.scan_parquet
    monkeypatch.setattr(
        pl, "scan_parquet", lambda paths, **options: opened.extend(map(Path, paths)) or scan(paths, **options)
    )
    place = place_of(read_index(warehouse), "placebo--o_r0")
    assert [path.parent.name for path in opened] == ["episodes"] * len(ARMS)
    opened.clear()
    read_transcript(warehouse, "placebo--o_r0", batch=place.batch)
    tables = ("calls", "edges", "episodes", "message_labels", "messages", "pull_kinds", "pulls", "seats")
    assert sorted(path.relative_to(warehouse.root / "tables").as_posix() for path in opened) == [
        f"{table}/placebo--b00.parquet" for table in tables
    ]


def test_nothing_played_again_has_no_prompts():
    call = {"round": 1, "phase": "pull", "exchange": 0, "seat": 0, "attempt": 0}
    assert prompt_of(Replay(), call) is None
