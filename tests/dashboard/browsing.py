"""The dashboard served and opened in a real headless Chromium; what is looked at there, and pictures of it."""

import os
import shutil
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from tests.conftest import ROOT

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
BROWSER = [
    pytest.mark.browser,
    pytest.mark.skipif(
        CHROMIUM is None, reason="no Chromium found on this machine: install one to run the browser tests"
    ),
]
FLAGS = [
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
DONE = "[data-testid=stApp][data-test-script-state=notRunning]"


PAIR = "compare?left=talk--promiser_r0&right=mute--promiser_r0"
READER = "transcript?episode=talk--promiser_r0&event=1"
# Pictures of the pages, for people to look at.
ARTIFACTS = ROOT / ".artifacts"
LOOKS = {"light": (1100, "light"), "dark": (1100, "dark"), "phone": (390, "light"), "phone-dark": (390, "dark")}
SCROLLS = "[data-testid=stMain]"
WIDE = f"Math.max(document.documentElement.scrollWidth, document.querySelector('{SCROLLS}').scrollWidth)"
# Of the rendering that is seen: texts that stick out of it, and pairs of texts that lie on each other.
MISPLACED = """
figure => {
  const svg = [...figure.querySelectorAll('svg')].find(one => one.getBoundingClientRect().width > 0);
  const frame = svg.getBoundingClientRect();
  const texts = [...svg.querySelectorAll('text')].map(one => [one.textContent, one.getBoundingClientRect()]);
  const out = texts.filter(([, r]) => r.left < frame.left - 1 || r.right > frame.right + 1 || r.top < frame.top - 1 || r.bottom > frame.bottom + 1);
  const on = [];
  texts.forEach(([a, r], i) => texts.slice(i + 1).forEach(([b, s]) => {
    const wide = Math.min(r.right, s.right) - Math.max(r.left, s.left), tall = Math.min(r.bottom, s.bottom) - Math.max(r.top, s.top);
    if (wide > 1 && tall > 4) on.push(`${a} | ${b}`);
  }));
  return { out: out.map(([text]) => text), on, links: svg.querySelectorAll('a').length };
}
"""


@contextmanager
def served(warehouse, configs):
    """The dashboard's address while it is served over these folders."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        sys.executable,
        "-m",
        "streamlit",
        "run",
        str(ROOT / "dashboard" / "app.py"),
        "--server.port",
        str(port),
        "--server.headless",
        "true",
    ]
    server = subprocess.Popen(
        command,
        env={**os.environ, "DI_WAREHOUSE": str(warehouse), "DI_CONFIGS": str(configs)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(120):
            try:
                urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=1).close()
                break
            except (URLError, OSError):
                time.sleep(0.25)
        yield f"http://127.0.0.1:{port}/"
    finally:
        server.terminate()
        server.wait(10)


def opened(page, address, path=""):
    page.goto(address + path)
    page.wait_for_selector(DONE, timeout=30_000)
    return page


def still(page):
    """Waits until what was changed last is drawn."""
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


def looked_at(page, look):
    """The page that is open, in another width and theme."""
    width, scheme = LOOKS[look]
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=scheme)
    # Streamlit takes over the theme of the system when that changes.
    page.wait_for_function(
        "dark => (getComputedStyle(document.querySelector('.stApp')).colorScheme === 'dark') === dark",
        arg=scheme == "dark",
        timeout=10_000,
    )
    still(page)


def inaccessible(page):
    """Rules of axe that the page breaks, each with the first place where it does."""
    from axe_playwright_python.sync_playwright import Axe

    return [(broken["id"], broken["nodes"][0]["target"]) for broken in Axe().run(page).response["violations"]]


def photographed(page, name):
    """Keeps a picture of the whole page: it scrolls inside itself, so a window as high as it is shows all of it."""
    width = page.viewport_size["width"]
    page.set_viewport_size(
        {"width": width, "height": page.evaluate(f"document.querySelector('{SCROLLS}').scrollHeight") + 80}
    )
    still(page)
    path = ARTIFACTS / f"{name}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=path)
