"""Warehouses that are damaged at random: no verb and no page ends in a traceback, and the file is named.

DI_DAMAGED sets how many are tried, each with every verb and page; by default a few are, with some of both.
"""

import os
import random
from functools import partial
from html import unescape

import pytest

from di_assets.assets.checks import keys_unique
from di_assets.assets.damaged import DamagedFailure, looked_at, naming_damage
from di_assets.assets.home import Home
from di_assets.tables import TABLES, Warehouse
from tests.cli.damaging import PAGES, WAYS, changed, copy_of, files_of, pages, reading_verbs, verb

TRIES = int(os.environ.get("DI_DAMAGED", "6"))
ALL = "DI_DAMAGED" in os.environ
VERBS, SHOWN = (99, 99) if ALL else (4, 2)


@pytest.mark.parametrize("number", range(TRIES))
def test_a_damaged_file_is_named_by_every_verb_and_page(number, played, tmp_path, monkeypatch):
    rng = random.Random(number)
    warehouse, configs = copy_of(played.warehouse.root, tmp_path / "w"), played.configs.root
    before = set(files_of(warehouse))
    file, damage = rng.choice(sorted(before)), WAYS[number % len(WAYS)]
    damage(file, rng)
    new = set(files_of(warehouse)) - before
    name = (new.pop() if new else file).name
    table = [file.parent.name if file.parent.name in TABLES else file.stem]
    tables = [*(t for t in table if t in TABLES), *rng.sample(sorted(TABLES), 3)]
    verbs = reading_verbs(tables, tmp_path)
    for words in {("verify", "--all"), *rng.sample(verbs, min(VERBS, len(verbs)))}:
        said, code = verb(warehouse, configs, *words)
        assert code in {0, 1}, (words, said)
        reads = words == ("verify", "--all")
        if reads or damage is not changed:  # a changed byte that still reads is for `di verify` alone to find
            assert name in said or file.parent.name == "record", (words, said)
    for call, shown in pages(warehouse, configs, monkeypatch, rng.sample(PAGES, min(SHOWN, len(PAGES)))):
        if damage is not changed:
            assert name in unescape(shown) or file.parent.name == "record", (call, shown)


def test_what_plays_and_publishes_names_the_file_and_so_do_assets_and_checks(played, tmp_path):
    warehouse, configs = copy_of(played.warehouse.root, tmp_path / "w"), played.configs.root
    file = warehouse / "tables" / "pulls" / "talk--b00.parquet"
    file.write_bytes(file.read_bytes()[:999])
    line = f"{file}: is not what was written: it has 999 bytes and had"
    for words in (("run", "talk"), ("report",), ("label", "--agreement")):
        said, code = verb(warehouse, configs, *words)
        if words[0] == "label":  # it reads no pulls
            assert (code, f"Warning: {line}" in said) == (0, True)
        else:
            assert code == 1
            assert said.strip().startswith("Error: ")
            assert line in said
            assert said.strip().count("\n") == 0
    home = Home(warehouse=Warehouse(warehouse), configs=played.configs)
    found = looked_at(home, partial(keys_unique, home, "talk--b00"), table="episodes")
    assert found.description.startswith(line)
    with pytest.raises(DamagedFailure) as failed, naming_damage(home):
        home.warehouse.read("pulls")
    assert failed.value.description.startswith(line)
