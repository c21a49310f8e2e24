"""Who hears of what is late and of runs that fail: once, and again when it is over."""

import json
import os
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import dagster as dg
import pytest
from dagster._core.scheduler.instigation import InstigatorStatus

from di_assets.assets.definitions import build
from di_assets.control_room.alerts import AlertError, alerts, late, webhook
from tests.assets.test_checks import TALK, copy, set_in_first_row  # noqa: F401
from tests.assets.test_freshness import files, nightly, turn


def said(sensor, home, instance, cursor):
    # Left open, it would leave Dagster with the storage of an instance that is gone, and fail whatever is built next.
    with dg.build_sensor_context(instance=instance, cursor=cursor, definitions=build(home)) as context:
        return sensor(context)


def test_a_late_arm_is_told_of_once_and_again_when_it_is_no_longer_late(copy):  # noqa: F811
    heard, home = [], nightly(copy)
    sensor, _ = alerts(home, tell=heard.append)
    set_in_first_row(copy, "episodes", status="failed")
    with dg.instance_for_test() as instance:  # where nothing was ever materialised
        assert json.loads(said(sensor, home, instance, None).cursor) == {}  # its schedule is off
        turn(instance, "talk", InstigatorStatus.RUNNING, at=datetime(2026, 1, 1, tzinfo=UTC))
        first = said(sensor, home, instance, None)
        assert [line.split(":")[0] for line in heard[0].splitlines()] == ["late"]
        assert "talk was last materialised never" in heard[0]
        assert f"batch={TALK}" in heard[0]
        assert said(sensor, home, instance, first.cursor).cursor == first.cursor
        assert len(heard) == 1
        instance.report_runless_asset_event(dg.AssetMaterialization("episodes", partition=TALK))
        assert json.loads(said(sensor, home, instance, first.cursor).cursor) == {}
        assert heard[1:] == ["no longer late: talk"]


def test_what_could_not_be_told_is_told_again(copy):  # noqa: F811
    def deaf(text):
        raise AlertError("nobody there")

    home = nightly(copy)
    set_in_first_row(copy, "episodes", status="failed")
    with dg.instance_for_test() as instance:
        turn(instance, "talk", InstigatorStatus.RUNNING, at=datetime(2026, 1, 1, tzinfo=UTC))
        with pytest.raises(AlertError):
            said(alerts(home, tell=deaf)[0], home, instance, None)


def test_tables_that_stay_behind_are_late_after_a_while_only(copy):  # noqa: F811
    with dg.DagsterInstance.ephemeral() as instance:
        measured = datetime(2026, 1, 2, 12, tzinfo=UTC)
        for path in files(copy.warehouse, "episode_measures"):
            os.utime(path, (measured.timestamp(),) * 2)
        lift = copy.warehouse.address("lift")
        os.utime(lift, (measured.timestamp() - 60,) * 2)
        assert late(instance, copy, now=measured + timedelta(hours=1)) == {}
        assert set(late(instance, copy, now=measured + timedelta(hours=3))) == {"lift"}


def test_a_failed_run_is_told_of_by_its_batch(played):
    heard = []
    _, sensor = alerts(played, tell=heard.append)
    with dg.DagsterInstance.ephemeral() as instance:
        run = instance.create_run_for_job(dg.GraphDefinition("play_batches").to_job(), tags={"batch": TALK})
        failed = dg.DagsterEvent("PIPELINE_FAILURE", "play_batches", message="no")
        context = dg.build_run_status_sensor_context("tell_of_failed_runs", failed, instance, run)
        sensor(context.for_run_failure())
    assert heard == [
        f"run {run.run_id[:8]} of {TALK} failed; what it played is kept, and the next run goes on from there"
    ]


def test_sensors_are_on_where_an_address_is_given_and_off_elsewhere(played, monkeypatch):
    monkeypatch.delenv("DI_ALERT_URL", raising=False)
    assert {s.default_status.value for s in alerts(played)} == {"STOPPED"}
    monkeypatch.setenv("DI_ALERT_URL", "http://127.0.0.1:9/secret")
    assert {s.default_status.value for s in alerts(played)} == {"RUNNING"}


@pytest.fixture
def server():
    """A webhook on loopback; (address, bodies it was sent). It answers the status that the path names, or else 200."""
    bodies = []

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self):
            bodies.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(int(self.path[1:]) if self.path[1:].isdigit() else 200)
            self.end_headers()

        def log_message(self, *_):
            pass

    one = HTTPServer(("127.0.0.1", 0), Hook)
    Thread(target=one.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{one.server_port}", bodies
    one.shutdown()
    one.server_close()


def test_the_webhook_takes_a_sentence_and_a_refusal_never_shows_its_address(server, monkeypatch):
    url, bodies = server
    monkeypatch.setenv("DI_ALERT_URL", f"{url}/planted-secret")
    webhook("talk is late")
    assert bodies == [{"text": "talk is late"}]
    for address in (f"{url}/403", "http://127.0.0.1:9/planted-secret", "no address at all"):
        monkeypatch.setenv("DI_ALERT_URL", address)
        with pytest.raises(AlertError) as told:
            webhook("talk is late")
        assert "127" not in str(told.value)
        assert "secret" not in str(told.value)
        assert told.value.__cause__ is None
    monkeypatch.delenv("DI_ALERT_URL")
    with pytest.raises(AlertError, match="names no address"):
        webhook("talk is late")


def test_every_status_of_success_is_one_and_a_redirect_is_none(server, monkeypatch):
    url, _ = server
    for status in (200, 204, 299):
        monkeypatch.setenv("DI_ALERT_URL", f"{url}/{status}")
        webhook("talk is late")
    for status in (300, 302, 404, 500):
        monkeypatch.setenv("DI_ALERT_URL", f"{url}/{status}")
        with pytest.raises(AlertError, match=f"answered {status}"):
            webhook("talk is late")
