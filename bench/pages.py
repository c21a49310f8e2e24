"""How long pages take over many episodes: `python -m bench.pages [--few N] [--many N] [--keep DIR]`.

Builds two warehouses of made-up episodes (default 1,000 and 100,000) with all that pages read, their report by the code
that publishes it; then serves each and opens every page in Chromium, first on a fresh server, then again. Prints
seconds until the page stands still, how many times longer many episodes take than few, and the server's memory.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import httpx
import psutil
from playwright.sync_api import sync_playwright

from bench.synthetic import ARMS, BATCH, FIRST_SEED, FOCAL, build
from di_assets.arms import load_configs
from di_assets.assets.home import Home
from di_assets.assets.measured import measure_all, measure_batch
from di_assets.assets.published import publish_figure, publish_summary
from di_assets.measures.declared import by_batch, over_all
from di_assets.report.questions.registry import QUESTIONS
from di_assets.tables import Warehouse
from tests.conftest import ROOT
from tests.control_room.served import free_port
from tests.dashboard.browsing import CHROMIUM, DONE, FLAGS

# Page -> goal: seconds warm, seconds cold.
OF_QUESTIONS = dict.fromkeys(("", *list(QUESTIONS)[1:]), (3, 6))
PAGES = {**OF_QUESTIONS, "episodes": (3, 6), "transcript": (2, 6), "arms": (3, 6), "compare": (3, 6), "lineage": (3, 6)}
REPEATS = 3
STANDS = """done => document.querySelector(done)
  && document.querySelector('.di')?.checkVisibility({ visibilityProperty: true })"""


def synthetic_configs(folder, n_episodes):
    """The arms that the synthetic episodes are of, so that their report can be published."""
    folder.mkdir(parents=True)
    (folder / "prompts").symlink_to(ROOT / "configs" / "prompts")
    each = max(1, n_episodes // len(ARMS) // len(FOCAL))
    for arm in ARMS:
        lines = [f"title: {arm.name}", f"id: {arm.name}--{{focal}}_r{{replicate}}", f"batch_size: {BATCH}"]
        if arm.talk:
            lines += [f"focal: [{', '.join(FOCAL)}]", "background: [bandwagon, grudger, gullible, tit_for_tat]"]
            lines += [f"episodes: {each}", f"first_seed: {FIRST_SEED}", f"topology: {arm.topology}"]
        else:
            lines += ["mirrors: synthetic_complete", "channel: none"]
        (folder / f"{arm.name}.yaml").write_text("\n".join(lines) + "\n")
    return load_configs(folder)


def published(folder, n_episodes):
    """A warehouse with everything that pages read."""
    home = Home(warehouse=Warehouse(folder / "warehouse"), configs=synthetic_configs(folder / "configs", n_episodes))
    build(home.warehouse, n_episodes, calls=True)
    for file in home.warehouse.files("episodes"):
        for measure in by_batch():
            if measure.name != "message_labels":
                measure_batch(home, measure, file.stem)
    for measure in over_all():
        measure_all(home, measure)
    summary = publish_summary(home)
    for question in QUESTIONS.values():
        publish_figure(home, question, summary)


@contextmanager
def serving(folder):
    """The dashboard over it; yields its address and its process."""
    port = free_port()
    command = [sys.executable, "-m", "streamlit", "run", str(ROOT / "dashboard" / "app.py"), "--server.port", str(port)]
    environment = {**os.environ, "DI_WAREHOUSE": str(folder / "warehouse"), "DI_CONFIGS": str(folder / "configs")}
    server = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        address = f"http://127.0.0.1:{port}/"
        for _ in range(240):
            try:
                httpx.get(address + "_stcore/health", timeout=1)
                break
            except httpx.HTTPError:
                time.sleep(0.1)
        yield address, psutil.Process(server.pid)
    finally:
        server.terminate()
        server.wait(20)


def opened(browser, address, path):
    """Seconds until a page of a new tab stands still."""
    page = browser.new_page()
    start = time.perf_counter()
    page.goto(address + path)
    # At every frame: what waits for a selector looks only twice a second after a while.
    page.wait_for_function(STANDS, arg=DONE, polling="raf", timeout=60_000)
    took = time.perf_counter() - start
    page.close()
    return took


def times(folder, browser):
    """Page -> (cold, warm) seconds, each cold one on a server of its own; and the most memory, MB."""
    [episode] = Warehouse(folder / "warehouse").scan("episodes").select("episode_id").head(1).collect()["episode_id"]
    addresses = {page: f"transcript?episode={episode}&event=3" if page == "transcript" else page for page in PAGES}
    took, memory = {}, 0.0
    for page, path in addresses.items():
        with serving(folder) as (address, server):
            cold = opened(browser, address, path)
            warm = median(opened(browser, address, path) for _ in range(REPEATS))
            if len(took) == len(PAGES) - 1:  # the last server is shown every page
                for other in addresses.values():
                    opened(browser, address, other)
            memory = max(memory, server.memory_info().rss / 1e6)
        took[page] = cold, warm
    return took, memory


def main(options):
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        results = {}
        for n in (options.few, options.many):
            folder = Path(options.keep or name) / str(n)
            if not folder.exists():
                start = time.process_time()
                published(folder, n)
                print(
                    f"{n:,} episodes built, measured and published: {time.process_time() - start:.0f} s CPU", flush=True
                )
            results[n] = times(folder, browser)
        few, many = results.values()
        print(f"{'page':12}{'cold, s':>17}{'warm, s':>17}{'growth':>9}")
        for page in PAGES:
            (cold, warm), (cold_many, warm_many) = few[0][page], many[0][page]
            print(f"{page or 'q1':12}{cold:8.2f} {cold_many:8.2f}{warm:8.2f} {warm_many:8.2f}{warm_many / warm:9.2f}")
        print(f"server's memory: {few[1]:.0f} MB and {many[1]:.0f} MB (goal 600)")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--few", type=int, default=1_000)
    parser.add_argument("--many", type=int, default=100_000)
    parser.add_argument("--keep", help="a folder to build in, and to take from what was built there")
    main(parser.parse_args())
