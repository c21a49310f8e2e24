"""A hostile provider in a process of its own, and an arm whose seats are all played by it, in both dialects."""

import json
import subprocess
import sys
from contextlib import contextmanager

from di_assets.arms import load_configs
from tests.conftest import ROOT

KEY = "sk-planted-0123456789-never-to-be-seen"


@contextmanager
def hostile(ledger=None, **options):
    """Yields its address."""
    arguments = [text for name, value in options.items() for text in (f"--{name}", str(value))]
    if ledger:
        arguments += ["--ledger", str(ledger)]
    command = [sys.executable, "-m", "tests.providers.hostile", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    try:
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def served(ledger):
    """What was sent whole: dicts with key, kind, sent, received."""
    lines = [json.loads(line) for line in ledger.read_text().splitlines()]
    return [line for line in lines if line["key"]]


def hostile_configs(
    folder, url, *, episodes=4, rounds=2, budget=1000.0, timeout_s=3, retries=2, concurrency=40, in_flight=16
):
    """One arm, `hard`: both dialects are focal, both sit among the rivals."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "prompts").symlink_to(ROOT / "configs" / "prompts")
    common = (
        f"id: x, key: PLANTED_KEY, timeout_s: {timeout_s}, max_retries: {retries}, concurrency: {concurrency}, "
        "max_tokens: 300, price: {input: 3, cached: 0.3, output: 15}"
    )
    (folder / "models.yaml").write_text(
        f"models:\n  o: {{provider: openai, base_url: '{url}/v1', send_seed: true, {common}}}\n"
        f"  a: {{provider: anthropic, base_url: '{url}', {common}}}\n"
    )
    (folder / "hard.yaml").write_text(
        "title: Hard\nid: hard--{focal}_r{replicate}\nfocal: [o, a]\nbackground: [o, a, o, a]\n"
        f"episodes: {episodes // 2}\nrounds: {rounds}\nbudget_usd: {budget}\nin_flight: {in_flight}\nbatch_size: 1000\n"
    )
    return load_configs(folder)
