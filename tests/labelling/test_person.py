"""A person at the terminal: blind, saved at once, resumed where it stopped; and what becomes of the answers."""

import json

import polars as pl
import pytest

from di_assets.arms.yaml_files import ConfigError
from di_assets.labelling.person import Answers, check_name, codebook, label_by_hand
from di_assets.labelling.sample import chosen
from di_assets.labelling.stored import LabelsInUseError, behind, given_labels, locked_labels, person_file
from di_assets.measures.labels import message_labels
from tests.conftest import ROOT
from tests.labelling.tables import warehouse_with


@pytest.fixture
def warehouse(tmp_path):
    return warehouse_with(
        tmp_path, {"talk-m-1": ["one", "two", "three"], "talk-n-1": ["four", "two"], "mute-m-1": ["six"]}
    )


def session(warehouse, keys, *, name="anna", version="v1", **more):
    """Presses these keys; gives back what was shown."""
    shown = []
    with Answers(person_file(warehouse, name), version) as answers:
        label_by_hand(chosen(warehouse, seed=0, **more), answers, iter(keys), shown.append)
    return shown


def labels(warehouse):
    return given_labels(warehouse, "talk--b00")


def test_every_message_is_asked_two_questions_and_labelled(warehouse):
    shown = session(warehouse, "yn" * 6)
    assert [q.label for q in shown] == ["asks_for_pull", "promises_pull"] * 6
    assert [q.place for q in shown] == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6]
    assert [q.fresh for q in shown] == [True, False] * 6
    found = labels(warehouse)
    assert found.height == 6
    assert found.select("asks_for_pull", "promises_pull", "labeller", "version").unique().rows() == [
        (True, False, "anna", "v1")
    ]


def test_nothing_shown_tells_who_wrote_it(warehouse):
    for question in session(warehouse, "yn" * 6):
        assert not any(word in repr(question) for word in ("talk", "mute", "m-1", "episode", "event"))


def test_a_session_goes_on_where_the_last_one_stopped(warehouse):
    first = session(warehouse, "ynyn" + "y" + "q")
    assert labels(warehouse).height == 2
    second = session(warehouse, "n" + "q")
    assert (second[0].place, second[0].label, second[0].text) == (3, "promises_pull", first[-1].text)
    assert labels(warehouse).height == 3
    assert session(warehouse, "")[0].place == 4


def test_going_back_changes_an_answer(warehouse):
    session(warehouse, "yn" + "b" + "y" + "q")
    (row,) = labels(warehouse).iter_rows(named=True)
    assert (row["asks_for_pull"], row["promises_pull"]) == (True, True)
    shown = session(warehouse, "bbb" + "n" + "q")
    assert [(q.place, q.label, q.before) for q in shown] == [
        (2, "asks_for_pull", None),
        (1, "promises_pull", True),
        (1, "asks_for_pull", True),
        (1, "asks_for_pull", True),
        (2, "asks_for_pull", None),
    ]
    assert labels(warehouse)["asks_for_pull"].to_list() == [False]


def test_a_skipped_message_is_left_for_another_session(warehouse):
    shown = session(warehouse, "s" + "yn" * 5)
    assert shown[-1].place == 6
    assert labels(warehouse).height == 5
    (again,) = session(warehouse, "q")
    assert again.text == shown[0].text


def test_other_keys_are_passed_over_and_the_end_of_input_is_the_end(warehouse):
    assert len(session(warehouse, "x\n?Y N")) == 3
    assert labels(warehouse).height == 1


def test_an_answer_is_on_disk_before_the_next_question(warehouse):
    seen = []
    path = person_file(warehouse, "anna")
    with Answers(path, "v1") as answers:
        label_by_hand(
            chosen(warehouse, seed=0), answers, iter("yyy"), lambda _: seen.append(path.read_bytes().count(b"\n"))
        )
    assert seen == [0, 1, 2, 3]


def test_a_torn_answer_is_asked_again(warehouse):
    session(warehouse, "yn")
    path = person_file(warehouse, "anna")
    path.write_bytes(path.read_bytes()[:-9])
    assert session(warehouse, "y")[0].label == "promises_pull"
    assert all(json.loads(line) for line in path.read_text().splitlines())
    assert labels(warehouse)["promises_pull"].to_list() == [True]


