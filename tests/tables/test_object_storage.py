"""A warehouse in object storage: the same bytes as in a folder, few requests, plain words when something is wrong."""

import json
from dataclasses import replace

import polars as pl
import pytest
from click.testing import CliRunner
from polars.testing import assert_frame_equal

from di_assets.arms import batches
from di_assets.assets.freshness import newer_batches
from di_assets.assets.home import Home
from di_assets.cli.verbs import main
from di_assets.control_room.repair import repair
from di_assets.control_room.runs import materialise_batches, materialise_report
from di_assets.labelling.person import Answers
from di_assets.labelling.stored import given_labels, locked_labels, person_file, text_number
from di_assets.measures.labels import LABELS
from di_assets.play.batch import play_batch
from di_assets.play.launches import add_launch, launches
from di_assets.play.verify import verify
from di_assets.tables import EVENT_TABLES, TABLES, DamageError, StorageError, Warehouse, WarehouseError, open_warehouse
from di_assets.tables.bucket import Bucket
from di_assets.tables.contract import TIME
from di_assets.tables.refusals import storage_error
from tests.conftest import ROOT
from tests.tables.conftest import BUCKET, SECRET


@pytest.fixture
def requests(environment, monkeypatch):
    """(method, path without query) of every request from now on."""
    from werkzeug.serving import WSGIRequestHandler

    seen = []
    monkeypatch.setattr(
        WSGIRequestHandler, "log_request", lambda self, *_: seen.append((self.command, self.path.partition("?")[0]))
    )
    return seen


@pytest.fixture
def copy(warehouse, played):
    """What `played` holds, put into object storage file by file."""
    for path in played.warehouse.root.rglob("*"):
        if path.suffix in {".parquet", ".json", ".svg"}:
            warehouse._storage.write(path.relative_to(played.warehouse.root).as_posix(), path.read_bytes())
    return warehouse


