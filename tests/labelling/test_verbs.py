"""`di label` and `di promises` on the command line, on a copy of what was played."""

import asyncio
import json
import shutil

import polars as pl
import pytest
from click.testing import CliRunner

from di_assets.assets.checks import kept_promises_were_pulls, messages_labelled
from di_assets.assets.home import Home
from di_assets.cli.verbs import main
from di_assets.cli.verbs.label import escaped
from di_assets.control_room.runs import materialise_batches
from di_assets.report.reader.transcript import read_transcript
from di_assets.tables import Warehouse
from tests.labelling.test_model import ASKS, judging


@pytest.fixture
def copy(played, tmp_path):
    """A home of one's own with what was played, and a model to be asked at any address."""
    shutil.copytree(played.warehouse.root / "tables", tmp_path / "w" / "tables")
    shutil.copytree(played.configs.root, tmp_path / "c", symlinks=True)
    return Home(warehouse=Warehouse(tmp_path / "w"), configs=played.configs)


def di(home, *words, piped=None, configs=None):
    options = ["--warehouse", str(home.warehouse.root), "--configs", str(configs or home.configs.root)]
    return CliRunner().invoke(main, [*options, *words], input=piped)


def test_a_person_labels_a_blind_sample_and_nothing_made_again_loses_it(copy):
    told = di(copy, "label", "--labeller", "anna", "--sample", "4", piped="yn\nyy\nny\nq\n")
    assert told.exit_code == 0, told.output
    assert "3 of 4 messages labelled by anna" in told.output
    assert told.output.count("[") == 4
    shown = told.output.split("[1 of 4]")[1]
    assert not any(word in shown for word in ("promiser", "con_artist", "talk--", "lexical"))

    def hers():
        return copy.warehouse.read("message_labels").filter(labeller="anna")

    before = hers()
    assert before.height == 3
    assert before.select(pl.sum("asks_for_pull", "promises_pull")).row(0) == (2, 2)
    materialise_batches(copy, ["talk--b00"])
    assert hers().equals(before)
    assert messages_labelled(copy, "talk--b00") is None
    again = di(copy, "label", "--labeller", "anna", "--sample", "4", piped="nn\n")
    assert "4 of 4 messages labelled by anna" in again.output

    rows = [json.loads(line) for line in di(copy, "label", "--agreement", "--json").output.splitlines()]
    assert [(r["labeller"], r["other"], r["label"], r["scripted"], r["n"]) for r in rows] == [
        ("anna", "lexical", "asks_for_pull", True, 4),
        ("anna", "lexical", "promises_pull", True, 4),
    ]
    assert "Agreement of labellers" in di(copy, "label", "--agreement").output

    key, event = before.select("episode_id", "event_id").row(0)
    words = read_transcript(copy.warehouse, key).events[event].labels
    assert [word for word in words if ":" in word] == [words[-1]]
    assert words[-1].startswith("anna: ")
    assert read_transcript(copy.warehouse, key, labeller="anna").events[event].labels[-1].startswith("lexical: ")


async def test_a_model_labels_and_its_promises_stand_in_a_ledger_of_their_own(copy, tmp_path):
    ask = {"provider": "openai", "id": "x", "key": "none", "price": {"input": 1, "output": 1}, "max_tokens": 50}

    def both(_):
        return json.dumps({"asks_for_pull": True, "promises_pull": True})

    async with judging(both) as (url, asked):
        models = {"models": {"judge": {**ask, "base_url": f"{url}/v1"}}}
        (tmp_path / "c" / "models.yaml").write_text(json.dumps(models))
        told = await asyncio.to_thread(di, copy, "label", "--model", "judge", "--json", configs=tmp_path / "c")
        poor = await asyncio.to_thread(
            di, copy, "label", "--model", "judge", "--budget-usd", "0", "--seed", "1", configs=tmp_path / "c"
        )
    assert told.exit_code == 0, told.output
    made = json.loads(told.stdout)
    texts = copy.warehouse.read("messages")["text"]
    assert made["labelled"] == len(asked) == texts.n_unique()
    assert poor.exit_code == 0
    assert "0 calls made now" in poor.output
    labels = copy.warehouse.read("message_labels").filter(labeller="judge")
    assert labels.height == len(texts)
    ledger = copy.warehouse.read("promise_ledger")
    assert ledger["labeller"].unique().sort().to_list() == ["judge", "lexical"]
    assert ledger.filter(labeller="judge")["messages"].sum() == len(texts)
    assert kept_promises_were_pulls(copy, "talk--b00") is None


async def test_labelling_that_stops_says_so_and_fails(copy, tmp_path):
    async with judging(lambda _: ASKS) as (url, _):
        one = {
            "provider": "openai",
            "id": "x",
            "key": "none",
            "price": {"input": 1, "output": 1},
            "base_url": f"{url}/v1",
        }
        (tmp_path / "c" / "models.yaml").write_text(json.dumps({"models": {"judge": one}}))
        words = ("label", "--model", "judge", "--budget-usd", "0")
        told = await asyncio.to_thread(di, copy, *words, configs=tmp_path / "c")
    assert told.exit_code == 1
    assert "budget of this run of $0.00 would be exceeded" in told.output
    assert "run the same again to resume it" in told.output


def test_promises_are_printed_by_model_and_scripted_ones_are_called_so(copy):
    rows = [json.loads(line) for line in di(copy, "promises", "--json").output.splitlines()]
    assert {row["model"] for row in rows} >= {"promiser", "con_artist", "gullible"}
    assert all(row["scripted"] for row in rows)
    assert all(row["made"] == row["kept"] + row["broken"] + row["open"] for row in rows)
    assert "promiser (scripted)" in di(copy, "promises").output


def test_a_promise_that_was_tampered_with_is_found(copy):
    promises = copy.warehouse.read("promises", "talk--b00")
    assert kept_promises_were_pulls(copy, "talk--b00") is None
    copy.warehouse.write("promises", promises.with_columns(outcome=pl.lit("kept")), "talk--b00")
    assert "outcome of a promise and pulls disagree" in kept_promises_were_pulls(copy, "talk--b00").sentence
    labels = copy.warehouse.read("message_labels", "talk--b00")
    copy.warehouse.write("message_labels", labels.head(5), "talk--b00")
    messages = copy.warehouse.read("messages", "talk--b00").height
    assert f"{messages - 5} of {messages} messages" in messages_labelled(copy, "talk--b00").sentence


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["label"], "say one of"),
        (["label", "--agreement", "--labeller", "anna"], "say one of"),
        (["label", "--labeller", "lexical"], "choose another for a person"),
        (["label", "--labeller", "anna", "--arm", "tolk"], "did you mean 'talk'"),
        (["label", "--labeller", "anna", "--arm", "mute"], "no messages of mute"),
        (["label", "--model", "judge"], "no model 'judge'"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_two(copy, words, told):
    result = di(copy, *words)
    assert result.exit_code == 2
    assert told in result.output


def test_a_hostile_text_is_shown_escaped():
    shown = escaped('a"b\\\n\x1b[31m\u202e é \ud800')
    assert shown == '"a\\"b\\\\\\n\\x1b[31m\\u202e é \\ud800"'
