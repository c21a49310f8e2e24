"""Which requests a server of this project answers, by name, by origin and by what the browser says of the two."""

import pytest
from starlette.datastructures import Headers

from di_assets.origins import HostsError, allowed_hosts, refusal

HERE = "127.0.0.1:3000"
LINK = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}


def refused(method="POST", **headers):
    return refusal(method, Headers({"host": HERE} | {name.replace("_", "-"): value for name, value in headers.items()}))


def test_names_are_given_with_commas_between():
    assert allowed_hosts({}) == ["127.0.0.1", "localhost", "[::1]"]
    given = {"DI_ALLOWED_HOSTS": " One.example,,*.two.example,10.0.0.7 "}
    assert allowed_hosts(given)[3:] == ["one.example", "*.two.example", "10.0.0.7"]


@pytest.mark.parametrize("name", ["*", "*.", "https://one.example", "one.example:8501", "one.example/x", "a*b.example", "one example"])  # fmt: skip
def test_what_is_no_name_is_refused_with_what_would_be_right(name):
    with pytest.raises(HostsError, match=r"DI_ALLOWED_HOSTS: '.*right is influence\.example"):
        allowed_hosts({"DI_ALLOWED_HOSTS": f"one.example,{name}"})


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "websocket"])
def test_its_own_pages_and_programs_that_are_no_browser_may_ask_and_send(method):
    assert refused(method) is None
    assert refused(method, origin="http://127.0.0.1:3000", sec_fetch_site="same-origin") is None


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "", "http://localhost:3000", "http://127.0.0.1", "http://127.0.0.1:8501", "http://127.0.0.1:3000.evil.example", "127.0.0.1:3000", "http:///127.0.0.1:3000"])  # fmt: skip
@pytest.mark.parametrize("method", ["GET", "POST", "websocket"])
def test_any_other_origin_is_refused(method, origin):
    assert "another origin" in refused(method, origin=origin)


@pytest.mark.parametrize(("host", "origin"), [("influence.example", "https://influence.example"), ("influence.example:443", "https://influence.example"), ("influence.example:8443", "https://influence.example:8443"), ("[::1]:3000", "http://[::1]:3000")])  # fmt: skip
def test_behind_a_proxy_that_passes_on_the_name_its_own_pages_are_known(host, origin):
    assert refused(host=host, origin=origin) is None
    assert refused(host="web:3000", origin=origin)


@pytest.mark.parametrize("site", ["cross-site", "same-site", "something-new"])
def test_another_site_may_open_a_page_by_a_link_and_nothing_else(site):
    link = {name.replace("-", "_"): value for name, value in {**LINK, "sec-fetch-site": site}.items()}
    assert refused("GET", **link) is None
    assert refused("POST", **link)
    assert refused("websocket", **link)
    for dest in ("iframe", "frame", "object", "embed", "image", "script", "empty"):
        assert refused("GET", **{**link, "sec_fetch_dest": dest})
    for mode in ("no-cors", "cors", "websocket"):
        assert refused("GET", **{**link, "sec_fetch_mode": mode})


def test_what_a_person_typed_opens_a_page_and_sends_nothing():
    assert refused("GET", sec_fetch_site="none") is None
    assert refused("POST", sec_fetch_site="none")


@pytest.mark.parametrize("name", ["host", "origin", "content-type", "sec-fetch-site"])
def test_what_is_said_twice_is_refused(name):
    raw = [(b"host", HERE.encode())] * (name != "host") + [(name.encode(), b"http://127.0.0.1:3000")] * 2
    assert refusal("POST", Headers(raw=raw)) == f"{name} was sent twice"


@pytest.mark.parametrize("origin", ["http://[evil", f"//{HERE}", f"ftp://{HERE}", "null", ""])
def test_what_is_no_origin_of_a_page_is_refused(origin):
    assert "another origin" in refused(origin=origin)
    assert refused(origin=f"http://{HERE}") is None
    assert refused(origin=f"https://{HERE}") is None
