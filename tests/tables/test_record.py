"""What the record knows: damage is named by its file, copies are not read, a kill leaves nothing that it does not know."""

import json
import os
import shutil

import polars as pl
import pytest

from di_assets.tables import TABLES, DamageError, Warehouse
from di_assets.tables.adopting import _most_like
from di_assets.tables.record import _digest
from di_assets.tables.storage import Folder

BATCH = "a--b00"


def edges_of(*rows):
    return TABLES["edges"].frame(list(rows))


def episodes_of(*ids, batch=BATCH):
    """Rows of which only the id and the batch are something; past the contract."""
    frame = pl.DataFrame({"episode_id": ids, "batch": [batch] * len(ids)})
    return TABLES["episodes"].empty().drop("episode_id", "batch").clear(len(ids)).hstack(frame)


@pytest.fixture
def warehouse(tmp_path):
    made = Warehouse(tmp_path)
    made.write("edges", edges_of(("e0", 0, 1), ("e0", 1, 2)), BATCH)
    made.write("edges", edges_of(("e1", 0, 1)), "a--b01")
    return made


def path_of(warehouse, table="edges", batch=BATCH):
    return warehouse.root / "tables" / table / f"{batch}.parquet"


DAMAGE = {
    "is missing": lambda path: path.unlink(),
    "is empty": lambda path: path.write_bytes(b""),
    "is not what was written": lambda path: path.write_bytes(path.read_bytes()[:-1]),
    "is not what was written:": lambda path: shutil.copy(path.with_name("a--b01.parquet"), path),
}


@pytest.mark.parametrize("what", DAMAGE)
def test_a_damaged_file_is_named_with_what_it_is_and_the_remedy(warehouse, what):
    DAMAGE[what](path_of(warehouse))
    for read in (lambda: warehouse.read("edges"), lambda: warehouse.scan("edges", BATCH)):
        with pytest.raises(DamageError) as raised:
            read()
        line = str(raised.value)
        assert "\n" not in line
        assert line.startswith(f"{path_of(warehouse)}: {what}")
        assert "`di repair`" in line
    assert [one.file for one in warehouse.damage()] == [f"tables/edges/{BATCH}.parquet"]
    assert warehouse.read("edges", "a--b01").height == 1


@pytest.mark.parametrize(
    "name", [f"{BATCH} 2.parquet", f"{BATCH} (copy).parquet", f"._{BATCH}.parquet", f"{BATCH}.parquet.tmp",
             f"{BATCH} (conflicted copy 2026-11-27).parquet", f"{BATCH}.sync-conflict-20261127.parquet", "b--b00.parquet"]
)  # fmt: skip
def test_a_copy_is_named_and_not_read(warehouse, name):
    warehouse.write("episodes", TABLES["episodes"].empty(), BATCH)
    shutil.copy(path_of(warehouse), path_of(warehouse).with_name(name))
    episodes_of("e0").write_parquet(path_of(warehouse, "episodes").with_name(name))
    assert warehouse.read("edges").height == 3
    assert [file.stem for file in warehouse.files("edges")] == [BATCH, "a--b01"]
    wrong = warehouse.damage()
    assert {(one.file, one.kind) for one in wrong} >= {(f"tables/edges/{name}", "stray")}
    assert {one.kind for one in wrong} == {"stray"}


def test_a_changed_byte_is_found_by_its_checksum_alone(warehouse):
    data = bytearray(path_of(warehouse).read_bytes())
    data[4] ^= 1
    path_of(warehouse).write_bytes(data)
    assert warehouse.damage() == []
    (found,) = warehouse.changed()
    assert (found.file, "checksum" in found.what) == (f"tables/edges/{BATCH}.parquet", True)


def test_a_write_that_is_killed_at_any_point_leaves_nothing_that_is_damaged(tmp_path, monkeypatch):
    class Killed(BaseException):
        pass

    frames = {"edges": edges_of(("e0", 0, 1)), "seats": TABLES["seats"].frame([("e0", 0, "A", "m", "mixed", "llm")])}
    more = {"edges": edges_of(("e0", 0, 1), ("e1", 0, 1)), "seats": TABLES["seats"].empty()}
    for at in range(4):
        warehouse, left = Warehouse(tmp_path / str(at)), [4 + at]

        def dies(self, name, data, *, left=left, write=Folder.write):
            if not left[0]:
                raise Killed
            left[0] -= 1
            return write(self, name, data)

        with monkeypatch.context() as patch:
            patch.setattr(Folder, "write", dies)
            warehouse.commit(BATCH, frames)
            with pytest.raises(Killed):
                warehouse.commit(BATCH, more)
        assert warehouse.damage() == warehouse.changed() == []
        assert warehouse.read("edges").height == (1 if at < 2 else 2)
        warehouse.commit(BATCH, more)
        assert warehouse.damage() == warehouse.changed() == []
        assert len(json.loads((warehouse.root / "record" / f"{BATCH}.json").read_text())["tables"]["edges"]) == 1


