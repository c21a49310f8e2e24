"""A small disk that fills while a verb writes: one line, nothing paid is lost, and the same verb makes the rest later.

The warehouse, or its tables alone, lie on it; it fills before a random one of all that is written: replies, tables,
records, the report, Dagster's history. DI_DISK_TRIES sets how many tries each verb gets.
"""

import json
import os
import random
import shutil
import threading
from collections import Counter
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import pytest
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage

from di_assets.calls.journal import Journal
from di_assets.tables import TABLES, Warehouse
from di_assets.tables.storage import Folder
from tests.cli.damaging import verb
from tests.play.disks import fill, small_disk
from tests.play.hostility import KEY, hostile, hostile_configs, served
from tests.providers.server import good

TRIES = int(os.environ.get("DI_DISK_TRIES", "1"))
ASKS = '{"asks_for_pull": true, "promises_pull": false}'
WRITING = ((Folder, "write"), (Journal, "append"), (SqliteEventLogStorage, "store_event"))
FREE = ("started_at", "finished_at", "latency_s")
WHEN = ("looks",)  # each has the time it was taken at
VERBS = {
    "run": ("run", "hard"),
    "report": ("report", "--again"),
    "label": ("label", "--model", "judge", "--budget-usd", "9"),
}


class _Judge(BaseHTTPRequestHandler):
    """Labels every text alike, and notes what it is asked."""

    protocol_version = "HTTP/1.1"
    asked: ClassVar[Counter] = Counter()

    def do_POST(self):
        self.asked[self.rfile.read(int(self.headers["content-length"]))] += 1
        body = good("openai", ASKS)
        data = (body if isinstance(body, str) else json.dumps(body)).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


@contextmanager
def judge():
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Judge)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1"
    finally:
        server.shutdown()
        server.server_close()


class Writes:
    """Counts what is written, and does something before one of it."""

    def __init__(self, patch):
        self.n, self.at, self.then = 0, None, None
        for kind, name in WRITING:
            patch.setattr(kind, name, self._counted(getattr(kind, name)))

    def _counted(self, write):
        def counted(*arguments, **named):
            if self.n == self.at:
                self.then()
            self.n += 1
            return write(*arguments, **named)

        return counted

    def before(self, at, then):
        self.n, self.at, self.then = 0, at, then


class World:
    """Configuration, servers, a warehouse before each verb, and what the verb makes of it on a disk with room."""

    def __init__(self, folder, patch, ledger):
        self.folder, self.ledger, self.configs = folder, ledger, folder / "configs"
        self.writes, self.whole, self.n, self.asked = Writes(patch), {}, {}, {}
        (folder / "run").mkdir()
        for name, after in (("run", "report"), ("report", "label"), ("label", None)):
            work = shutil.copytree(folder / name, folder / "work")
            before, self.writes.n = self.sent(), 0
            said, code = verb(work, self.configs, *VERBS[name])
            assert code == 0, said
            self.n[name], self.asked[name], self.whole[name] = self.writes.n, self.sent() - before, tables_of(work)
            if after:
                shutil.move(work, folder / after)

    def sent(self):
        """How often the servers were asked each question."""
        return Counter(line["key"] for line in served(self.ledger)) + _Judge.asked


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    folder = tmp_path_factory.mktemp("full")
    ledger = folder / "ledger.jsonl"
    with pytest.MonkeyPatch.context() as patch, hostile(ledger, model=0.1, latency=0.001) as url, judge() as judged:
        patch.setenv("PLANTED_KEY", KEY)
        hostile_configs(folder / "configs", url, timeout_s=30)
        models = folder / "configs" / "models.yaml"
        line = f"provider: openai, base_url: '{judged}', id: j, key: PLANTED_KEY, price: {{input: 1, output: 1}}"
        models.write_text(f"{models.read_text()}  judge: {{{line}, max_tokens: 50}}\n")
        yield World(folder, patch, ledger)


def tables_of(folder):
    frames = {name: Warehouse(folder).read(name) for name in TABLES if name not in WHEN}
    return {name: frame.drop(FREE, strict=False) for name, frame in frames.items()}


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(TRIES))
@pytest.mark.parametrize("name", VERBS)
def test_a_disk_that_fills_ends_a_verb_in_one_line_and_loses_nothing(world, tmp_path, name, seed):
    rng = random.Random(f"{name} {seed}")
    before, folder = world.sent(), tmp_path / "w"
    with small_disk(folder / rng.choice(("", "tables")), size_kb=16_384) as disk:
        shutil.copytree(world.folder / name, folder, dirs_exist_ok=True)
        world.writes.before(rng.randrange(world.n[name]), lambda: fill(disk, leave=rng.choice((0, 5_000, 60_000))))
        said, code = verb(folder, world.configs, *VERBS[name])
        errors = [line for line in said.splitlines() if line.startswith("Error: ")]
        assert (code, len(errors)) in {(0, 0), (1, 1)}, said
        assert code == 0 or "disk full" in said or "No space left" in said or "left to play" in said, said
        assert (disk / ".filling").exists()
        assert verb(folder, world.configs, "arms")[1] == 0
        (disk / ".filling").unlink()
        assert Warehouse(folder).damage() == Warehouse(folder).changed() == []
        said, code = verb(folder, world.configs, *VERBS[name])
        assert code == 0, said
        for table, frame in tables_of(folder).items():
            assert frame.equals(world.whole[name][table]), table
        assert world.sent() - before == world.asked[name]
        assert not list(folder.rglob(".*.parquet.*"))
