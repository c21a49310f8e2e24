"""Dagster's instance: the history of runs, in the warehouse's local folder or in Postgres, and the settings of runs."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import yaml

from di_assets.assets.home import Home

POSTGRES = "DI_POSTGRES_URL"
# A file that does not begin like this was written by somebody else, and is not changed.
FIRST_LINE = "# Written by di at every start. To keep settings of your own, delete this line.\n"
SETTINGS = """\
telemetry: {enabled: false}
nux: {enabled: false}

# One run at a time plays models, whoever started it; a backfill leaves room for what else is asked for.
concurrency:
  pools: {default_limit: 1, granularity: op}
  runs:
    max_concurrent_runs: 4
    tag_concurrency_limits:
      - {key: dagster/backfill, value: {applyLimitPerUniqueValue: true}, limit: 3}

# A run whose process is gone has failed, gives back its slot, and is started again: it plays what is missing.
run_launcher: {module: di_assets.control_room.launcher, class: WatchedRunLauncher}
run_monitoring:
  enabled: true
  poll_interval_seconds: 20
  start_timeout_seconds: 180
  cancel_timeout_seconds: 180
  max_resume_run_attempts: 0
  free_slots_after_run_end_seconds: 20
run_retries: {enabled: true, max_retries: 3, retry_on_asset_or_op_failure: false}

# Of what schedules and sensors did, days; the history of runs is pruned by `di prune` and a daily job.
retention:
  schedule: {purge_after_days: {skipped: 7, failure: 30, success: 30}}
  sensor: {purge_after_days: {skipped: 7, failure: 30, success: 30}}
"""
# The address holds a password, so the file only names the environment variable.
IN_POSTGRES = f"storage: {{postgres: {{postgres_url: {{env: {POSTGRES}}}}}}}\n"


class InstanceError(RuntimeError):
    """Dagster's history can't be reached. The message is one line and does not contain the address."""

    exit_code = 1


def settings() -> str:
    """The content of dagster.yaml; with Postgres if the environment names a database."""
    return FIRST_LINE + SETTINGS + (IN_POSTGRES if os.environ.get(POSTGRES) else "")


def dagster_home(home: Home) -> Path:
    """The folder of dagster.yaml and, without Postgres, of the history. Only one process at a time sets it up.

    Raises:
        InstanceError: the history can't be reached.
    """
    folder = home.dagster
    folder.mkdir(parents=True, exist_ok=True)
    file, wanted = folder / "dagster.yaml", settings()
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        held = file.read_bytes().decode(errors="replace") if file.exists() else FIRST_LINE
        if held != wanted and held.startswith(FIRST_LINE):
            file.write_text(wanted)
            with _opened(folder) as instance:
                instance.get_runs(limit=1)  # creates the tables
    os.environ["DAGSTER_HOME"] = str(folder)
    return folder


@contextmanager
def instance_of(home: Home) -> Iterator[dg.DagsterInstance]:
    """Dagster's instance of this warehouse, so that the UI shows what ran here.

    Raises:
        InstanceError: the history can't be reached.
    """
    with _opened(dagster_home(home)) as instance:
        yield instance


@contextmanager
def _opened(folder: Path) -> Iterator[dg.DagsterInstance]:
    try:
        opened = dg.DagsterInstance.from_config(str(folder))
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        text = "not YAML that can be read; move it away, and it is written anew"
        raise InstanceError(f"{folder / 'dagster.yaml'}: {text}") from error
    except Exception as error:
        if not os.environ.get(POSTGRES):
            raise
        # The message of a driver may contain the address.
        why = "it needs the extra `cluster`" if isinstance(error, ImportError) else "no server answers and lets us in"
        raise InstanceError(f"{POSTGRES}: Dagster's history can't be opened there: {why}") from None
    with opened as instance:
        yield instance
