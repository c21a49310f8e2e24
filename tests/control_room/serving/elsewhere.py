"""A page of another site in a real Chromium, and what it can have the browser do to servers of this machine."""

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.dashboard.browsing import CHROMIUM, FLAGS

SITE = "evil.example"
SCRIPT = Path(__file__).with_name("attack.js")
# Its names lead to this machine, as those of a site that rebinds them do.
NAMES = f"--host-resolver-rules=MAP *.{SITE} 127.0.0.1, MAP {SITE} 127.0.0.1"


class Page(BaseHTTPRequestHandler):
    def do_GET(self):
        body = f"<!doctype html><title>elsewhere</title><body><script>{SCRIPT.read_text()}</script>".encode()
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@contextmanager
def site():
    """The address of the other site."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://{SITE}:{server.server_port}/"
    finally:
        server.shutdown()


@contextmanager
def chromium():
    """A browser; pages may open others without asking."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS, NAMES, "--disable-popup-blocking"])
        try:
            yield browser
        finally:
            browser.close()


def attacked(page, port, query, **options):
    """What the page saw when it tried every way under each of the server's names: name -> way -> outcome."""
    script = "([target, query, options]) => attack(target, query, options)"
    found = {}
    for name in ("127.0.0.1", "localhost", SITE):
        found[name] = page.evaluate(script, [f"http://{name}:{port}", query, options])
        for other in page.context.pages:
            if other is not page:
                other.close()
    return found
