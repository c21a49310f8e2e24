"""What is recorded equals the log of a gateway that nobody here wrote: LiteLLM's proxy, before a server of ours.

It needs an environment of its own: LITELLM_PYTHON names its Python (`pip install 'litellm[proxy]'` there).
"""

import csv
import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager

import polars as pl
import pytest
from click.testing import CliRunner

from di_assets.arms import load_configs
from di_assets.cli.verbs import main
from di_assets.play.batch import play_batch
from di_assets.tables import Warehouse
from tests.conftest import ROOT

PYTHON = os.environ.get("LITELLM_PYTHON")
# 40 calls an episode, and re-asks.
EPISODES = int(os.environ.get("GATEWAY_EPISODES", "26"))
PRICE = {"input": 30.0, "cached": 3.0, "output": 150.0}
LOGGED = """
import csv, litellm
from litellm.integrations.custom_logger import CustomLogger

class Log(CustomLogger):
    async def async_log_success_event(self, kwargs, response_obj, start_time, end_time):
        usage = response_obj.usage
        row = [response_obj.id, repr(kwargs["response_cost"]), kwargs["model"], start_time.astimezone().isoformat(),
               usage.prompt_tokens, usage.completion_tokens]
        with open("PATH", "a", newline="") as file:
            csv.writer(file).writerow(row)

log = Log()
"""
HEAD = ["request_id", "spend", "model", "startTime", "prompt_tokens", "completion_tokens"]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(PYTHON is None, reason="LITELLM_PYTHON names no Python that has litellm[proxy]"),
]


@contextmanager
def upstream():
    command = [sys.executable, "-m", "tests.providers.upstream"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        try:
            yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        finally:
            process.kill()


@contextmanager
def gateway(folder, url):
    """LiteLLM's proxy before this server; yields (address, its log)."""
    log = folder / "spend.csv"
    with log.open("w", newline="") as file:
        csv.writer(file).writerow(HEAD)
    (folder / "logged.py").write_text(LOGGED.replace("PATH", str(log)))
    prices = {
        "input_cost_per_token": PRICE["input"] / 1e6,
        "cache_read_input_token_cost": PRICE["cached"] / 1e6,
        "output_cost_per_token": PRICE["output"] / 1e6,
    }
    behind = {"model": "openai/behind", "api_base": f"{url}/v1", "api_key": "none", **prices}
    settings = {"callbacks": "logged.log", "telemetry": False}
    config = {
        "model_list": [{"model_name": "m", "litellm_params": behind}],
        "litellm_settings": settings,
        "general_settings": {"dangerously_permit_weak_or_unset_master_key": True},
    }
    (folder / "config.yaml").write_text(json.dumps(config))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    proxy = [PYTHON, "-m", "litellm.proxy.proxy_cli"]
    arguments = ["--config", str(folder / "config.yaml"), "--port", str(port), "--host", "127.0.0.1"]
    with (
        (folder / "proxy.log").open("w") as said,
        subprocess.Popen(
            [*proxy, *arguments],
            stdout=said,
            stderr=said,
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(folder), "LITELLM_LOCAL_MODEL_COST_MAP": "True"},
        ) as process,
    ):
        try:
            address = f"http://127.0.0.1:{port}"
            _wait_for(f"{address}/health/liveliness", process, folder / "proxy.log")
            yield address, log
        finally:
            process.terminate()


def _wait_for(url, process, log):
    for _ in range(480):
        assert process.poll() is None, log.read_text()[-2000:]
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.5)
    raise AssertionError(log.read_text()[-2000:])


def configs_of(folder, url):
    folder.mkdir()
    (folder / "prompts").symlink_to(ROOT / "configs" / "prompts")
    common = f"id: m, key: none, timeout_s: 120, concurrency: 12, max_tokens: 200, price: {json.dumps(PRICE)}"
    (folder / "models.yaml").write_text(f"models:\n  o: {{provider: openai, base_url: '{url}/v1', {common}}}\n")
    (folder / "paid.yaml").write_text(
        "title: Paid\nid: paid--{focal}_r{replicate}\nfocal: [o]\nbackground: [o, o, o, o]\n"
        f"episodes: {EPISODES}\nrounds: 4\nbudget_usd: 200\nin_flight: 12\nbatch_size: 1000\n"
    )
    return load_configs(folder)


def billed(folder, warehouse, file, *options):
    arguments = ["--warehouse", str(warehouse.root), "--configs", str(folder), "bill", str(file), *options]
    return CliRunner().invoke(main, arguments)


def test_what_is_recorded_is_what_a_gateway_logs_to_the_cent(tmp_path):
    with upstream() as behind, gateway(tmp_path, behind) as (url, log):
        configs, warehouse = configs_of(tmp_path / "configs", url), Warehouse(tmp_path / "w")
        result = play_batch(configs, configs.arm("paid"), "paid--b00", warehouse)
        assert result.left == 0
        for _ in range(60):  # it logs behind its replies
            if len(log.read_text().splitlines()) > result.calls:
                break
            time.sleep(0.5)
    calls, logged = warehouse.read("calls"), pl.read_csv(log)
    told = f"{calls.height} calls, {(calls['attempt'] > 0).sum()} re-asks: recorded ${calls['cost_usd'].sum():.6f}, "
    print(f"{told}logged ${logged['spend'].sum():.6f}")
    assert calls.height == logged.height == result.calls
    assert (calls["attempt"] > 0).sum() > calls.height / 50
    assert abs(calls["cost_usd"].sum() - logged["spend"].sum()) < 0.005
    if EPISODES >= 26:
        assert calls.height >= 1_000
        assert calls["cost_usd"].sum() >= 10

    found = billed(tmp_path / "configs", warehouse, log)
    assert found.exit_code == 0, found.output
    assert f"{calls.height:,} agrees" in found.output
    assert billed(tmp_path / "configs", warehouse, log, "--by", "day", "--same", "behind=o").exit_code == 0

    other = tmp_path / "other.csv"
    logged[1:].write_csv(other)
    assert billed(tmp_path / "configs", warehouse, other).exit_code == 1
    dearer = pl.when(pl.int_range(pl.len()) == 7).then(pl.col("spend") * 1.01).otherwise("spend")
    logged.with_columns(spend=dearer).write_csv(other)
    found = json.loads(billed(tmp_path / "configs", warehouse, other, "--json").output)
    assert found["found"] == {"agrees": calls.height - 1, "cost differs": 1}
