"""Dagster's own web server over real HTTP: what reaches it through the guard, and what does not."""

import asyncio
import json
import logging
import socket
import threading
import time
from contextlib import contextmanager

import dagster as dg
import httpx
import pytest
import uvicorn
import websockets
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import EmptyWorkspaceTarget
from dagster_webserver.app import create_app_from_workspace_process_context

from di_assets.control_room.serving import webserver
from di_assets.control_room.serving.ports import bound, number
from di_assets.control_room.serving.webserver import guarded, is_served

SET = 'mutation { setConcurrencyLimit(concurrencyKey: "reached", limit: 7) }'
ASK = "{ version }"


@contextmanager
def running(app):
    listening = bound(0, "--port")
    server = uvicorn.Server(uvicorn.Config(app, log_level="error"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield number(listening)
    server.should_exit = True
    thread.join(timeout=10)


@contextmanager
def context_of(instance, *, read_only=False):
    with WorkspaceProcessContext(instance, EmptyWorkspaceTarget(), version="", read_only=read_only) as context:
        yield context


@pytest.fixture(scope="module")
def instance():
    with dg.instance_for_test() as one:
        yield one


@pytest.fixture(scope="module")
def port(instance):
    with context_of(instance) as context, running(guarded(context)) as at:
        yield at


@pytest.fixture(autouse=True)
def unreached(instance):
    """Nothing that should not have reached Dagster did: a mutation would have left a limit there."""
    yield
    assert "reached" not in limits(instance)


def limits(instance):
    return {one.name for one in instance.event_log_storage.get_pool_limits()}


def ask(port, method="POST", path="/graphql", *, content=None, json=None, host=None, **headers):
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    if host:
        sent["host"] = host
    return httpx.request(method, f"http://127.0.0.1:{port}{path}", content=content, json=json, headers=sent, timeout=20)


def raw(port, text):
    """What a server answers to these very bytes, to the end."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(text if isinstance(text, bytes) else text.encode())
        parts = []
        while part := connection.recv(65536):
            parts.append(part)
    return b"".join(parts).decode()


def test_left_to_itself_it_takes_a_mutation_by_get_under_any_name():
    """What the guard is for; without it every test below would be of nothing."""
    with (
        dg.instance_for_test() as instance,
        context_of(instance) as context,
        running(create_app_from_workspace_process_context(context)) as port,
    ):
        assert ask(port, "GET", f"/graphql?query={SET}", host="evil.example", origin="http://evil.example").is_success
        assert "reached" in limits(instance)
        instance.event_log_storage.delete_concurrency_limit("reached")
        # A pattern's `$` lets a line's end through, so a guard that compares paths would not see this one.
        assert ask(port, "GET", f"/graphql%0A?query={SET}").is_success
        assert "reached" in limits(instance)


@pytest.mark.parametrize("content_type", ["application/json", "application/json; charset=utf-8"])
def test_programs_and_its_own_pages_ask_and_change_by_json(port, instance, content_type):
    body = json.dumps({"query": ASK})
    own = {"origin": f"http://127.0.0.1:{port}", "sec_fetch_site": "same-origin"}
    for headers in ({}, own):
        answer = ask(port, path="/graphql?op=Version", content=body, content_type=content_type, **headers)
        assert "version" in answer.json()["data"]
    assert ask(port, json={"query": SET}).json() == {"data": {"setConcurrencyLimit": True}}
    assert "reached" in limits(instance)
    instance.event_log_storage.delete_concurrency_limit("reached")


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
@pytest.mark.parametrize(
    "path",
    ["/graphql", "/graphql/", "//graphql", "/graphql%0A", "/%67raphql", "/GRAPHQL", "/graphql;x", "/x/../graphql"],
)
@pytest.mark.parametrize("accept", ["*/*", "text/html"])
def test_nothing_in_an_address_is_executed(port, method, path, accept):
    answer = ask(port, method, f"{path}?query={SET}", accept=accept)
    assert "setConcurrencyLimit" not in answer.text


@pytest.mark.parametrize(
    "content_type",
    [None, "", "text/plain", "text/plain; application/json", "application/graphql", "application/json-seq",
     "application/x-www-form-urlencoded", "multipart/form-data; boundary=application/json", "text/json",
     "application/json, text/plain", "application/jsonx"],
)  # fmt: skip
def test_a_body_of_another_type_is_refused(port, content_type):
    headers = {} if content_type is None else {"content_type": content_type}
    for content in (json.dumps({"query": SET}), SET, f"query={SET}"):
        assert ask(port, content=content, **headers).status_code == 415
        assert ask(port, path=f"/graphql?query={SET}", content=content, **headers).status_code == 415


@pytest.fixture
def logged():
    """What the server logs meanwhile: records of uvicorn and of the guard."""
    kept, names = [], ("uvicorn.error", webserver.__name__)
    handler = logging.Handler()
    handler.emit = kept.append
    for name in names:
        logging.getLogger(name).addHandler(handler)
    yield kept
    for name in names:
        logging.getLogger(name).removeHandler(handler)


def typed(port, content_type, body):
    """The answer to a query under exactly these bytes of a type."""
    head = f"POST /graphql HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\ncontent-length: {len(body)}\r\nconnection: close\r\n"
    return raw(port, head.encode() + b"content-type: " + content_type + b"\r\n\r\n" + body.encode())


@pytest.mark.parametrize(
    "content_type",
    [b"application/json\xa0", b"\xa0application/json", b"application/json\x85", b"application/json\xa0;charset=utf-8",
     b"application/json\x1f", b"\x0capplication/json", b"application/json\x0b; x"],
)  # fmt: skip
def test_a_type_with_letters_that_only_look_like_spaces_is_refused(port, content_type):
    assert typed(port, content_type, json.dumps({"query": SET})).startswith(("HTTP/1.1 415", "HTTP/1.1 400"))


@pytest.mark.parametrize("content_type", [b"application/json \t", b"\t application/json ; charset=utf-8"])
def test_spaces_and_tabs_around_a_type_do_no_harm(port, content_type):
    assert '"version"' in typed(port, content_type, json.dumps({"query": ASK}))


@pytest.mark.parametrize(
    "body",
    ["[1]", '"x"', "null", "7", "true", "[]", "{}", "", "{", "[" * 100_000, b"\xff\xfe{", b'{"query": "\xff"}',
     '{"query": null}', '{"query": 5}', '{"query": ["{ version }"]}', f'[{{"query": "{ASK}"}}]',
     f'{{"query": "{ASK}", "variables": [1]}}', f'{{"query": "{ASK}", "variables": "[1]"}}',
     f'{{"query": "{ASK}", "variables": 7}}', f'{{"query": "{ASK}", "operationName": {{}}}}',
     f'{{"query": "{ASK}", "operationName": "\\ud800"}}', '{"query": "\\udfff { version }"}',
     f'{{"query": "{ASK}", "variables": {{"\\ud800": 1}}}}'],
)  # fmt: skip
def test_a_body_that_is_no_query_is_refused_in_one_line(port, logged, body):
    answer = ask(port, content=body, content_type="application/json")
    assert answer.status_code == 400
    assert answer.text.count("\n") == 1
    assert logged == []


@pytest.mark.parametrize("more", [{"variables": None}, {"variables": {"a": 1}}, {"operationName": None}])
def test_a_body_with_what_pages_send_beside_a_query_is_answered(port, more):
    assert "version" in ask(port, json={"query": ASK, **more}).json()["data"]


def test_a_long_body_arrives_whole(port):
    assert "version" in ask(port, json={"query": ASK, "variables": {"a": "x" * 3_000_000}}).json()["data"]


@pytest.mark.parametrize(
    "path",
    ["/logs/..%2f", "/logs/../../x", "/logs/x", "/logs/", "/logs/%00/a/out", "/logs/..%2f..%2fetc%2fpasswd/out",
     "/logs/a/b.out", "/logs//etc/passwd/out", "/logs/" + "a" * 5_000 + "/out", "/download_debug/x",
     "/download_debug/%00"],
)  # fmt: skip
def test_a_file_to_save_that_does_not_exist_leaves_no_traceback(port, logged, path):
    answer = raw(port, f"GET {path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\nconnection: close\r\n\r\n".encode())
    assert answer.startswith("HTTP/1.1 404")
    assert not any(record.exc_info for record in logged)
    assert not any("\n" in record.getMessage() for record in logged)


def test_two_types_of_one_body_are_refused(port):
    body = json.dumps({"query": SET})
    answer = raw(
        port,
        f"POST /graphql HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\ncontent-type: application/json\r\ncontent-type: text/plain\r\n"
        f"content-length: {len(body)}\r\nconnection: close\r\n\r\n{body}",
    )
    assert answer.startswith("HTTP/1.1 403")


ELSEWHERE = [
    {"origin": "http://evil.example"},
    {"origin": "null"},
    {"origin": ""},
    {"origin": "http://127.0.0.1"},
    {"origin": "http://localhost:{port}"},
    {"origin": "http://127.0.0.1:{port}.evil.example"},
    {"origin": "http://127.0.0.1:1{port}"},
    {"origin": "file://"},
    {"sec_fetch_site": "cross-site"},
    {"sec_fetch_site": "same-site"},
    {"sec_fetch_site": "none"},
    {"sec_fetch_site": "cross-site", "sec_fetch_mode": "navigate", "sec_fetch_dest": "document"},
]


@pytest.mark.parametrize("headers", ELSEWHERE, ids=str)
def test_a_page_of_another_origin_is_refused(port, headers):
    headers = {name: value.format(port=port) for name, value in headers.items()}
    answer = ask(port, json={"query": SET}, **headers)
    assert answer.status_code == 403
    assert "page" in answer.text


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "evil.example:3000", "0.0.0.0", "[::2]"])
def test_a_name_that_is_not_this_machines_is_refused(port, host):
    for origin in ({}, {"origin": f"http://{host}"}):
        assert ask(port, json={"query": SET}, host=host, **origin).status_code == 400
        for path in ("/", "/graphql", "/server_info"):
            assert ask(port, "GET", path, host=host, accept="text/html", **origin).status_code == 400


def test_a_name_that_was_given_is_answered(instance, monkeypatch):
    monkeypatch.setenv("DI_ALLOWED_HOSTS", "influence.example")
    with context_of(instance) as context, running(guarded(context)) as port:
        for host, origin in [("influence.example", "https://influence.example"), ("INFLUENCE.example:8443", "https://influence.example:8443")]:  # fmt: skip
            assert ask(port, json={"query": ASK}, host=host, origin=origin).is_success
        assert ask(port, json={"query": ASK}, host="influence.example", origin="https://a.influence.example").status_code == 403  # fmt: skip


@pytest.mark.parametrize("path", ["/report_asset_materialization/episodes", "/report_asset_check/episodes", "/report_asset_observation/episodes", "/", "/runs", "/server_info", "/anything"])  # fmt: skip
def test_nothing_but_queries_can_be_sent(port, path):
    for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS"):
        answer = ask(port, method, path, json={})
        assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD"), method


def test_pages_and_files_are_served_and_cannot_be_framed_or_read_elsewhere(port):
    page = ask(port, "GET", "/runs", accept="text/html")
    assert "initialization-data" in page.text
    own, ours = page.headers.get_list("content-security-policy")
    assert "script-src 'nonce-" in own
    assert ours == "frame-ancestors 'none'"
    for path in ("/runs", "/server_info", "/favicon.svg", "/graphql"):
        answer = ask(port, "GET", path, accept="text/html")
        assert answer.status_code == 200, path
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"
        assert "access-control-allow-origin" not in answer.headers
    assert "nbconvert" not in ask(port, "GET", "/notebook?path=x.ipynb&repoLocName=y").text


def test_another_site_may_link_to_a_page_and_nothing_else(port):
    link = {"sec_fetch_site": "cross-site", "sec_fetch_mode": "navigate", "sec_fetch_dest": "document"}
    assert ask(port, "GET", "/runs", accept="text/html", **link).status_code == 200
    for export in ("/download_debug/x", "/logs/a/b.out"):
        assert ask(port, "GET", export, **link).status_code == 403
    for dest in ("iframe", "image", "script", "empty", "object"):
        other = {**link, "sec_fetch_dest": dest, "sec_fetch_mode": "no-cors" if dest != "iframe" else "navigate"}
        assert ask(port, "GET", "/runs", **other).status_code == 403


def subscribe(port, path="/graphql", host=None, **headers):
    """The first answer to a subscription over the websocket."""

    async def go():
        with socket.create_connection(("127.0.0.1", port)) as raw_socket:
            raw_socket.setblocking(False)
            address = f"ws://{host or f'127.0.0.1:{port}'}{path}"
            async with websockets.connect(address, sock=raw_socket, subprotocols=["graphql-ws"], **headers) as opened:
                await opened.send(json.dumps({"type": "connection_init"}))
                return json.loads(await opened.recv())

    return asyncio.run(go())


def test_the_websocket_opens_for_its_own_pages_and_programs(port):
    for origin in (None, f"http://127.0.0.1:{port}"):
        assert subscribe(port, origin=origin) == {"type": "connection_ack"}


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://localhost:{port}", "http://127.0.0.1:1"])
def test_the_websocket_stays_shut_for_any_other(port, origin):
    with pytest.raises(websockets.InvalidStatus, match="403"):
        subscribe(port, origin=origin.format(port=port))


def start(**payload):
    return json.dumps({"type": "start", "id": "1", "payload": payload})


@pytest.mark.parametrize(
    "message",
    ["x", b"\xff", "[]", "null", "{}", '{"type": []}', '{"type": "start", "id": "1"}', '{"type": "stop", "id": [1]}',
     '{"type": "start", "id": "1", "payload": null}', start(query=5), start(query=ASK, variables="x"),
     start(query=ASK, operation_name=[1]), start(query=ASK, operationName="\ud800")],
    ids=str,
)  # fmt: skip
def test_a_message_that_is_wrong_closes_the_websocket_with_one_line(port, logged, message):
    async def go():
        async with websockets.connect(f"ws://127.0.0.1:{port}/graphql", subprotocols=["graphql-ws"]) as opened:
            await opened.send(message)
            await asyncio.wait_for(opened.recv(), 10)

    with pytest.raises(websockets.ConnectionClosedError) as closed:
        asyncio.run(go())
    assert closed.value.rcvd.code == 1008
    assert [line.getMessage() for line in logged] == [f"the websocket was closed: {closed.value.rcvd.reason}"]


def test_a_message_that_dagster_can_answer_reaches_it(port, logged):
    async def go():
        async with websockets.connect(f"ws://127.0.0.1:{port}/graphql", subprotocols=["graphql-ws"]) as opened:
            await opened.send(start(query='subscription { pipelineRunLogs(runId: "x") { __typename } }', variables={}))
            return json.loads(await asyncio.wait_for(opened.recv(), 10))

    assert "pipelineRunLogs" in asyncio.run(go())["payload"]["data"]
    assert logged == []


def test_the_websocket_stays_shut_under_another_name(port):
    for origin in (None, "http://evil.example", f"http://evil.example:{port}"):
        with pytest.raises(websockets.InvalidStatus, match="400"):
            subscribe(port, host=f"evil.example:{port}", origin=origin)


def test_read_only_asks_and_changes_nothing(instance):
    with context_of(instance, read_only=True) as context, running(guarded(context)) as port:
        assert ask(port, json={"query": ASK}).is_success
        assert "errors" in ask(port, json={"query": SET}).json()


def test_of_dagsters_routes_those_are_left_out_that_write_or_that_nobody_needs(instance):
    """A version that brings more of them fails here, so that somebody looks at what they do."""
    with context_of(instance) as context:
        routes = create_app_from_workspace_process_context(context).routes
    left_out = {route.path for route in routes if not is_served(route)}
    assert left_out == {
        "/report_asset_materialization/{asset_key:path}",
        "/report_asset_check/{asset_key:path}",
        "/report_asset_observation/{asset_key:path}",
        "/notebook",
        "/dagit/notebook",
    }
