"""A measure that is added in one declaration is made, checked, published, repaired and described as all others are."""

import dagster as dg
import polars as pl
import pytest

from dashboard.static_site import file_of, files_of
from di_assets.assets.checks import measured_keys_unique
from di_assets.assets.definitions import build
from di_assets.assets.freshness import newer_batches, published
from di_assets.assets.home import Home
from di_assets.control_room.instance import instance_of
from di_assets.control_room.runs import materialise_batches, materialise_report
from di_assets.measures import declared
from di_assets.measures.making import unmeasured
from di_assets.measures.measure import Measure, Shown
from di_assets.tables import TABLES, Warehouse
from di_assets.tables.contract import EPISODE, INT, TEXT, Table, columns
from tests.cli.damaging import verb
from tests.dashboard.conftest import cells, shown_page

BATCH, EARLIER = "talk--b00", "mute--b00"


def n_messages(messages: pl.DataFrame, seats: pl.DataFrame) -> pl.DataFrame:
    """One row a seat: how many messages it wrote."""
    assert messages.columns == ["episode_id", "sender"]
    wrote = messages.group_by("episode_id", seat="sender").agg(n=pl.len())
    return seats.join(wrote, on=["episode_id", "seat"], how="left").with_columns(pl.col("n").fill_null(0))


def most_messages(n_messages: pl.DataFrame, *, focal: dict) -> pl.DataFrame:
    """One row an arm with focal models: the most messages that one seat wrote."""
    most = int(n_messages["n"].max())
    return pl.DataFrame({"arm": sorted(focal), "most": [most] * len(focal)})


ADDED = (
    Measure(
        n_messages,
        Table(
            "n_messages",
            "episode x seat",
            ("episode_id", "seat"),
            columns(EPISODE, ("seat", INT, "the writer"), ("n", INT, "messages it wrote")),
        ),
        reads={"messages": ("episode_id", "sender"), "seats": ("episode_id", "seat")},
        shown=Shown("Who wrote", ("seat", "n")),
    ),
    Measure(
        most_messages,
        Table(
            "most_messages", "arm", ("arm",), columns(("arm", TEXT, "its name"), ("most", INT, "of one seat")), False
        ),
        reads={"n_messages": ("n",)},
        settings=("focal",),
        version="7",
    ),
)


@pytest.fixture(scope="module")
def added(small_configs, tmp_path_factory):
    """A home that knows both, with a batch played, measured and published; and one that was measured before."""
    home = Home(warehouse=Warehouse(tmp_path_factory.mktemp("added")), configs=small_configs)
    materialise_batches(home, [EARLIER])
    with pytest.MonkeyPatch.context() as patch:
        for measure in ADDED:
            patch.setitem(TABLES, measure.name, measure.table)
        patch.setattr(declared, "MEASURES", declared.checked([*declared.MEASURES.values(), *ADDED]))
        materialise_batches(home, [BATCH])
        assert unmeasured(home.warehouse) == {EARLIER: ["n_messages"]}
        materialise_report(home)
        yield home


def test_both_are_made_by_the_graph(added):
    rows = added.warehouse.read("n_messages", BATCH)
    assert rows.select("episode_id", "seat").equals(added.warehouse.read("seats", BATCH).select("episode_id", "seat"))
    assert rows["n"].sum() == added.warehouse.read("messages", BATCH).height > 0
    arms = sorted(added.configs.arms)
    most = added.warehouse.read("n_messages")["n"].max()
    assert added.warehouse.read("most_messages").rows() == [(arm, most) for arm in arms]


def test_a_batch_that_was_measured_before_a_measure_was_there_is_measured_by_it_for_the_report(added):
    rows = added.warehouse.read("n_messages", EARLIER)
    assert rows.select("episode_id", "seat").equals(added.warehouse.read("seats", EARLIER).select("episode_id", "seat"))
    assert unmeasured(added.warehouse) == {}


