"""Pages without a browser, and warehouses for them: empty, one episode, and the full small one with a hostile transcript in it."""

import json
import re
import shutil
import socket
from contextlib import contextmanager

import polars as pl
import pytest
from streamlit.testing.v1 import AppTest

from dashboard.sections.question import QUESTIONS
from di_assets.arms import load_configs
from di_assets.assets.home import Home
from di_assets.control_room.runs import materialise_batches, materialise_report
from di_assets.play.batch import play_batch
from di_assets.tables import Warehouse
from tests.conftest import ROOT, write_small_configs
from tests.dashboard.browsing import CHROMIUM, FLAGS, served
from tests.dashboard.corpus import CORPUS

HOSTILE = (
    "<script>document.title='pwned'</script><img src=x onerror=alert(1)> **bold** [link](http://127.0.0.1:1/x) "
    "\u202egnp.exe\u202c zero\u200bwidth a" + "\u0301" * 40 + "\n# Heading\n\tend"
)
ASKED = "asked o'er"
PREY = "own--o_r0"
TITLE = "Asked <b>&</b> \u202eunanswered"
PAGE = """
import os, sys
sys.path.insert(0, {root!r})
from dashboard import {module}
from dashboard.sections.question import QUESTIONS
{call}
"""


@pytest.fixture(scope="session")
def warehouses(played, small_configs, tmp_path_factory):
    one = Home(warehouse=Warehouse(tmp_path_factory.mktemp("one")), configs=small_configs)
    materialise_batches(one, ["talk--b00"], limit=1)
    materialise_report(one)
    full = Warehouse(tmp_path_factory.mktemp("full"))
    shutil.copytree(played.warehouse.root / "tables", full.root / "tables")
    shutil.copytree(played.warehouse.root / "report", full.root / "report")
    messages = full.read("messages", "talk--b00")
    here = (pl.col("episode_id") == "talk--promiser_r0") & (pl.col("event_id") == 1)
    full.write(
        "messages", messages.with_columns(text=pl.when(here).then(pl.lit(HOSTILE)).otherwise("text")), "talk--b00"
    )
    return {"empty": Warehouse(tmp_path_factory.mktemp("empty")), "one": one.warehouse, "full": full}


@pytest.fixture(scope="session")
def paid(warehouses, tmp_path_factory):
    """The full warehouse and, besides, an arm of models that nothing answers for and one that has not been played."""
    folder = tmp_path_factory.mktemp("paid_configs")
    write_small_configs(folder)
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    (folder / "models.yaml").write_text(
        f"""models:
  gone: {{provider: openai, id: gone, base_url: "http://127.0.0.1:{port}/v1", key: none, price: {{input: 100, output: 400}}, max_retries: 0}}
  keyless: {{provider: openai, id: keyless, base_url: "http://127.0.0.1:{port}/v1", key: DI_NO_SUCH_KEY, price: {{input: 1, output: 4}}}}
"""
    )
    cast = "background: [gullible, tit_for_tat, bandwagon, loyal]\nrounds: 5\n"
    (folder / f"{ASKED}.yaml").write_text(
        f"title: {json.dumps(TITLE)}\nid: asked--{{focal}}_r{{replicate}}\nfocal: [gone]\nepisodes: 4\nbudget_usd: 50\n"
        f"nightly: {{cron: '0 1 * * *'}}\n{cast}"
    )
    (folder / "barred.yaml").write_text(
        f"title: Barred\nid: barred--{{focal}}_r{{replicate}}\nfocal: [keyless]\nepisodes: 2\nbudget_usd: 5\n{cast}"
    )
    (folder / "later.yaml").write_text(
        f"title: Later\nid: later--{{focal}}_r{{replicate}}\nfocal: [gone]\nepisodes: 3\nbudget_usd: 20\n{cast}"
    )
    configs = load_configs(folder)
    warehouse = Warehouse(tmp_path_factory.mktemp("paid"))
    shutil.copytree(warehouses["full"].root, warehouse.root, dirs_exist_ok=True)
    play_batch(configs, configs.arm(ASKED), f"{ASKED}--b00", warehouse, limit=2)
    play_batch(configs, configs.arm("barred"), "barred--b00", warehouse, limit=1)
    episodes = warehouse.read("episodes", f"{ASKED}--b00")
    warehouse.write("episodes", episodes.with_columns(failure=pl.lit(HOSTILE)), f"{ASKED}--b00")
    calls = warehouse.read("calls", f"{ASKED}--b00")
    ends = [("ok", None), ("ok", "rate_limit timeout"), ("refusal", None), ("truncated", None), ("interrupted", None)]
    more = [
        calls.filter(model="gone")[:1].with_columns(
            call_id=pl.lit(10 + number, pl.Int64),
            status=pl.lit(status),
            retried=pl.lit(retried, pl.String),
            cost_usd=pl.lit(0.25),
        )
        for number, (status, retried) in enumerate(ends)
    ]
    warehouse.write("calls", pl.concat([calls, *more]), f"{ASKED}--b00")
    return Home(warehouse=warehouse, configs=configs)


