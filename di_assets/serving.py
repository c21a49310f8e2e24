"""The dashboard and the Dagster UI with its daemon, started together, ended together, on loopback alone."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import click

from di_assets.assets.home import Home
from di_assets.instance import dagster_home

HOST = "127.0.0.1"
POLL_S, PATIENCE_S = 0.5, 15.0
APP = Path(__file__).parent.parent / "dashboard" / "app.py"


class ServingError(RuntimeError):
    """What is served has ended by itself."""

    exit_code = 1


def serve(home: Home, *, port: int = 8501, dagster_port: int = 3000) -> None:
    """Starts both, says where they are, and waits until told to end.

    Raises:
        ServingError: one of them ended by itself; the other is ended too.
    """
    environment = {
        **os.environ,
        "DAGSTER_HOME": str(dagster_home(home)),
        "DI_WAREHOUSE": str(home.warehouse),
        "DI_CONFIGS": str(home.configs.root.absolute()),
        "DI_DASHBOARD": f"http://{HOST}:{port}",
        "DI_DAGSTER": f"http://{HOST}:{dagster_port}",
        "STREAMLIT_SERVER_ADDRESS": HOST,
        "STREAMLIT_SERVER_PORT": str(port),
        "STREAMLIT_SERVER_HEADLESS": "true",
        "STREAMLIT_BROWSER_GATHER_USAGE_STATS": "false",
    }
    bin_folder = Path(sys.executable).parent
    pages = [sys.executable, "-m", "streamlit", "run", str(APP)]
    dagster = [str(bin_folder / "dagster"), "dev", "-m", "di_assets.definitions", "-h", HOST, "-p", str(dagster_port)]
    click.echo(f"dashboard   http://{HOST}:{port}")
    click.echo(f"Dagster UI  http://{HOST}:{dagster_port} (ready in some seconds)\nCtrl-C ends both")
    _until_one_ends({"the dashboard": pages, "the Dagster UI": dagster}, environment)


def _until_one_ends(commands: Mapping[str, Sequence[str]], environment: dict[str, str]) -> None:
    """Runs these, by name, until this process is told to end (then returns) or one of them ends by itself.

    Raises:
        ServingError: one of them ended.
    """
    signal.signal(signal.SIGTERM, _interrupt)
    running = {
        name: subprocess.Popen(command, env=environment, start_new_session=True)  # noqa: S603 -- our own commands
        for name, command in commands.items()
    }
    try:
        while not (ended := [name for name, process in running.items() if process.poll() is not None]):
            time.sleep(POLL_S)
    except KeyboardInterrupt:
        click.echo("stopping")
    else:
        raise ServingError(f"{ended[0]} ended by itself with exit code {running[ended[0]].returncode}")
    finally:
        _end(running.values())


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _end(processes: Iterable[subprocess.Popen[bytes]]) -> None:
    """Interrupts each with all that it started, and kills what is left after a while."""
    for process in processes:
        _signal(process, signal.SIGINT)
    deadline = time.monotonic() + PATIENCE_S
    for process in processes:
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=max(0.0, deadline - time.monotonic()))
        _signal(process, signal.SIGKILL)
        process.wait()


def _signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with suppress(ProcessLookupError):  # the group is gone when nothing in it is left
        os.killpg(process.pid, number)
