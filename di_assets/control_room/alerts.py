"""Alerts: two sensors send a message to a person. One reports failed runs, the other reports what is late.

Late are nightly arms that were not played, and tables that are older than their batches. The message is posted as
`{"text": ...}`, which Slack, Mattermost and similar services accept, to the address in DI_ALERT_URL. Whoever has that
address can post. So it is read only from the environment, and no log, table or exception contains it.
"""

import json
import os
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial

import dagster as dg
import httpx

from di_assets.arms import batches
from di_assets.assets.damaged import looked_at
from di_assets.assets.freshness import SLACK, last_materialised, newer_batches, published, scheduled_since, unplayed
from di_assets.assets.home import Home
from di_assets.tables import DamageError

URL = "DI_ALERT_URL"
TIMEOUT_S = 10.0
EVERY_S = 600

Tell = Callable[[str], None]
"""The hook: takes a sentence to where a person reads it; raises AlertError where it does not arrive."""


class AlertError(RuntimeError):
    """The alert could not be delivered; the message says why and does not contain the address."""

    exit_code = 1


def webhook(text: str) -> None:
    """Posts a sentence to the address in DI_ALERT_URL.

    Raises:
        AlertError: the address is not set, cannot be reached, or answers with status 300 or higher.
    """
    try:
        status = httpx.post(os.environ[URL], json={"text": text}, timeout=TIMEOUT_S).status_code
    except KeyError:
        raise AlertError(f"{URL} names no address") from None
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise AlertError(f"{URL}: {type(error).__name__}") from None
    if status >= 300:
        raise AlertError(f"{URL} answered {status}")


def late(instance: dg.DagsterInstance, home: Home, *, now: datetime) -> dict[str, str]:
    """What is late, and a sentence on each: nightly arms that lie idle, and tables that stay behind their batches."""
    found = {}
    for name, arm in home.configs.arms.items():
        on = scheduled_since(instance, name) if arm.nightly else None
        if on and (idle := unplayed(home, name, last_materialised(instance, batches(arm)), since=on, now=now)):
            found[name] = idle.description
    looks = {name: looked_at(home, partial(newer_batches, home.warehouse, name), table=name) for name in published()}
    behind = {name: older for name, older in looks.items() if older}
    since = 0.0
    with suppress(DamageError):  # damaged files are reported at once
        since = max((file.modified_ns / 1e9 for file in home.warehouse.files("episode_measures")), default=0.0)
    if now.timestamp() - since > SLACK.total_seconds():
        found |= {name: older.description for name, older in behind.items()}
    return found


def alerts(home: Home, *, tell: Tell = webhook) -> list[dg.SensorDefinition]:
    """The two sensors. They are on by default if DI_ALERT_URL is set, and off otherwise."""
    status = dg.DefaultSensorStatus.RUNNING if os.environ.get(URL) else dg.DefaultSensorStatus.STOPPED

    @dg.sensor(
        name="tell_what_is_late",
        default_status=status,
        minimum_interval_seconds=EVERY_S,
        description="Tells once when a nightly arm or a published table is late, and once when it no longer is.",
    )
    def tell_what_is_late(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        reported: dict[str, str] = json.loads(context.cursor or "{}")
        now = late(context.instance, home, now=datetime.now(tz=UTC))
        lines = [f"late: {now[name]}" for name in sorted(set(now) - set(reported))]
        lines += [f"no longer late: {name}" for name in sorted(set(reported) - set(now))]
        if lines:
            tell("\n".join(lines))  # if it fails it raises, and the next tick tries again
        return dg.SensorResult(
            cursor=json.dumps(now, sort_keys=True),
            skip_reason=dg.SkipReason(f"told: {'; '.join(lines)}" if lines else "nothing new is late"),
        )

    @dg.run_failure_sensor(
        name="tell_of_failed_runs",
        default_status=status,
        minimum_interval_seconds=60,
        description="Tells of each run that failed: which batch, and that what was played is kept.",
    )
    def tell_of_failed_runs(context: dg.RunFailureSensorContext) -> None:
        run = context.dagster_run
        what = run.tags.get("batch") or run.tags.get("dagster/partition") or run.job_name
        tell(f"run {run.run_id[:8]} of {what} failed; what it played is kept, and the next run goes on from there")

    return [tell_what_is_late, tell_of_failed_runs]