def test_a_changed_answer_is_named_and_asked_again(warehouse, caplog):
    session(warehouse, "yn")
    path = person_file(warehouse, "anna")
    path.write_bytes(path.read_bytes().replace(b'"answer":true', b'"answer":null'))
    assert session(warehouse, "y")[0].label == "asks_for_pull"
    assert "anna.jsonl:1: not an answer" in caplog.text


def test_a_new_codebook_is_labelled_by_anew_and_the_latest_label_counts(warehouse):
    session(warehouse, "yn")
    shown = session(warehouse, "ny", version="v2")
    assert (shown[0].place, shown[0].before) == (1, None)
    assert labels(warehouse).select("asks_for_pull", "promises_pull", "version").rows() == [(False, True, "v2")]


def test_what_was_said_of_a_text_is_not_said_of_another_at_its_place(warehouse, tmp_path):
    session(warehouse, "yn" * 6)
    changed = warehouse.read("messages").with_columns(text=pl.col("text").str.replace("one", "uno"))
    warehouse.write("messages", changed, "talk--b00")
    assert labels(warehouse).height == 5


def test_the_rules_labels_are_made_anew_and_a_persons_stay(warehouse):
    session(warehouse, "yn" * 6)
    messages = warehouse.read("messages")
    assert behind(warehouse) == ["talk--b00"]
    for _ in range(2):
        made = message_labels(messages, given=labels(warehouse))
        warehouse.write("message_labels", made, "talk--b00")
        assert made.group_by("labeller").len().sort("labeller").rows() == [("anna", 6), ("lexical", 6)]
    assert behind(warehouse) == []


def test_a_sample_is_the_same_for_a_seed_and_grows_at_its_end(warehouse):
    every = chosen(warehouse, seed=0)
    assert len(every) == 6
    assert chosen(warehouse, seed=0, sample=4) == every[:4]
    assert chosen(warehouse, seed=1) != every
    shuffled = warehouse.read("messages").sample(fraction=1, shuffle=True, seed=1)
    shuffled.write_parquet(warehouse.address("messages", "talk--b00"))
    assert warehouse.adopt("talk--b00")
    assert chosen(warehouse, seed=0) == every
    assert {m.episode_id for m in chosen(warehouse, seed=0, arm="mute")} == {"mute-m-1"}


def test_arms_and_focal_models_take_turns_in_a_sample(tmp_path):
    texts = {"a-m-1": [f"{k}" for k in range(40)], "a-n-1": ["x", "y", "z"], "b-m-1": ["p", "q", "r", "s"]}
    warehouse = warehouse_with(tmp_path, texts)
    for seed in range(5):
        sample = [m.episode_id for m in chosen(warehouse, seed=seed, sample=9)]
        assert [sorted(sample[k : k + 3]) for k in (0, 3, 6)] == [["a-m-1", "a-n-1", "b-m-1"]] * 3


def test_only_complete_episodes_are_labelled(warehouse):
    failed = warehouse.read("episodes").with_columns(
        status=pl.when(pl.col("arm") == "mute").then(pl.lit("failed")).otherwise("status")
    )
    warehouse.write("episodes", failed, "talk--b00")
    assert len(chosen(warehouse, seed=0)) == 5


@pytest.mark.parametrize("name", ["lexical", "sonnet-4.6", "promiser", "../anna", "anna b", "", ".anna", "a--b"])
def test_a_name_that_is_taken_or_no_name_is_refused(configs, name):
    with pytest.raises(ConfigError):
        check_name(name, configs)


def test_a_name_of_ones_own_is_taken(configs):
    assert check_name("Anna_1.x", configs) == "Anna_1.x"


def test_one_person_labels_in_one_place_at_a_time(warehouse):
    path = person_file(warehouse, "anna")
    with (
        locked_labels(warehouse, path),
        pytest.raises(LabelsInUseError, match="anna is labelling in another process"),
        locked_labels(warehouse, path),
    ):
        pass


def test_persons_are_told_what_models_are_told():
    from di_assets.agents.prompts import LABEL, Prompts

    text, version = codebook(ROOT / "configs" / "prompts")
    assert text in Prompts.load(ROOT / "configs" / "prompts" / LABEL).render("system")
    assert len(version) == 8