@pytest.fixture(scope="session")
def preyed(spoken, tmp_path_factory):
    """What models played, with the whole corpus in one episode: in its messages, its replies and its thinking."""
    configs, played = spoken
    warehouse = Warehouse(tmp_path_factory.mktemp("preyed"))
    shutil.copytree(played.root, warehouse.root, dirs_exist_ok=True)
    batch, texts = f"{PREY.partition('--')[0]}--b00", list(CORPUS.values())
    messages, calls = warehouse.read("messages", batch), warehouse.read("calls", batch)
    here = messages.filter(episode_id=PREY)["event_id"].to_list()
    assert len(here) >= len(texts)
    said = dict(zip(here, texts, strict=False))
    warehouse.write(
        "messages",
        messages.with_columns(
            text=pl.when(episode_id=PREY)
            .then(pl.col("event_id").replace_strict(said, default=pl.col("text"), return_dtype=pl.String))
            .otherwise("text")
        ),
        batch,
    )
    everything = "\n".join(texts)
    last = pl.col("round") == pl.col("round").max()
    warehouse.write(
        "calls",
        calls.with_columns(
            reply_text=pl.when(last).then(pl.lit(everything)).otherwise("reply_text"),
            reasoning_text=pl.when(last).then(pl.lit(everything)).otherwise("reasoning_text"),
            error=pl.when(last).then(pl.lit(HOSTILE)).otherwise("error"),
        ),
        batch,
    )
    return Home(warehouse=warehouse, configs=configs)


@pytest.fixture
def open_page(warehouses, small_configs, monkeypatch):
    def opened(page, size, /, *, configs=small_configs.root, **query):
        warehouse = warehouses[size] if isinstance(size, str) else size
        return shown_page(monkeypatch, warehouse, configs, page, **query)

    return opened


def shown_page(monkeypatch, warehouse, configs, page, /, **query):
    """The HTML of a page of the dashboard."""
    monkeypatch.setenv("DI_WAREHOUSE", str(warehouse.root))
    monkeypatch.setenv("DI_CONFIGS", str(configs))
    spec = next((k for k, one in enumerate(QUESTIONS) if one.name == page), None)
    module = page if spec is None else "question"
    call = f"{module}.show()" if spec is None else f"question.show(QUESTIONS[{spec}])"
    at = AppTest.from_string(PAGE.format(root=str(ROOT), module=module, call=call), default_timeout=30)
    for name, value in query.items():
        at.query_params[name] = value
    at.run()
    assert not at.exception, at.exception
    return "\n".join(element.proto.body for element in at.get("html"))


@pytest.fixture(scope="session")
def address(warehouses, small_configs):
    with served(warehouses["full"].root, small_configs.root) as at:
        yield at


@pytest.fixture(scope="session")
def paid_address(paid):
    with served(paid.warehouse.root, paid.configs.root) as at:
        yield at


@pytest.fixture(scope="session")
def modelled_address(spoken):
    with served(spoken[1].root, spoken[0].root) as at:
        yield at


@pytest.fixture(scope="session")
def prey(preyed):
    with served(preyed.warehouse.root, preyed.configs.root) as at:
        yield at


@pytest.fixture(scope="module")
def browser(warehouses, paid):
    """Started once the warehouses are played, for play wants an event loop of its own; ended with its file."""
    with chromium() as started:
        yield started


@contextmanager
def chromium():
    """A headless browser."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield started
        started.close()


@pytest.fixture(scope="module")
def context(browser):
    """What pages of a file share: scripts are loaded once."""
    shared = browser.new_context(viewport={"width": 1100, "height": 900})
    yield shared
    shared.close()


@pytest.fixture
def page(context):
    one = context.new_page()
    yield one
    one.close()


def cells(html, label):
    """Rows of the table in the box of this name, each as the text of its cells."""
    (table,) = [
        part.split("</table>")[0] for part in html.split("<div class='scroll' ") if f"aria-label='{label}'" in part
    ]
    rows = [row.split("</td>")[:-1] for row in table.split("<tbody>")[1].split("<tr>")[1:]]
    return [[re.sub(r"<[^>]+>", " ", cell).split() for cell in row] for row in rows]
