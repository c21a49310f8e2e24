"""Calls that get no answer: the line names certificate, host or proxy, and what was never sent costs nothing."""

import asyncio
import traceback

import pytest

from di_assets.providers import connect
from di_assets.providers.types import Endpoint, FatalFault, TransportFault
from tests.providers.server import RESET, SILENCE, answer, family, good, serving
from tests.providers.test_providers import ASK, DIALECTS, KEY, call
from tests.providers.tls import certified, listening, says

pytestmark = pytest.mark.usefixtures("_keyed")


@pytest.fixture
def _keyed(monkeypatch):
    monkeypatch.setenv("TEST_KEY", KEY)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


async def fault(dialect, url, **options):
    with pytest.raises(TransportFault) as caught:
        await call(dialect, url, **options)
    told = "".join(traceback.format_exception(caught.value))
    assert KEY not in told
    assert "\n" not in str(caught.value)
    return caught.value


def unsent(found):
    return (found.kind, found.cause, found.perhaps_paid)


async def idle(reader, _):
    await reader.read()


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_certificate_that_is_not_trusted_is_named(dialect, tmp_path, monkeypatch):
    own, own_path = certified(tmp_path)
    other, other_path = certified(tmp_path, host="elsewhere.example")
    old, old_path = certified(tmp_path, days=-1)
    found = {}
    for name, context, trusted in (
        ("unknown", own, None),
        ("another host's", other, other_path),
        ("expired", old, old_path),
    ):
        if trusted:
            monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
        async with listening(idle, ssl=context) as port:
            found[name] = await fault(dialect, f"https://127.0.0.1:{port}")
            host = f"127.0.0.1:{port}"
            found[name].args = (str(found[name]).replace(host, "HOST"),)
    assert {name: str(one) for name, one in found.items()} == {
        "unknown": "m: no connection: the certificate of HOST is not trusted (self-signed certificate)",
        "another host's": "m: no connection: the certificate is for another host than HOST",
        "expired": "m: no connection: the certificate of HOST is not trusted (certificate has expired)",
    }
    assert {unsent(one) for one in found.values()} == {("connection", "certificate", False)}
    assert not any(one.retryable for one in found.values())
    monkeypatch.setenv("SSL_CERT_FILE", str(own_path))
    async with listening(says(answer(body=good(dialect))), ssl=own) as port:
        assert (await call(dialect, f"https://127.0.0.1:{port}")).text == "hello"


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_server_without_tls_is_named(dialect):
    async with listening(says(answer(body=good(dialect)))) as port:
        found = await fault(dialect, f"https://127.0.0.1:{port}", timeout_s=2)
    assert unsent(found) in {("connection", "tls", False), ("timeout", None, False)}
    if found.cause:
        assert "does not speak TLS" in str(found)


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_host_that_is_not_known_is_named(dialect):
    found = await fault(dialect, "http://no-such-host.invalid")
    assert str(found) == "m: no connection: no host named no-such-host.invalid is known"
    assert (*unsent(found), found.retryable) == ("connection", "host", False, True)


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_port_where_nobody_listens_refuses(dialect):
    async with serving(RESET) as (url, _):
        pass
    found = await fault(dialect, url)
    assert str(found) == f"m: no connection: {url.removeprefix('http://')} refuses it"
    assert (*unsent(found), found.retryable) == ("connection", "refused", False, True)


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    ("response", "line", "passes"),
    [
        (b"HTTP/1.1 503 Busy\r\n\r\n", "the proxy refused to connect to api.example (HTTP 503)", True),
        (
            b"HTTP/1.1 407 Who\r\nproxy-authenticate: Basic\r\n\r\n",
            "refused to connect to api.example (HTTP 407)",
            False,
        ),
        (
            b"HTTP/1.1 403 planted-fake-key-0123\r\n\r\n",
            "the proxy refused to connect to api.example (HTTP 403)",
            False,
        ),
        (b"", "the proxy cut it before anything was sent", True),
    ],
    ids=["503", "407", "403", "cut"],
)
async def test_a_proxy_that_does_not_connect_is_named(dialect, monkeypatch, response, line, passes):
    async with listening(says(response)) as port:
        monkeypatch.setenv("HTTPS_PROXY", f"http://someone:{KEY}@127.0.0.1:{port}")
        found = await fault(dialect, "https://api.example")
    assert line in str(found)
    assert (*unsent(found), found.retryable) == ("connection", "proxy", False, passes)


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_proxy_that_is_not_there_is_named(dialect, monkeypatch):
    async with serving(RESET) as (url, _):
        pass
    monkeypatch.setenv("HTTPS_PROXY", url)
    found = await fault(dialect, "https://api.example")
    assert str(found) == "m: no connection: the proxy that the environment names is not reached"
    assert unsent(found) == ("connection", "proxy", False)


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_proxy_that_answers_in_the_servers_place_is_heard(dialect, monkeypatch):
    async with listening(says(answer(407, "", ["proxy-authenticate: Basic"]))) as port:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{port}")
        with pytest.raises(FatalFault, match="proxy wants a log-in") as caught:
            await call(dialect, "http://api.example")
    assert (caught.value.kind, caught.value.cause, caught.value.perhaps_paid) == ("no_key", "proxy", False)


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_handshake_without_end_was_never_sent(dialect):
    async with listening(idle) as port:
        found = await fault(dialect, f"https://127.0.0.1:{port}", timeout_s=1)
    assert (unsent(found), found.retryable) == (("timeout", None, False), True)


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_what_waits_for_a_connection_was_never_sent(dialect):
    async with serving(SILENCE) as (url, received):
        base = f"{url}/v1" if family(dialect) == "openai" else url
        options = {"base_url": base, "key_env": "TEST_KEY", "timeout_s": 1.0, "connections": 1}
        client = connect(Endpoint(name="m", provider=dialect, id="x", **options))
        outcomes = await asyncio.gather(*(client.complete(ASK) for _ in range(3)), return_exceptions=True)
        await client.close()
    assert len(received) == 1
    assert sorted((one.kind, one.perhaps_paid) for one in outcomes) == [
        ("timeout", False),
        ("timeout", False),
        ("timeout", True),
    ]


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_redirect_is_not_followed_for_another_host_would_be_sent_the_key(dialect):
    async with (
        serving(answer(body=good(dialect))) as (elsewhere, received),
        serving(answer(307, "", [f"location: {elsewhere}"])) as (url, _),
    ):
        with pytest.raises(FatalFault, match="HTTP 307: the address has moved"):
            await call(dialect, url)
    assert not received
