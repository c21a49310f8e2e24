"""Object storage that fails: a write that failed is an error, what was paid for is lost nowhere, readers say a line."""

import _thread
import json
import os
import random
import re
import shutil
import subprocess
import threading
import time
from collections import Counter
from dataclasses import replace
from itertools import product
from types import SimpleNamespace

import polars as pl
import pytest
from click.testing import CliRunner

from di_assets.calls.call import FAULTS as NO_REPLY
from di_assets.cli.verbs import main
from di_assets.labelling.person import Answers
from di_assets.labelling.stored import locked_labels, person_file
from di_assets.measures.labels import LABELS
from di_assets.play.batch import play_batch
from di_assets.play.launches import add_launch, launches
from di_assets.play.verify import verify
from di_assets.tables import EVENT_TABLES, StorageError, open_warehouse
from di_assets.tables.bucket import RETRIES, WRITES, Bucket
from tests.conftest import ROOT
from tests.play.hostility import KEY, hostile, hostile_configs, served
from tests.tables.conftest import BUCKET, SECRET
from tests.tables.faulty import FAULTS, PUTS, STATUSES
from tests.tables.test_object_storage import edges_of

SMALL, LARGE = b"0123456789" * 50, bytes(range(250)) * 50
SHORT = ("calls", "messages", "episodes")
RUNS = int(os.environ.get("STORAGE_RUNS", "4"))


@pytest.fixture
def where(proxy, request):
    return f"s3://{BUCKET}/{re.sub('[^a-z0-9_]+', '-', request.node.name).strip('-')}"


@pytest.fixture
def place(where):
    return Bucket(where)


@pytest.fixture
def warehouse(where):
    return open_warehouse(where)


def a_line(text):
    assert text.strip()
    assert len(text.strip().splitlines()) == 1, text
    assert not any(word in text for word in (SECRET, "AWS4-HMAC", "Traceback", "Credential=", "<")), text
    return True


def unfinished(prefix):
    """Uploads in parts that were begun and not ended, as the storage knows them."""
    import boto3

    found = boto3.client("s3").list_multipart_uploads(Bucket=BUCKET, Prefix=prefix)
    return found.get("Uploads", [])


@pytest.mark.parametrize("times", [1, 10**9])
@pytest.mark.parametrize("fault", FAULTS)
def test_a_write_is_there_whole_or_an_error(place, proxy, fault, times):
    for what in PUTS:
        data = SMALL if what == "PutObject" else LARGE
        name = f"{fault}/{times}/{what}"
        place.write(name, b"as it was before")
        proxy.seen.clear()
        proxy.fail(fault, kinds=(what,), times=times)
        said = None
        try:
            written = place.write(name, data)
        except StorageError as error:
            said = str(error)
        failed = said is not None
        assert a_line(said) and f"{place.url}/{name}: " in said if failed else written.size == len(data)
        failures = [one for one in proxy.seen if one[2]]
        proxy.calm()
        held = place.read(name)
        assert failures
        assert len(failures) <= 4 * WRITES * (RETRIES + 1)
        assert held == data or failed
        if fault in STATUSES and times > 1:
            assert failed
        if fault in {"400", "403", "411"}:
            assert failed
            assert len(failures) <= 2  # at once; two parts are under way
        if fault in {"429", "500", "503", "507", "cut", "cut_body"}:
            assert failed is (times > 1)
        if failed and fault not in {"half", "cut_after"}:
            assert held in {b"as it was before", data}
    if fault not in {"cut_after", "lost"}:  # nobody was told the upload's id, or that it did not end
        assert not unfinished(f"{place.url.rpartition('/')[2]}/{fault}/{times}/")


def ways_of_writing(warehouse, small_configs):
    """Everything that is written to a warehouse, by what is in its path."""

    def label():
        path = person_file(warehouse, "anna")
        with locked_labels(warehouse, path), Answers(path, "v1") as answers:
            from di_assets.labelling.sample import Message

            answers.give(Message("e", 1, "text"), LABELS[0], True)

    return {
        "tables/edges/": lambda: warehouse.write("edges", edges_of(("a", 0, 1)), "a--b00"),
        "record/": lambda: warehouse.write("edges", edges_of(("b", 0, 1)), "a--b00"),
        "tables/looks": lambda: warehouse.write("looks", warehouse.read("looks")),
        "report/": lambda: warehouse.write_report("q1.svg", "<svg/>" * 3000),
        "launches/": lambda: add_launch(warehouse, small_configs.arm("loop"), "20260101T000000"),
        "labels/": label,
    }


