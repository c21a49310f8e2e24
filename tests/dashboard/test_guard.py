"""What the server refuses, what it says of its pages, and what no parameter of an address can open."""

import sys
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient
from streamlit.file_util import get_static_dir
from websockets import InvalidStatus
from websockets.sync.client import connect

from dashboard.guard import HEADERS, POLICY, guards

PAGES = ["q1", "transcript", "compare",
         *(pytest.param(page, marks=pytest.mark.slow) for page in ("q5", "episodes", "arms", "lineage"))]  # fmt: skip
# Every parameter that some page reads.
PARAMETERS = ["episode", "event", "arm", "condition", "focal_model", "status", "page", "question", "model", "kind", "seat",
              "round", "q", "view", "blind"]  # fmt: skip
ESCAPES = [
    "../../../../etc/passwd",
    "/etc/passwd",
    "..%2f..%2fetc%2fpasswd",
    "file:///etc/passwd",
    "talk--promiser_r0/../../x",
    "\0",
    "~root",
]


@pytest.fixture
def guarded(monkeypatch):
    """A server of one page behind the guards."""
    monkeypatch.setenv("DI_ALLOWED_HOSTS", "Influence.example, ")
    methods = ["GET", "POST", "PUT", "DELETE"]
    page = Route("/", lambda _: PlainTextResponse("read"), methods=methods)
    return TestClient(Starlette(routes=[page], middleware=guards()), base_url="http://127.0.0.1:8501")


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:8501", "localhost:1", "[::1]:8501", "INFLUENCE.example:80"])
def test_names_of_this_machine_and_those_that_were_given_are_let_in(guarded, host):
    assert guarded.get("/", headers={"host": host}).text == "read"


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:8501", "", "a.influence.example"])  # fmt: skip
def test_any_other_name_is_refused(guarded, host):
    assert guarded.get("/", headers={"host": host}).status_code == 400


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_nothing_can_be_sent(guarded, method):
    refused = guarded.request(method, "/", content=b"x")
    assert (refused.status_code, refused.headers["allow"]) == (405, "GET, HEAD")


def test_whatever_is_answered_says_what_a_page_may_do(guarded):
    for answer in (guarded.get("/"), guarded.post("/"), guarded.get("/", headers={"host": "evil.example"}), guarded.get("/nothing")):  # fmt: skip
        assert {name: answer.headers[name] for name in HEADERS} == dict(HEADERS)


def test_the_policy_lets_no_page_load_from_elsewhere_nor_run_what_stands_in_it():
    rules = dict(rule.split(" ", 1) for rule in POLICY.split("; "))
    assert rules["default-src"] == rules["form-action"] == rules["frame-src"] == rules["object-src"] == "'none'"
    assert not [word for rule in rules.values() for word in rule.split() if "http" in word or "*" in word]
    assert "unsafe-inline" not in rules["script-src"]
    assert "unsafe-eval" not in rules["script-src"]
    assert rules["script-src"].count("sha256-") == Path(get_static_dir(), "index.html").read_text().count("<script>")


@pytest.fixture(scope="module")
def looked_into():
    """What this process does to files and folders while the list is watched: [watched, events]."""
    watched, events = [], []
    touching = {"open", "os.listdir", "os.scandir", "os.remove", "os.rename", "os.mkdir", "subprocess.Popen"}

    def hook(event, arguments):
        if watched and event in touching:
            events.append(f"{event} {arguments[0]}")

    sys.addaudithook(hook)
    yield watched, events
    watched.clear()  # a hook can't be taken away again


@pytest.mark.parametrize("page", PAGES)
def test_no_parameter_opens_what_is_not_the_warehouses(open_page, looked_into, page):
    watched, events = looked_into
    open_page(page, "full")  # what is imported on first use
    for text in ESCAPES:
        events.clear()
        watched.append(True)
        html = open_page(page, "full", **dict.fromkeys(PARAMETERS, text))
        watched.clear()
        assert "root:" not in html
        assert [one for one in events if one.startswith("open")]
        assert not [one for one in events if "passwd" in one or "/../" in one or "promiser_r0/" in one]
        assert not [one for one in events if one.startswith(("os.remove", "os.rename", "os.mkdir", "subprocess"))]


@pytest.mark.slow
@pytest.mark.browser
def test_the_server_as_it_is_run_is_guarded(address):
    at = address
    assert httpx.get(at).headers["content-security-policy"] == POLICY
    assert httpx.get(at, headers={"host": "evil.example"}).status_code == 400
    assert httpx.put(f"{at}_stcore/upload_file/a/b", content=b"x").status_code == 405
    stream = at.replace("http", "ws") + "_stcore/stream"
    with pytest.raises(InvalidStatus, match="403"):
        connect(stream, origin="http://evil.example")
    with connect(stream, origin=at.rstrip("/"), subprotocols=["streamlit"]) as opened:
        assert opened.subprotocol == "streamlit"
    for path in (
        "..%2f..%2fetc/passwd",
        "media/../../etc/passwd",
        "static/%2e%2e/%2e%2e/app.py",
        "_stcore/../guard.py",
    ):
        answer = httpx.get(at + path)
        assert "root:" not in answer.text
        assert "allowed_hosts" not in answer.text