@pytest.fixture(scope="session")
def shared(s3, small_configs, tmp_path_factory):
    """What `played` is, with the warehouse in object storage."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in s3.items():
            patch.setenv(name, value)
        patch.setenv("DI_LOCAL", str(tmp_path_factory.mktemp("local")))
        home = Home(warehouse=open_warehouse(f"s3://{BUCKET}/team/one"), configs=small_configs)
        materialise_batches(home, [b for arm in ("talk", "mute") for b in batches(small_configs.arm(arm))])
        materialise_report(home)
        yield home


def edges_of(*rows):
    return TABLES["edges"].frame(list(rows))


def test_a_frame_has_the_same_bytes_as_in_a_folder(warehouse, tmp_path):
    folder = Warehouse(tmp_path)
    frame = edges_of(*((f"e{number:05d}", 0, 1) for number in range(20_000)))
    for home in (warehouse, folder):
        home.write("edges", frame, "a--b00")
    assert warehouse.sha256("edges", "a--b00") == folder.sha256("edges", "a--b00") is not None
    assert warehouse.read("edges", "a--b00").equals(frame)
    assert warehouse.sha256("edges", "a--b01") is None


def test_tables_are_read_whole_by_partition_and_where_nothing_is(warehouse):
    warehouse.write("edges", edges_of(("b", 0, 1), ("c", 0, 1)), "a--b00")
    warehouse.write("edges", edges_of(("a", 0, 1)), "a--b01")
    assert warehouse.read("edges")["episode_id"].to_list() == ["a", "b", "c"]
    assert warehouse.read("edges", "a--b00")["episode_id"].to_list() == ["b", "c"]
    assert warehouse.read("edges", "a--b02").equals(TABLES["edges"].empty())
    assert warehouse.read("lift").equals(TABLES["lift"].empty())
    assert [file.stem for file in warehouse.files("edges")] == ["a--b00", "a--b01"]
    assert [file.name for file in warehouse.files("edges", "a--b01")] == ["tables/edges/a--b01.parquet"]
    assert warehouse.files("pulls") == []


def test_a_column_that_a_file_lacks_is_null(warehouse):
    row = TABLES["episodes"].empty().clear(1).with_columns(episode_id=pl.lit("a"), arm=pl.lit("x"))
    row.drop("failure").write_parquet(warehouse.address("episodes", "x--b00"), credential_provider=None)
    row.write_parquet(warehouse.address("episodes", "x--b01"), credential_provider=None)
    assert warehouse.scan("episodes").select("arm", "failure").collect().rows() == [("x", None), ("x", None)]


def test_a_table_of_many_files_is_two_listings_and_a_request_a_file(warehouse, requests):
    for number in range(12):
        warehouse.write("edges", edges_of((f"e{number}", 0, 1)), f"a--b{number:02d}")
    assert warehouse.files("edges")  # the record is read once
    requests.clear()
    assert warehouse.scan("edges").select("seat_a").collect().height == 12
    assert len(requests) == 14
    requests.clear()
    warehouse.write("edges", edges_of(("e0", 1, 2)), "a--b00")
    names = [path.removeprefix(f"/{BUCKET}/").partition("/")[2] for method, path in requests if method == "PUT"]
    assert names == ["record/a--b00.json", "tables/edges/a--b00.parquet", "record/a--b00.json"]


def test_a_version_is_one_request_and_changes_with_every_file(warehouse, requests):
    seen = [warehouse.version()]
    requests.clear()
    assert warehouse.version("edges", "pulls") == seen[0]  # nothing is there
    assert len(requests) == 1
    warehouse.write("edges", edges_of(("a", 0, 1)), "a--b00")
    seen.append(warehouse.version())
    warehouse.write("edges", edges_of(("a", 0, 2)), "a--b00")  # as long, and within the same second
    seen.append(warehouse.version())
    pulls = warehouse.version("pulls")
    warehouse.write_report("summary.json", "{}")
    seen.append(warehouse.version())
    assert len(set(seen)) == len(seen)
    assert warehouse.version() == seen[-1]
    assert warehouse.version("pulls") == pulls


def test_the_report_is_kept_beside_the_tables(warehouse):
    assert warehouse.read_report("q1.svg") is None
    assert warehouse.summary() is None
    warehouse.write_report("summary.json", '{"größe": 1}\n')
    assert warehouse.read_report("summary.json") == '{"größe": 1}\n'
    assert warehouse.summary().size == len('{"größe": 1}\n'.encode())
    assert warehouse.report == f"{warehouse}/report"
    assert not list(warehouse.root.rglob("*"))


def test_what_is_local_is_apart_for_every_warehouse(environment, tmp_path):
    one, other, top = (open_warehouse(f"s3://{BUCKET}{where}") for where in ("/a", "/a/b", ""))
    assert one.journal == tmp_path / "local" / "s3" / BUCKET / "a" / "journal"
    assert len({one.journal, other.journal, top.journal}) == 3
    assert (str(one), str(top)) == (f"s3://{BUCKET}/a", f"s3://{BUCKET}")
    assert open_warehouse(str(one)) == one
    assert open_warehouse("w") == Warehouse(tmp_path.cwd() / "w")


@pytest.mark.slow
def test_the_graph_makes_the_same_tables_and_figures(shared, played):
    home, folder = shared.warehouse, played.warehouse
    for name, table in TABLES.items():
        files = folder.files(name)
        assert [file.name for file in home.files(name)] == [file.name for file in files]
        if TIME in table.schema.values():  # when it was made is in it
            timeless = pl.exclude("started_at", "finished_at", "looked_at", "latency_s")
            assert_frame_equal(home.read(name).select(timeless), folder.read(name).select(timeless))
        else:
            for file in files:
                batch = file.stem if table.partitioned else None
                assert home.sha256(name, batch) == folder.sha256(name, batch), file.name
    drawn = [path.name for path in (folder.root / "report").glob("*.svg")]
    assert drawn
    for name in drawn:
        assert home.read_report(name) == folder.read_report(name), name
    assert newer_batches(home, "summary") is None
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DI_WAREHOUSE", "")  # the command sets them
        patch.setenv("DI_CONFIGS", "")
        options = ["--warehouse", str(home), "--configs", str(shared.configs.root)]
        assert f"the report is in {home}/report" in CliRunner().invoke(main, [*options, "report"]).output
        assert f"written to {home}/report" in CliRunner().invoke(main, [*options, "report", "--again"]).output
    assert not [path for path in shared.warehouse.root.rglob("*") if path.suffix in {".parquet", ".svg"}]


def test_the_command_line_works_there(copy, small_configs, tmp_path, monkeypatch):
    def di(*words):
        options = ["--warehouse", str(copy), "--configs", str(small_configs.root)]
        result = CliRunner().invoke(main, [*options, *words])
        assert result.exit_code == 0, result.output
        return result.output

    for name in ("DI_WAREHOUSE", "DI_CONFIGS"):  # the command sets them
        monkeypatch.setenv(name, "")
    assert di("verify", "--all").strip() == "24 ok, 0 stale, 0 broken"
    di("export", "pulls", "--to", str(tmp_path / "pulls.parquet"))
    assert pl.read_parquet(tmp_path / "pulls.parquet").equals(copy.read("pulls"))
    walked = json.loads(di("trace", "q1:promiser", "--json"))
    files = {row["facts"]["file_sha256"] for step in walked["steps"] for row in step["steps"] if row["kind"] == "row"}
    assert copy.sha256("lift") in files
    assert json.loads(di("show", "talk--promiser_r0", "--event", "1", "--json"))["event_id"] == 1


def test_what_is_damaged_there_is_named_and_made_good(copy, small_configs):
    batch = "talk--b00"
    before = {name: copy.read(name) for name in ("pulls", "seats")}
    copy._storage.write(f"tables/pulls/{batch}.parquet", b"PAR1")
    copy._storage.delete(f"tables/seats/{batch}.parquet")
    copy._storage.write(f"tables/edges/{batch} 2.parquet", b"PAR1")
    assert len(copy.damage()) == 3
    with pytest.raises(DamageError, match=f"{copy}/tables/pulls/{batch}.parquet: is not what was written"):
        copy.read("pulls")
    said = []
    repair(Home(warehouse=copy, configs=small_configs), do=True, say=said.append)
    assert len(said) == 3
    assert copy.damage() == copy.changed() == []
    assert len(copy.shared("quarantine/")) == 2
    for name, frame in before.items():
        assert_frame_equal(copy.read(name), frame)


def test_the_pages_read_it(copy, small_configs, monkeypatch):
    from streamlit.testing.v1 import AppTest

    monkeypatch.setenv("DI_WAREHOUSE", str(copy))
    monkeypatch.setenv("DI_CONFIGS", str(small_configs.root))
    for show, holds in {
        "question.show(QUESTIONS[0])": "24 episodes",
        "episodes.show()": "24 episodes",
        "lineage.show()": "episode set",
    }.items():
        words = f"import sys; sys.path.insert(0, {str(ROOT)!r})\nfrom dashboard import {show.split('.')[0]}"
        words += f"\nfrom dashboard.sections.question import QUESTIONS\n{show}"
        at = AppTest.from_string(words, default_timeout=30).run()
        assert not at.exception, at.exception
        assert holds in "\n".join(element.proto.body for element in at.get("html"))


def test_the_app_says_in_a_line_that_there_is_no_such_bucket(environment, monkeypatch):
    from streamlit.testing.v1 import AppTest

    monkeypatch.setenv("DI_WAREHOUSE", "s3://no-such-bucket/x")
    at = AppTest.from_file(str(ROOT / "dashboard" / "pages.py"), default_timeout=30).run()
    assert not at.exception, at.exception
    assert "no such bucket" in "\n".join(element.proto.body for element in at.get("html"))


def test_episodes_are_written_last_so_that_a_run_killed_between_files_is_gone_on_with(
    warehouse, small_configs, requests
):
    class Killed(BaseException):
        pass

    arm, put = small_configs.arm("talk"), []

    def dies(self, name, data, *, write=Bucket.write):
        if len(put) == 3:
            raise Killed
        if name.startswith("tables/"):
            put.append(name.split("/")[1])
        return write(self, name, data)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Bucket, "write", dies)
        with pytest.raises(Killed):
            play_batch(small_configs, arm, "talk--b00", warehouse)
    assert warehouse.damage() == []
    assert warehouse.read("episodes").is_empty()
    assert not warehouse.read(put[0]).is_empty()
    requests.clear()
    assert play_batch(small_configs, arm, "talk--b00", warehouse).complete == 12
    stored = [path.split("/")[-2] for method, path in requests if method == "PUT" and "/tables/" in path]
    assert stored[-1] == "episodes"
    assert sorted(stored) == sorted(table.name for table in EVENT_TABLES)
    assert {verdict.status for verdict in verify(small_configs, warehouse)} == {"ok"}


def test_an_object_of_many_parts_is_whole(warehouse, requests):
    text = "0123456789" * 1_200_000
    warehouse.write_text("report/long.svg", text)
    assert len([method for method, _ in requests if method == "PUT"]) > 1
    assert warehouse.read_report("long.svg") == text


def test_a_whole_bucket_can_be_the_warehouse(environment):
    whole = open_warehouse(f"s3://{BUCKET}")
    before = whole.version()
    whole.write("edges", edges_of(("a", 0, 1)), "a--b00")
    assert whole.read("edges")["episode_id"].to_list() == ["a"]
    assert [file.name for file in whole.files("edges")] == ["tables/edges/a--b00.parquet"]
    assert whole.version() != before


def test_a_launch_on_one_machine_is_known_on_another(warehouse, small_configs, tmp_path):
    here, there = warehouse, replace(warehouse, root=tmp_path / "there")
    add_launch(here, small_configs.arm("loop"), "20260101T000000")
    before = there.version()
    add_launch(there, small_configs.arm("loop"), "20260102T000000")
    assert launches(here, small_configs.arm("loop")) == ("20260101T000000", "20260102T000000")
    assert here.version() != before


def test_labels_of_several_machines_come_together_and_none_is_lost(warehouse, tmp_path):
    from di_assets.labelling.sample import Message

    here, there = warehouse, replace(warehouse, root=tmp_path / "there")
    messages = TABLES["messages"].frame([("e", n, 1, 0, 0, 1, f"text {n}", False) for n in range(3)])
    here.write("messages", messages, "talk--b00")

    def label(home, number):
        path = person_file(home, "anna")
        with locked_labels(home, path), Answers(path, "v1") as answers:
            for one in LABELS:
                answers.give(Message("e", number, f"text {number}"), one, True)
        return path

    label(here, 0)
    label(there, 1)
    path = label(here, 2)
    for home in (here, there):
        assert given_labels(home, "talk--b00")["event_id"].to_list() == [0, 1, 2]
    lines = path.read_bytes().splitlines()
    assert len(lines) == len(set(lines)) == 3 * len(LABELS)
    assert text_number("text 0") in {json.loads(line)["number"] for line in lines}


@pytest.mark.parametrize(
    ("address", "changed", "code", "words"),
    [
        ("s3://no-such-bucket/x", {}, 2, "s3://no-such-bucket: no such bucket; make it first"),
        (f"s3://{BUCKET}/x", {"AWS_SECRET_ACCESS_KEY": ""}, 2, "no credentials: set AWS_SECRET_ACCESS_KEY"),
        (f"s3://{BUCKET}/x", {"AWS_ALLOW_HTTP": ""}, 2, "AWS_ALLOW_HTTP=true"),
        (f"s3://{BUCKET}/x", {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}, 1, "no connection to the object storage"),
        (f"s3://AKIA:{SECRET}@{BUCKET}/x", {}, 2, "no folder and not s3://BUCKET"),
        (f"s3://{BUCKET}/../x", {}, 2, "no folder and not s3://BUCKET"),
        (f"s3:/{BUCKET}/x", {}, 2, "no folder and not s3://BUCKET"),
        ("gs://bucket/x", {}, 2, "no folder and not s3://BUCKET"),
    ],
)
def test_what_is_wrong_is_one_line_without_a_secret(environment, monkeypatch, address, changed, code, words):
    for name, value in {**changed, "DI_WAREHOUSE": "", "DI_CONFIGS": ""}.items():
        monkeypatch.setenv(name, value)
    result = CliRunner().invoke(main, ["--warehouse", address, "--configs", str(ROOT / "configs"), "arms"])
    assert (result.exit_code, result.output.count("\n")) == (code, 1), result.output
    assert words in result.output
    assert SECRET not in result.output


@pytest.mark.parametrize(
    ("said", "kind", "words"),
    [
        ("403 Forbidden: <Code>InvalidAccessKeyId</Code> KEY", WarehouseError, "are not accepted"),
        ("status code: 403 Forbidden: <AWSAccessKeyId>KEY</AWSAccessKeyId>", WarehouseError, "may not do this"),
        ("status code: 301 Moved KEY", WarehouseError, "set AWS_REGION"),
        ("status code: 503 <Code>SlowDown</Code> KEY", StorageError, "too busy"),
        ("status code: 507 KEY", StorageError, "is full"),
        ("status code: 500 <Code>KEY</Code>", StorageError, "failed (500)"),
        ("KEY", StorageError, "not S3's"),
    ],
)
def test_the_words_of_a_server_are_not_repeated(said, kind, words):
    error = storage_error("s3://b", said)
    assert type(error) is kind
    assert words in str(error)
    assert "KEY" not in str(error)