@pytest.mark.parametrize("fault", ["403", "500", "cut", "lost"])
def test_every_way_of_writing_says_that_it_failed(warehouse, proxy, small_configs, fault):
    for path, write in ways_of_writing(warehouse, small_configs).items():
        proxy.fail(fault, path=path)
        with pytest.raises(StorageError) as caught:
            write()
        assert a_line(str(caught.value))
        proxy.calm()
        write()
    assert launches(warehouse, small_configs.arm("loop")) == ("20260101T000000",)
    assert warehouse.read_report("q1.svg") == "<svg/>" * 3000
    lines = warehouse.read_text("labels/persons/anna.jsonl").splitlines()
    assert [json.loads(line)["label"] for line in lines] == [LABELS[0]] * len(lines)
    assert len(lines) == 2  # what was said while the storage failed went with the next


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "path", "fault"),
    [(["run", "talk"], "tables/calls/", "403"), (["run", "talk"], "record/", "503"), (["report"], "report/", "cut")],
)
def test_a_command_says_in_a_line_what_was_not_written(proxy, where, small_configs, monkeypatch, words, path, fault):
    for name in ("DI_WAREHOUSE", "DI_CONFIGS"):
        monkeypatch.setenv(name, "")
    proxy.fail(fault, path=path)
    options = ["--warehouse", where, "--configs", str(small_configs.root)]
    result = CliRunner().invoke(main, [*options, *words])
    assert result.exit_code in {1, 2}, result.output
    assert "Traceback" not in result.output
    assert f"{where}/{path}" in result.output.splitlines()[-1]
    assert "Credential=" not in result.output
    proxy.calm()
    result = CliRunner().invoke(main, [*options, *words])
    assert result.exit_code == 0, result.output


def test_a_storage_that_never_answers_is_waited_for_so_long_and_no_longer(warehouse, proxy, monkeypatch):
    warehouse.write("edges", edges_of(("a", 0, 1)), "a--b00")
    monkeypatch.setattr("di_assets.tables.bucket.REQUEST_S", 0.3)
    monkeypatch.setattr("di_assets.tables.bucket.RETRY_S", 0.5)
    monkeypatch.setenv("AWS_REGION", "eu-west-1")  # another environment, another client
    for kinds, path, does in (
        (("PutObject",), "report/", lambda: warehouse.write_report("q1.svg", "<svg/>")),
        (("GetObject",), "tables/", lambda: warehouse.read("edges")),
        (("ListObjectsV2",), "", lambda: warehouse.files("edges")),
    ):
        proxy.fail("hang", kinds=kinds, path=path)
        began = time.monotonic()
        with pytest.raises(StorageError, match="no connection to the object storage"):
            does()
        assert time.monotonic() - began < 50  # one request may take a minute
        proxy.calm()


def test_an_interrupt_leaves_a_whole_object_or_the_one_before(place, proxy):
    place.write("report/q1.svg", SMALL)
    proxy.fail("slow", kinds=("UploadPart",))

    def write():
        place.write("report/q1.svg", LARGE)
        time.sleep(5)  # the interrupt comes here at the latest

    interrupt = threading.Timer(0.4, _thread.interrupt_main)
    interrupt.start()
    with pytest.raises(KeyboardInterrupt):
        write()
    assert place.read("report/q1.svg") in {SMALL, LARGE}
    assert not unfinished(place.url.rpartition("/")[2])


def test_a_storage_is_tried_once_before_play(warehouse, proxy, small_configs):
    play_batch(small_configs, small_configs.arm("talk"), "talk--b00", warehouse, limit=1)
    tried = [what for what, path, _ in proxy.seen if "/probe" in path]
    assert tried == ["PutObject", "GetObject", "GetObject"]
    play_batch(small_configs, small_configs.arm("talk"), "talk--b00", warehouse, limit=1)
    assert [what for what, path, _ in proxy.seen if "/probe" in path] == tried
    assert Bucket(str(warehouse)).files("probe/") == []


