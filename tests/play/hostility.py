"""A hostile provider in a process of its own, and an arm whose seats are all played by it, in both dialects."""

import json
import sqlite3
import subprocess
import sys
import zlib
from contextlib import closing, contextmanager, suppress

import polars as pl

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


def noted(ledger):
    """Everything the server sent: dicts with key, kind, model, usage."""
    return [json.loads(line) for line in ledger.read_text().splitlines()]


def served(ledger):
    """Replies that were sent whole."""
    return [line for line in noted(ledger) if line["key"]]


def charged(ledger, model="x"):
    """US dollars that the provider charges for a model by its own count, at the prices below."""
    total = 0.0
    for usage in (line["usage"] for line in noted(ledger) if line["usage"] and line["model"] == model):
        read = usage.get("prompt_tokens_details", {}).get("cached_tokens", usage.get("cache_read_input_tokens", 0))
        fresh = usage["prompt_tokens"] - read if "prompt_tokens" in usage else usage["input_tokens"]
        total += 3 * fresh + 0.3 * read + 15 * usage.get("completion_tokens", usage.get("output_tokens", 0))
    return total / 1_000_000


def hostile_configs(
    folder,
    url,
    *,
    episodes=4,
    rounds=2,
    budget=1000.0,
    timeout_s=3,
    retries=2,
    concurrency=40,
    in_flight=16,
    model_id="x",
):
    """One arm, `hard`: both dialects are focal, both sit among the rivals."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "prompts").symlink_to(ROOT / "configs" / "prompts")
    common = (
        f"id: {model_id}, key: PLANTED_KEY, timeout_s: {timeout_s}, max_retries: {retries}, concurrency: {concurrency}, "
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


def leaks(folder, secret):
    """Every place under a folder that holds the secret: files, rows of tables, cells of SQLite databases."""
    needle = secret.encode()
    found = []
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and not p.is_symlink()):
        if needle in path.read_bytes():
            found.append(f"{path}: bytes")
        if path.suffix == ".parquet":
            frame = pl.read_parquet(path)
            found += [f"{path}: {name}" for name in frame.columns if secret in " ".join(map(str, frame[name]))]
        if path.suffix == ".db":
            found += [f"{path}: {place}" for place, cell in cells(path) if needle in cell]
    return found


def cells(path):
    """(table, bytes) of every cell of a database, unpacked where it is packed."""
    with closing(sqlite3.connect(path)) as database:
        for (table,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            for row in database.execute(f'SELECT * FROM "{table}"'):
                for cell in row:
                    if isinstance(cell, bytes):
                        with suppress(zlib.error):
                            yield table, zlib.decompress(cell)
                        yield table, cell
                    elif cell is not None:
                        yield table, str(cell).encode()
