"""`di bill` over what was played: 0 when all agrees, 1 when something differs, 2 for a file that is no bill."""

import asyncio
import json

import polars as pl
import pytest
from click.testing import CliRunner

from di_assets.cli.verbs import main
from di_assets.play.batch import play_batch
from di_assets.tables import Warehouse
from tests.calls.test_budget import arm_over
from tests.providers.server import answer, good, serving


@pytest.fixture
def played(tmp_path):
    """Three episodes, whose server gives every reply the same id; (folder of configs, warehouse, US dollars)."""
    folder, warehouse = tmp_path / "configs", Warehouse(tmp_path / "w")
    folder.mkdir()

    async def play():
        usage = {"prompt_tokens": 900, "completion_tokens": 3}
        async with serving(answer(body=good("openai", '{"pull": "Player A"} {"pull": "B"}', usage=usage))) as (url, _):
            configs = arm_over(url, folder, budget=1.0)
            await asyncio.to_thread(play_batch, configs, configs.arm("paid"), "paid--b00", warehouse)

    asyncio.run(play())
    return folder, warehouse, warehouse.read("calls")["cost_usd"].sum()


def bill(played, text, *options):
    folder, warehouse, _ = played
    path = folder / "bill.csv"
    path.write_text(text)
    arguments = ["--warehouse", str(warehouse.root), "--configs", str(folder), "bill", str(path), *options]
    return CliRunner().invoke(main, arguments)


def test_a_bill_that_agrees_ends_with_0_and_says_so(played):
    _, warehouse, usd = played
    calls = warehouse.read("calls").filter(pl.col("provider") == "openai")
    assert calls["request_id"].unique().to_list() == ["r1"]
    told = bill(played, f"request_id,spend\nr1,{usd}\n")
    assert told.exit_code == 0, told.output
    assert told.output == f"1 requests: 1 agrees; billed ${usd:,.4f}, recorded ${usd:,.4f}\n"
    day = calls["started_at"][0].date()
    assert bill(played, f"date,model,cost\n{day},vendor/X,{usd}\n").exit_code == 0
    assert bill(played, f"date,model,cost\n{day},other,{usd}\n", "--same", "other=m").exit_code == 0


def test_a_bill_that_differs_or_lacks_something_ends_with_1_and_lists_it(played):
    *_, usd = played
    told = bill(played, f"request_id,spend\nr1,{usd + 0.01}\nr2,0.5\n", "--json")
    assert told.exit_code == 1
    found = json.loads(told.output)
    assert found["found"] == {"cost differs": 1, "only in the bill": 1}
    assert {row["request_id"]: row["billed_usd"] for row in found["rows"]} == {"r1": usd + 0.01, "r2": 0.5}
    told = bill(played, "request_id,spend\nr2,0.5\n")
    assert told.exit_code == 1
    assert "only recorded" in told.output
    assert "only in the bill" in told.output


def test_a_model_with_one_name_is_called_by_it_and_one_with_several_by_its_id(played):
    folder, warehouse, usd = played
    day = warehouse.read("calls")["started_at"][0].date()

    def names(model):
        told = bill(played, f"date,model,cost\n{day},{model},{usd + 1}\n", "--json")
        return {row["model"] for row in json.loads(told.output)["rows"]}

    assert names("vendor/x") == {"m"}
    models = folder / "models.yaml"
    [_, m] = models.read_text().splitlines()
    models.write_text(
        f"models:\n{m}\n{m.replace(' m:', ' twin:')}\n{m.replace(' m:', ' n:').replace('id: x', 'id: y')}\n"
    )
    assert names("vendor/x") == {"x"}
    assert names("y") == {"x", "n"}


@pytest.mark.parametrize(
    ("text", "options", "said"),
    [
        ("a,b\n1,2\n", (), "no column of request ids"),
        ("request_id,spend\nr1,1\n", ("--model", "n"), "--model: no model 'n' in models.yaml"),
        ("request_id,spend\nr1,1\n", ("--same", "x"), "--same x: expected the bill's name"),
        ("date,model,cost\n2026-11-20,m,1\n", ("--by", "request"), "has no request ids"),
        ("request_id,spend\nr1,1\n", ("--apart-usd", "inf"), "--apart-usd"),
    ],
)
def test_what_cannot_be_compared_is_bad_input(played, text, options, said):
    told = bill(played, text, *options)
    assert told.exit_code == 2
    assert said in told.output