@pytest.mark.parametrize(
    ("fault", "kinds", "at", "words"),
    [
        ("403", ("PutObject",), 0, "does not put and read back a small object: the credentials"),
        ("lost", ("PutObject",), 0, "nothing can be read there"),
        ("411", ("PutObject",), 0, "the object storage failed (411)"),
        ("403", ("ListObjectsV2",), 0, "does not list what was put: the credentials"),
        ("whole", ("GetObject",), 1, "read part of an object, as tables are read (a request with Range): the object"),
        ("500", ("POST", "DELETE"), 0, "does not delete an object: the object storage failed (500)"),
    ],
)
def test_what_a_storage_can_not_do_is_said_before_play(warehouse, proxy, small_configs, fault, kinds, at, words):
    proxy.fail(fault, kinds=kinds, at=at, path="" if "List" in kinds[0] or "POST" in kinds else "/probe/")
    with pytest.raises(StorageError, match="nothing was played") as caught:
        warehouse.probe()
    assert a_line(str(caught.value))
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (["arms"], "403"),
        (["arms"], "cut"),
        (["show", "talk--promiser_r0"], "500"),
        (["verify", "--all"], "cut_answer"),
        (["export", "pulls", "--to", "pulls.csv"], "403"),
        (["export", "pulls", "--to", "pulls.csv"], "cut_answer"),
        (["plan", "talk"], "cut"),
        (["report"], "500"),
    ],
)
def test_a_reader_says_in_a_line_that_the_storage_fails(proxy, small_configs, monkeypatch, tmp_path, words, fault):
    monkeypatch.chdir(tmp_path)
    where = f"s3://{BUCKET}/readers"
    warehouse = open_warehouse(where)
    if not warehouse.files("pulls"):
        play_batch(small_configs, small_configs.arm("talk"), "talk--b00", warehouse)
    for name, value in {"DI_WAREHOUSE": "", "DI_CONFIGS": "", "DI_CRASH_LOG": ""}.items():
        monkeypatch.setenv(name, value)
    proxy.fail(fault, kinds=("GetObject", "HeadObject", "ListObjectsV2"), at=1)
    options = ["--warehouse", where, "--configs", str(small_configs.root)]
    result = CliRunner().invoke(main, [*options, *words])
    assert result.exit_code in {1, 2}, result.output
    assert "Traceback" not in result.output
    assert SECRET not in result.output
    assert "Credential=" not in result.output
    assert "s3://" in result.output.splitlines()[-1], result.output
    assert not isinstance(result.exception, Exception) or isinstance(result.exception, SystemExit), result.exception


@pytest.mark.parametrize("fault", ["403", "cut"])
def test_a_page_says_in_a_line_that_the_storage_fails(proxy, small_configs, monkeypatch, fault):
    from streamlit.testing.v1 import AppTest

    where = f"s3://{BUCKET}/readers"
    warehouse = open_warehouse(where)
    if not warehouse.files("pulls"):
        play_batch(small_configs, small_configs.arm("talk"), "talk--b00", warehouse)
    monkeypatch.setenv("DI_WAREHOUSE", where)
    monkeypatch.setenv("DI_CONFIGS", str(small_configs.root))
    monkeypatch.setattr("streamlit.Page", lambda show, **options: SimpleNamespace(run=show, **options))
    monkeypatch.setattr("streamlit.navigation", lambda pages, **_: next(p for p in pages if p.url_path == "episodes"))
    for kinds in (("ListObjectsV2", "HeadObject"), ("GetObject",)):
        proxy.fail(fault, kinds=kinds)
        words = f"import runpy; runpy.run_path({str(ROOT / 'dashboard' / 'pages.py')!r})"
        at = AppTest.from_string(words, default_timeout=30).run()
        assert not at.exception, at.exception
        said = at.get("html")[-1].proto.body
        assert "role='alert'" in said
        assert re.search("may not do this|no connection to the object storage", said)
        assert "Credential=" not in said


# Play: paid replies, commits that fail, and the run after.


@pytest.fixture(scope="module")
def provider(tmp_path_factory):
    """A provider's address, and the ledger of what it was paid for."""
    ledger = tmp_path_factory.mktemp("provider") / "ledger"
    with hostile(ledger, latency=0.0) as url:
        yield url, ledger


@pytest.fixture
def paid(provider, tmp_path, monkeypatch):
    """Configuration of two episodes that are played by models, and how many replies were paid for since."""
    monkeypatch.setenv("PLANTED_KEY", KEY)
    url, ledger = provider
    before = len(served(ledger))
    return hostile_configs(tmp_path / "configs", url, episodes=2, rounds=2), lambda: served(ledger)[before:]


def play(configs, warehouse, **more):
    return play_batch(configs, configs.arm("hard"), "hard--b00", warehouse, **more)


def whole_and_paid_once(configs, warehouse, paid):
    """The tables hold every reply that was paid for; none was paid for twice; no journal is left."""
    calls = warehouse.read("calls")
    assert calls.filter(pl.col("status").is_in(list(NO_REPLY))).is_empty()
    assert len(paid) == calls.height, (len(paid), calls.height)
    assert not list(warehouse.journal.rglob("*.jsonl"))
    assert not list(warehouse.journal.rglob("*.parquet"))
    assert {verdict.status for verdict in verify(configs, warehouse)} == {"ok"}
    assert warehouse.read("pulls").height == 2 * 2 * 5


