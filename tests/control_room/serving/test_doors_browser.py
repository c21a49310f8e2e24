"""`di ui` as people start it, in Chromium: another site's page starts, ends and deletes nothing; its own pages do all of it."""

import json
import re
import time

import pytest

from di_assets.assets.home import open_home
from di_assets.control_room.instance import instance_of
from tests.control_room.served import REPOSITORY, control_room, wait_for
from tests.control_room.serving.elsewhere import SITE, attacked, chromium, site
from tests.dashboard.browsing import CHROMIUM
from tests.play.hostility import KEY, hostile, hostile_configs

pytestmark = [
    pytest.mark.slow,
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium found on this machine"),
]
EVENTS = ["episodes", "seats", "edges", "calls", "messages", "pulls"]
SCHEDULE = "nightly_hard"


@pytest.fixture(scope="module")
def room(tmp_path_factory):
    """A control room whose one arm is played by slow models, its warehouse's folder, and what its models were asked."""
    folder = tmp_path_factory.mktemp("doors")
    ledger, warehouse, configs = folder / "ledger", folder / "warehouse", folder / "configs"
    with hostile(ledger, latency=1.5) as url:
        hostile_configs(configs, url, episodes=8, rounds=60)
        with (configs / "hard.yaml").open("a") as file:
            file.write("nightly: {cron: '0 1 * * *'}\n")
        with control_room(warehouse, configs, PLANTED_KEY=KEY) as opened:
            yield opened, open_home(str(warehouse), str(configs)), ledger


def launching(**tags):
    return {
        "selector": {**REPOSITORY, "pipelineName": "play_batches", "assetSelection": [{"path": [name]} for name in EVENTS]},
        "executionMetadata": {"tags": [{"key": "dagster/partition", "value": "hard--b00"}, *({"key": k, "value": v} for k, v in tags.items())]},
        "mode": "default",
        "runConfigData": {},
    }  # fmt: skip


def inline(value):
    """A value as GraphQL writes it."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}: {inline(one)}" for name, one in value.items()) + "}"
    return "[" + ", ".join(map(inline, value)) + "]" if isinstance(value, list) else json.dumps(value)


def launch(**tags):
    return f"mutation {{ launchPipelineExecution(executionParams: {inline(launching(**tags))}) {{ __typename ... on PythonError {{ message }} ... on LaunchRunSuccess {{ run {{ runId }} }} }} }}"  # fmt: skip


def terminate(run):
    return f'mutation {{ terminateRun(runId: "{run}") {{ __typename }} }}'


def delete(run):
    return f'mutation {{ deletePipelineRun(runId: "{run}") {{ __typename }} }}'


def start_schedule():
    return f"mutation {{ startSchedule(scheduleSelector: {inline({**REPOSITORY, 'scheduleName': SCHEDULE})}) {{ __typename }} }}"


def statuses(home):
    with instance_of(home) as instance:
        return {run.run_id: run.status.value for run in instance.get_runs()}


def schedules_that_run(home):
    with instance_of(home) as instance:
        return {state.instigator_name for state in instance.all_instigator_state() if state.status.value == "RUNNING"}


def calls(ledger):
    return ledger.read_bytes().count(b"\n") if ledger.exists() else 0


def test_another_sites_page_launches_terminates_starts_and_deletes_nothing_on_either_server(room):
    opened, home, ledger = room
    run = opened.ask(launch())["launchPipelineExecution"]["run"]["runId"]
    wait_for(lambda: calls(ledger) > 5, 90)
    running = schedules_that_run(home)
    with chromium() as browser, site() as address:
        page = browser.new_page()
        page.goto(address)
        for query in (launch(attack="yes"), terminate(run), start_schedule(), delete(run)):
            found = attacked(page, opened.dagster_port, query, within=1200)
            assert "opened" not in {ways["socket"] for ways in found.values()}
            assert not [way for ways in found.values() for way, outcome in ways.items() if "__typename" in outcome]
        stream = {"path": "/_stcore/stream", "protocol": "streamlit"}
        found = attacked(page, opened.port, launch(attack="yes"), within=1200, **stream)
        assert "opened" not in {ways["socket"] for ways in found.values()}
        for port in (opened.port, opened.dagster_port):
            assert browser.new_page().goto(f"http://{SITE}:{port}/").status == 400
    assert statuses(home) == {run: "STARTED"}
    assert schedules_that_run(home) == running
    # The same words from a program: all of them are ones that the server takes.
    assert opened.ask(start_schedule())["startSchedule"]["__typename"] == "ScheduleStateResult"
    assert opened.ask(terminate(run))["terminateRun"]["__typename"] == "TerminateRunSuccess"
    wait_for(lambda: statuses(home)[run] == "CANCELED", 60)
    assert opened.ask(delete(run))["deletePipelineRun"]["__typename"] == "DeletePipelineRunSuccess"


def test_its_own_pages_load_launch_stream_and_terminate(room):
    opened, home, ledger = room
    frames, troubles = [], []
    with chromium() as browser:
        page = browser.new_page(viewport={"width": 1400, "height": 900})
        page.on("websocket", lambda one: one.on("framereceived", lambda data: frames.append(str(data))))
        page.on(
            "response", lambda answer: troubles.append((answer.status, answer.url)) if answer.status >= 400 else None
        )
        page.on("console", lambda told: troubles.append(told.text) if "Content Security Policy" in told.text else None)
        page.goto(f"http://127.0.0.1:{opened.dagster_port}/jobs")
        page.get_by_text("play_batches").first.wait_for(timeout=60_000)
        # As the page's own code asks: from its origin, with the operation's name in the address.
        script = """query => fetch('/graphql?op=Launch', {method: 'POST', credentials: 'include',
          headers: {'content-type': 'application/json'}, body: JSON.stringify({query})}).then(reply => reply.json())"""
        run = page.evaluate(script, launch())["data"]["launchPipelineExecution"]["run"]["runId"]
        page.goto(f"http://127.0.0.1:{opened.dagster_port}/runs/{run}")
        page.get_by_text(re.compile("RUN_START|STEP_START|Started execution")).first.wait_for(timeout=90_000)
        before, asked = len(frames), calls(ledger)
        deadline = time.monotonic() + 90
        while not (len(frames) > before and calls(ledger) > asked):
            page.wait_for_timeout(500)
            assert time.monotonic() < deadline, (len(frames), calls(ledger))
        assert any(run in frame or "PipelineRunLogsSubscription" in frame for frame in frames)
        page.get_by_role("button", name="Terminate").first.click()
        page.get_by_role("dialog").get_by_role("button", name=re.compile("Terminate|Yes")).last.click()
        wait_for(lambda: statuses(home)[run] in {"CANCELING", "CANCELED"}, 60)
        wait_for(lambda: statuses(home)[run] == "CANCELED", 90)
        assert [one for one in troubles if "favicon" not in str(one)] == []
