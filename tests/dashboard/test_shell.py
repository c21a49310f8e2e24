"""The page that Streamlit serves has the report's look in its head, and nothing else is touched."""

import pytest
from starlette.applications import Starlette
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from dashboard.shell import HEAD, Shell

PAGE = "<html><head><title>t</title></head><body>€ </head></body></html>"
FILE = b"</head>"
ASKS = {"accept": "text/html,*/*"}


@pytest.fixture
def client():
    def page(request):
        assert "if-none-match" not in request.headers
        return HTMLResponse(PAGE, headers={"etag": "old", "last-modified": "then"})

    app = Starlette(routes=[Route("/", page), Route("/file", lambda _: Response(FILE, headers={"etag": "old"}))])
    return TestClient(Shell(app))


def test_a_page_is_dressed_once_and_whole(client):
    answer = client.get("/", headers={**ASKS, "if-none-match": "old"})
    assert answer.text == PAGE.replace("</head>", f"{HEAD}</head>", 1)
    assert int(answer.headers["content-length"]) == len(answer.content)
    assert {"etag", "last-modified"}.isdisjoint(answer.headers)


def test_what_is_no_page_stays_as_it_is(client):
    answer = client.get("/file", headers={"accept": "*/*"})
    assert (answer.content, answer.headers["etag"]) == (FILE, "old")


def test_a_page_asked_for_its_head_alone_has_no_body(client):
    assert client.head("/", headers=ASKS).content == b""


def test_the_look_is_one_style_sheet():
    assert HEAD.startswith("<style>")
    assert HEAD.endswith("</style>")
    assert HEAD.count("style>") == 2
