"""Whatever a server does: its own bill is at most what is recorded, and that is at most the budget.

The one case apart is a server that charges a call above what it can cost: that is recorded as charged, play stops at
once, and the excess is at most that of the calls in flight. `BILL_MODES=all` tries every mode under every budget.
"""

import json
import os
import subprocess
import sys

import polars as pl
import pytest

from di_assets.arms import load_configs
from di_assets.play.batch import play_batch
from di_assets.play.spent import spent_so_far
from di_assets.tables import Warehouse
from tests.conftest import ROOT
from tests.play.hostility import KEY
from tests.providers.charging import BEYOND, MODES

DIALECTS = ("openai", "anthropic")
BUDGETS = (0.004, 0.02, 0.08, 5.0)
IN_FLIGHT = 5
# One of each kind; all of them where it is asked for.
FEW = (
    "good", "cut_before_headers", "500_billed", "all_sorts_then_good", "html_billed", "usage_zero", "usage_one_in",
    "reasoning_in_total_only", "written_hour", "blocked_billed", "beyond_max_tokens", "silence_in_body",
    "total_beside_written", "cost_in_usage", "cost_in_header", "cost_with_a_429", "cost_absurd", "cost_beyond",
)  # fmt: skip
ALL = os.environ.get("BILL_MODES") == "all"
CELLS = [
    (m, b) for m in (MODES if ALL else FEW) for b in (BUDGETS if ALL else (0.08, 5.0) if m in FEW[:2] else (0.08,))
]
SLOW_MODES = ("silence", "drip")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """(address, ledger) of a provider that charges."""
    ledger = tmp_path_factory.mktemp("charging") / "ledger"
    command = [sys.executable, "-m", "tests.providers.charging", "--ledger", str(ledger)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    try:
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}", ledger
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.fixture(autouse=True)
def _keyed(monkeypatch):
    monkeypatch.setenv("PLANTED_KEY", KEY)
    monkeypatch.setattr("di_assets.calls.sending.FIRST_WAIT_S", 0.01)


def configs_of(folder, url, *, dialect, model_id, budget, mode, account=""):
    """Two episodes of one round, all five seats of both played by a model that behaves in this mode."""
    folder.mkdir(parents=True)
    (folder / "prompts").symlink_to(ROOT / "configs" / "prompts")
    base = f"{url}/v1" if dialect == "openai" else url
    hour = "params: {cache_control: {type: ephemeral, ttl: 1h}}, " if "hour" in mode and dialect == "anthropic" else ""
    (folder / "models.yaml").write_text(
        f"models:\n  m: {{provider: {dialect}, id: {model_id}, base_url: '{base}', key: PLANTED_KEY, max_tokens: 200, "
        f"timeout_s: {0.6 if mode.startswith(SLOW_MODES) else 20}, max_retries: 2, concurrency: {IN_FLIGHT}, {hour}"
        f"price: {{input: 3, cached: 0.3, output: 15}}}}\n{account}"
    )
    (folder / "hard.yaml").write_text(
        "title: Hard\nid: hard--{focal}_r{replicate}\nfocal: [m]\nbackground: [m, m, m, m]\n"
        f"episodes: 2\nrounds: 1\nchannel: none\nbudget_usd: {budget}\n"
    )
    return load_configs(folder)


def bill(ledger, model_id):
    """(US dollars, the dearest request, requests) that the provider itself counts."""
    lines = [json.loads(line) for line in ledger.read_text().splitlines()] if ledger.exists() else []
    charged = [line["usd"] for line in lines if line["model"] == model_id]
    return sum(charged), max(charged, default=0.0), len(charged)


def played(tmp_path, server, *, dialect, mode, budget, account=""):
    """Play, and once more where it stopped: what is charged, what is recorded, and the calls."""
    url, ledger = server
    model_id = f"{mode}/{dialect}/{budget}{'/' + str(len(account)) if account else ''}"
    configs = configs_of(
        tmp_path / "configs", url, dialect=dialect, model_id=model_id, budget=budget, mode=mode, account=account
    )
    warehouse, arm = Warehouse(tmp_path / "w"), configs.arm("hard")
    results = [play_batch(configs, arm, "hard--b00", warehouse) for _ in range(1 if mode in BEYOND else 2)]
    calls = warehouse.read("calls")
    recorded = calls["cost_usd"].sum()
    assert spent_so_far(warehouse, arm) == pytest.approx(recorded)
    assert sum(result.cost_usd for result in results) == pytest.approx(recorded)
    return bill(ledger, model_id), recorded, calls, results


def line(dialect, mode, budget, charged, recorded, requests):
    print(f"{dialect:10} {mode:32} {requests:5} {charged:10.5f} {recorded:10.5f} {budget:8.3f}")


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(("mode", "budget"), CELLS)
def test_the_bill_is_at_most_what_is_recorded_and_that_at_most_the_budget(tmp_path, server, dialect, mode, budget):
    (charged, dearest, requests), recorded, calls, results = played(
        tmp_path, server, dialect=dialect, mode=mode, budget=budget
    )
    line(dialect, mode, budget, charged, recorded, requests)
    assert charged <= recorded + 1e-9
    if mode not in BEYOND:
        assert recorded <= budget + 1e-9
        assert calls.filter(pl.col("cost_usd") > pl.col("bound_usd") + 1e-12).is_empty()
    elif requests:
        assert charged == pytest.approx(recorded)
        assert recorded <= budget + IN_FLIGHT * dearest
        assert requests <= IN_FLIGHT
        assert "the server charged" in results[0].stopped
        assert calls.filter(pl.col("cost_usd") > pl.col("bound_usd")).height == requests


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("mode", ["429", "401", "404", "500_unbilled", "cut_before_headers_unbilled"])
def test_what_cannot_have_been_charged_costs_nothing(tmp_path, server, dialect, mode):
    (charged, *_), recorded, calls, _ = played(tmp_path, server, dialect=dialect, mode=mode, budget=5.0)
    assert charged == 0
    assert calls.height
    assert (recorded == 0) == (mode in {"429", "401", "404"})  # a server that fails may charge, for all that is known


@pytest.mark.parametrize(
    ("mode", "free"), [("500_unbilled", True), ("cut_before_headers_unbilled", True), ("silence_in_body", False)]
)
def test_an_account_that_does_not_charge_for_its_failures_can_say_so(tmp_path, server, mode, free):
    url, _ = server
    account = f"accounts:\n  '{url.removeprefix('http://')}': {{failures_billed: false}}\n"
    (charged, *_), recorded, _, _ = played(tmp_path, server, dialect="openai", mode=mode, budget=5.0, account=account)
    assert charged <= recorded + 1e-9
    assert (recorded == 0) == free


@pytest.mark.parametrize("dialect", DIALECTS)
def test_what_was_never_sent_costs_nothing(tmp_path, dialect):
    nowhere = "http://127.0.0.1:9", tmp_path / "no ledger"
    _, recorded, calls, _ = played(tmp_path, nowhere, dialect=dialect, mode="good", budget=5.0)
    assert recorded == 0
    assert set(calls["status"]) == {"connection"}


def test_there_are_at_least_thirty_modes_and_each_is_tried():
    assert len(MODES) >= 30
    assert set(FEW) <= set(MODES)