def stormy_run(number, proxy, paid):
    """One run over two episodes, in one or two goes, in which some request of a write fails; then runs in calm."""
    rng = random.Random(number)
    configs, replies = paid
    seen_before = len(replies())
    warehouse = open_warehouse(f"s3://{BUCKET}/storm{number}")
    goes = [{"limit": 1}, {}] if rng.random() < 0.5 else [{}]
    fault = rng.choice((*STATUSES, "cut", "cut_body", "cut_after", "error_200", "lost", "half"))
    # What comes with a commit; of the first go or the second.
    proxy.fail(fault, at=rng.randrange(0, 16 * len(goes)), times=rng.choice((1, 2, 10**9)))
    failed = []
    for more in goes:
        try:
            play(configs, warehouse, **more)
        except StorageError as error:
            failed.append(str(error))
            break
    assert all(map(a_line, failed))
    struck = sum(fault is not None for _, _, fault in proxy.seen)
    proxy.calm()
    proxy.seen.clear()
    result = play(configs, warehouse)
    assert (result.complete, result.left) == (2, 0), (number, fault, failed)
    whole_and_paid_once(configs, warehouse, replies()[seen_before:])
    return fault, len(failed), struck > 0


def test_no_reply_is_lost_or_paid_for_twice_whatever_write_fails(proxy, paid, capsys):
    told = Counter()
    for number in range(RUNS):
        fault, failed, struck = stormy_run(number, proxy, paid)
        told.update(runs=1, failed=failed, struck=struck, **{f"fault {fault}": 1})
    with capsys.disabled():
        print(f"\nstorage: {dict(sorted(told.items()))}; replies lost 0, paid twice 0")
    assert told["failed"] >= RUNS // 8
    assert told["struck"] >= RUNS // 2


@pytest.mark.parametrize(
    ("table", "fault"),
    [(t, f) for t, f in product((table.name for table in EVENT_TABLES), ("503", "half")) if t in SHORT or RUNS > 8],
)
def test_a_table_that_fails_when_it_is_replaced_leaves_what_was_in_it(proxy, paid, warehouse, table, fault):
    configs, replies = paid
    play(configs, warehouse, limit=1)
    proxy.fail(fault, path=f"tables/{table}/")
    with pytest.raises(StorageError, match=table):
        play(configs, warehouse)
    assert list(warehouse.journal.rglob("*.jsonl"))
    proxy.calm()
    assert play(configs, warehouse).complete == 2
    whole_and_paid_once(configs, warehouse, replies())


def test_what_others_played_on_while_a_commit_lay_here_counts(proxy, paid, warehouse, tmp_path, provider):
    configs, _ = paid
    poor = hostile_configs(tmp_path / "poor", provider[0], episodes=2, rounds=2, budget=0.05)
    there = replace(warehouse, root=tmp_path / "there")
    proxy.fail("503", path="tables/episodes/")
    with pytest.raises(StorageError):
        play(poor, warehouse)
    proxy.calm()
    journaled = len(list(warehouse.journal.rglob("*.jsonl")))
    copy = next(warehouse.journal.rglob("commit/episodes.parquet"))
    assert "stopped" in pl.read_parquet(copy)["status"].to_list()
    assert play(configs, there).complete == 2
    calls = there.read("calls").drop("latency_s", "started_at")
    assert play(configs, warehouse).calls == 0
    assert warehouse.read("calls").drop("latency_s", "started_at").equals(calls)
    assert {verdict.status for verdict in verify(configs, warehouse)} == {"ok"}
    assert journaled > 0
    assert not list(warehouse.journal.rglob("*.jsonl"))  # the same model said the same there


@pytest.mark.skipif(shutil.which("rclone") is None, reason="no rclone")
def test_rclone_gives_no_part_of_an_object_and_is_told_so(environment, monkeypatch, tmp_path):
    (tmp_path / "served" / BUCKET).mkdir(parents=True)
    command = [
        "rclone",
        "serve",
        "s3",
        str(tmp_path / "served"),
        "--addr",
        "127.0.0.1:0",
        "--auth-key",
        f"tests,{SECRET}",
    ]
    server = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        said = next(line for line in server.stderr if "Starting" in line)
        monkeypatch.setenv("AWS_ENDPOINT_URL", re.search(r"http://127.0.0.1:\d+", said)[0])
        warehouse = open_warehouse(f"s3://{BUCKET}/rclone")
        warehouse.write_report("q1.svg", "<svg/>" * 2_000_000)  # in parts, none of them without its length
        assert warehouse.read_report("q1.svg") == "<svg/>" * 2_000_000
        with pytest.raises(StorageError, match="does not read part of an object") as caught:
            warehouse.probe()
        assert a_line(str(caught.value))
        warehouse.write("edges", edges_of(("a", 0, 1)), "a--b00")
        with pytest.raises(StorageError, match="the whole object where a part was asked for"):
            warehouse.read("edges")
    finally:
        server.kill()
        server.wait()
        server.stderr.close()