def test_a_warehouse_without_a_record_gets_one_once_and_copies_are_no_part_of_it(tmp_path, caplog):
    folder = tmp_path / "tables"
    for table, frame in {"episodes": episodes_of("e0"), "edges": edges_of(("e0", 0, 1))}.items():
        (folder / table).mkdir(parents=True)
        frame.write_parquet(folder / table / f"{BATCH}.parquet")
        frame.write_parquet(folder / table / f"{BATCH} 2.parquet")
    edges_of(("f0", 0, 1)).write_parquet(folder / "edges" / "b--b00.parquet")
    (folder / "pulls").mkdir()
    edges_of(("e0", 0, 1)).write_parquet(folder / "pulls" / f"{BATCH}.parquet")  # another table's
    warehouse = Warehouse(tmp_path)
    assert warehouse.read("edges")["episode_id"].to_list() == ["e0", "f0"]
    assert warehouse.read("episodes").height == 1
    assert [line for line in caplog.messages if "no record" in line] == caplog.messages[:1]
    wrong = {one.file: one.kind for one in warehouse.damage()}
    assert wrong.pop(f"tables/edges/{BATCH} 2.parquet") == wrong.pop(f"tables/episodes/{BATCH} 2.parquet") == "stray"
    assert set(wrong) == {f"tables/{table}/{BATCH}.parquet" for table in ("pulls", "messages", "calls", "seats")}
    with pytest.raises(DamageError, match="could not be read as this batch's table"):
        warehouse.read("pulls")


def test_the_record_that_is_lost_is_made_again_and_one_that_is_damaged_is_named(warehouse):
    record = warehouse.root / "record" / f"{BATCH}.json"
    record.unlink()
    assert warehouse.read("edges").height == 3
    assert record.exists()
    record.write_text(record.read_text().replace('"rows": 2', '"rows": 3'))
    with pytest.raises(DamageError, match=f"record/{BATCH}.json: is not what was written"):
        warehouse.read("edges")
    assert warehouse.adopt(BATCH)
    assert warehouse.read("edges").height == 3
    shutil.copy(record, record.with_name(f"{BATCH} 2.json"))
    assert [(one.file, one.kind) for one in warehouse.damage()] == [(f"record/{BATCH} 2.json", "stray")]


def test_no_file_of_a_batch_whose_record_is_damaged_is_called_a_copy(warehouse):
    warehouse.write("pulls", TABLES["pulls"].empty(), BATCH)
    record = warehouse.root / "record" / f"{BATCH}.json"
    record.write_bytes(record.read_bytes()[:200])
    assert [(one.file, one.kind) for one in warehouse.damage()] == [(f"record/{BATCH}.json", "damaged")]


@pytest.mark.parametrize("states", [[], [{"size": "2", "sha256": "", "rows": 1, "columns": []}], [3], "x"])
def test_a_record_that_was_written_by_something_else_is_named(warehouse, states):
    path = warehouse.root / "record" / f"{BATCH}.json"
    tables = {"edges": states}
    path.write_text(json.dumps({"of": BATCH, "sha256": _digest(tables), "tables": tables}))
    assert [(one.file, one.what) for one in warehouse.damage()] == [(f"record/{BATCH}.json", "is no record")]


def test_columns_of_another_version(warehouse):
    newer = edges_of(("e0", 0, 1)).with_columns(weight=pl.lit(0.5))
    newer.write_parquet(path_of(warehouse))
    assert warehouse.adopt(BATCH)
    assert warehouse.read("edges").columns == list(TABLES["edges"].schema)
    (note,) = warehouse.damage()
    assert (note.kind, "weight" in note.what) == ("newer", True)


def test_a_batch_is_read_alone_where_no_record_can_be_written(warehouse, monkeypatch):
    shutil.rmtree(warehouse.root / "record")

    def refused(*_):
        raise PermissionError(13, "no")

    monkeypatch.setattr(Folder, "write", refused)
    assert warehouse.read("edges").height == 3
    assert [warehouse.read("edges", batch).height for batch in (BATCH, "a--b01")] == [2, 1]
    assert warehouse.damage() == []


def test_the_record_of_another_batch_is_named_and_not_replaced_unasked(warehouse):
    path = warehouse.root / "record" / f"{BATCH}.json"
    shutil.copy(path.with_name("a--b01.json"), path)
    held = path.read_bytes()
    with pytest.raises(DamageError, match=f"record/{BATCH}.json: is the record of a--b01"):
        warehouse.read("edges")
    assert path.read_bytes() == held
    assert warehouse.adopt(BATCH)
    assert warehouse.read("edges").height == 3


@pytest.mark.parametrize("name", ["._a--b00", "Copy of a--b00", "Copy_of_a--b00", "~a--b00", "(1) a--b00"])
@pytest.mark.parametrize("recorded", [True, False])
def test_a_copy_of_one_table_is_no_batch(warehouse, name, recorded):
    if not recorded:
        shutil.rmtree(warehouse.root / "record")
    shutil.copy(path_of(warehouse), path_of(warehouse, batch=name))
    assert warehouse.read("edges").height == 3
    assert [(one.file, one.kind) for one in warehouse.damage()] == [(f"tables/edges/{name}.parquet", "stray")]


def test_a_batch_whose_name_holds_another_ones_is_one(warehouse):
    edges_of(("g0", 0, 1)).write_parquet(path_of(warehouse, batch="very-a--b00"))
    assert warehouse.read("edges").height == 4
    assert warehouse.damage() == []


def test_a_folder_in_a_records_place_is_put_aside(warehouse):
    record = warehouse.root / "record" / f"{BATCH}.json"
    record.unlink()
    record.mkdir()
    assert warehouse.read("edges", BATCH).height == 2
    assert record.is_file()
    assert [path.is_dir() for path in (warehouse.root / "quarantine").iterdir()] == [True]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_warehouse_that_may_only_be_read_is_read_without_a_record(warehouse):
    shutil.rmtree(warehouse.root / "record")
    warehouse.root.chmod(0o555)
    try:
        assert warehouse.read("edges").height == 3
    finally:
        warehouse.root.chmod(0o755)


def test_every_table_is_most_like_itself():
    assert {name: _most_like(table.schema) for name, table in TABLES.items()} == {name: name for name in TABLES}
