"""The dashboard and the Dagster UI, side by side, on loopback alone."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import click

from di_assets.assets.home import Home
from di_assets.runs import dagster_home

HOST = "127.0.0.1"
APP = Path(__file__).parent.parent / "dashboard" / "app.py"


def serve(home: Home, *, port: int = 8501, dagster_port: int = 3000) -> None:
    """Starts both, says where they are, and waits until interrupted or until one of them ends."""
    environment = {
        **os.environ,
        "DAGSTER_HOME": str(dagster_home(home)),
        "DI_WAREHOUSE": str(home.warehouse),
        "DI_CONFIGS": str(home.configs.root.absolute()),
        "DI_DASHBOARD": f"http://{HOST}:{port}",
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
    _until_one_ends([pages, dagster], environment)


def _until_one_ends(commands: Sequence[Sequence[str]], environment: dict[str, str]) -> None:
    running = [
        subprocess.Popen(command, env=environment, start_new_session=True)  # noqa: S603 -- our own commands
        for command in commands
    ]
    try:
        while all(process.poll() is None for process in running):
            time.sleep(0.5)
    except KeyboardInterrupt:
        click.echo("stopping")
    finally:
        for process in running:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGINT)
        for process in running:
            try:
                process.wait(timeout=15)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
