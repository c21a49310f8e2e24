"""A page of another site in Chromium against the Dagster UI's server: everything it can send, and nothing that arrives."""

import dagster as dg
import pytest
from dagster_webserver.app import create_app_from_workspace_process_context

from di_assets.control_room.serving.webserver import guarded
from tests.control_room.serving.elsewhere import SITE, attacked, chromium, site
from tests.control_room.serving.test_webserver import SET, context_of, limits, running
from tests.dashboard.browsing import CHROMIUM

pytestmark = [
    pytest.mark.slow,
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium found on this machine"),
]


def test_nothing_that_another_sites_page_sends_is_executed():
    with (
        dg.instance_for_test() as instance,
        context_of(instance) as context,
        running(guarded(context)) as port,
        running(create_app_from_workspace_process_context(context)) as unguarded,
        chromium() as browser,
        site() as address,
    ):
        page = browser.new_page()
        page.goto(address)
        found = attacked(page, port, SET)
        assert limits(instance) == set()
        for name, ways in found.items():
            assert ways["socket"] == "failed", name
            assert ways["frame"] in {"loaded", "failed", "nothing"}  # a page that says why it is not there
            assert not [way for way, outcome in ways.items() if "data" in outcome], name
        # Under the site's own name it is the server's page to the browser: the name alone gives it away.
        rebound = browser.new_page()
        assert rebound.goto(f"http://{SITE}:{port}/").status == 400
        rebound.evaluate(site_script())
        assert rebound.evaluate("([t, q]) => attack(t, q)", [f"http://{SITE}:{port}", SET])["fetch, json"].startswith(
            "400"
        )
        assert limits(instance) == set()
        # The same page reaches a server that nothing guards.
        assert attacked(page, unguarded, SET)["127.0.0.1"]["socket"] == "opened"
        assert limits(instance) == {"reached"}


def site_script():
    from tests.control_room.serving.elsewhere import SCRIPT

    return f"() => {{ {SCRIPT.read_text()}; window.attack = attack; }}"