def test_both_are_assets_below_what_they_read(added):
    graph = build(added).resolve_asset_graph()
    batch, whole = (graph.get(dg.AssetKey(measure.name)) for measure in ADDED)
    above = [{key.to_user_string() for key in node.parent_keys} for node in (batch, whole)]
    assert above == [{"messages", "seats"}, {"n_messages"}]
    assert (batch.group_name, whole.group_name) == ("measures", "aggregates")
    assert (batch.code_version, whole.code_version) == ("1", "7")
    assert batch.description == "One row a seat: how many messages it wrote."
    assert (batch.is_partitioned, whole.is_partitioned) == (True, False)


def test_a_materialisation_shows_the_columns_and_where_they_come_from(added):
    with instance_of(added) as instance:
        told = instance.get_latest_materialization_event(dg.AssetKey("n_messages")).asset_materialization.metadata
    meanings = {column.name: column.description for column in told["dagster/column_schema"].value.columns}
    assert meanings["n"] == "messages it wrote"
    lineage = told["dagster/column_lineage"].value.deps_by_column
    assert [dep.asset_key.to_user_string() for dep in lineage["seat"]] == ["seats"]
    assert told["grain"].value == "episode x seat"


def test_both_are_checked(added):
    assert measured_keys_unique(added, BATCH) is None
    file = added.warehouse.root / f"tables/n_messages/{BATCH}.parquet"
    before = file.read_bytes()
    rows = added.warehouse.read("n_messages", BATCH)
    pl.concat([rows, rows.head(1)]).write_parquet(file)
    added.warehouse.adopt(BATCH)
    assert "a key occurs twice" in measured_keys_unique(added, BATCH).description
    file.write_bytes(before)
    added.warehouse.adopt(BATCH)
    assert "most_messages" in published()
    assert newer_batches(added.warehouse, "most_messages") is None


def test_both_are_exported(added, tmp_path):
    for measure in ADDED:
        file = tmp_path / f"{measure.name}.parquet"
        said, code = verb(added.warehouse.root, added.configs.root, "export", measure.name, "--to", str(file))
        assert code == 0, said
        assert pl.read_parquet(file).equals(added.warehouse.read(measure.name))


def test_the_reader_shows_the_rows_of_its_episode_on_the_dashboard_and_in_the_files(added, monkeypatch):
    key = added.warehouse.read("episodes", BATCH)["episode_id"][0]
    rows = added.warehouse.read("n_messages", BATCH).filter(episode_id=key)
    letters = added.warehouse.read("seats", BATCH).select("episode_id", "seat", "label")
    wanted = sorted(
        [label, str(n)] for label, n in rows.join(letters, on=["episode_id", "seat"]).select("label", "n").rows()
    )
    served = shown_page(monkeypatch, added.warehouse, added.configs.root, "transcript", episode=key)
    files = dict(files_of(added.warehouse, added.configs.root))
    for html in (served, files[f"transcript/{file_of(key)}"]):
        assert [[words[0] for words in row] for row in cells(html, "n_messages")] == wanted
        assert ">Who wrote</h" in html
        assert "n: messages it wrote." in html
    assert "most_messages" not in served


def test_a_damaged_file_of_each_is_found_and_measured_again(added):
    whole = {measure.name: added.warehouse.read(measure.name) for measure in ADDED}
    for name in (f"n_messages/{BATCH}", "most_messages"):
        (added.warehouse.root / f"tables/{name}.parquet").write_bytes(b"PAR1")
    assert sorted(one.file for one in added.warehouse.damage()) == [
        "tables/most_messages.parquet",
        f"tables/n_messages/{BATCH}.parquet",
    ]
    said, code = verb(added.warehouse.root, added.configs.root, "repair")
    assert (code, said.count("measured again")) == (0, 2), said
    for name, frame in whole.items():
        assert added.warehouse.read(name).equals(frame), name
