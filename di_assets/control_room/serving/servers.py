"""Starts and ends the dashboard, the Dagster UI, its daemon and its code server together.

Three things listen, all on 127.0.0.1 or in a folder that only this user may enter: the dashboard's port, the Dagster
UI's port, and the code server's socket, which is a file. The daemon does not listen.
"""

import json
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import click
import grpc
import httpx
from grpc_health.v1 import health_pb2, health_pb2_grpc

from di_assets.assets.home import Home
from di_assets.control_room.instance import dagster_home
from di_assets.control_room.serving.ports import HOST, HeldPorts, listens, number
from di_assets.control_room.serving.processes import ServingError, together

APP = Path(__file__).parents[3] / "dashboard" / "app.py"
CODE = "di_assets.control_room.code_location"
# Dagster stores under this name which schedules are on. Another name would turn all of them off.
LOCATION = "di_assets.assets.definitions"
READY_S = 300.0
LOOK_S = 5.0
LOADED = """{ workspaceOrError { ... on Workspace { locationEntries { loadStatus locationOrLoadError {
  __typename ... on PythonError { message } } } } } }"""


def serve(home: Home, ports: HeldPorts, *, read_only: bool = False) -> None:
    """Starts everything, prints each address when it answers, and waits until told to end.

    Args:
        home: the installation that is shown.
        ports: the ports; closed at the end.
        read_only: nothing can be launched, ended, turned on or off, and no daemon runs.

    Raises:
        ServingError: one did not start or ended by itself; the others are ended too.
    """
    port, dagster_port = number(ports.dashboard), number(ports.dagster)
    pages, dagster = f"http://{HOST}:{port}", f"http://{HOST}:{dagster_port}"
    environment = {
        **os.environ,
        "DAGSTER_HOME": str(dagster_home(home)),
        "DI_WAREHOUSE": str(home.warehouse),
        "DI_CONFIGS": str(home.configs.root.absolute()),
        "DI_DASHBOARD": pages,
        "DI_DAGSTER": dagster,
        "STREAMLIT_SERVER_ADDRESS": HOST,
        "STREAMLIT_SERVER_PORT": str(port),
        "STREAMLIT_SERVER_HEADLESS": "true",
        "STREAMLIT_BROWSER_GATHER_USAGE_STATS": "false",
    }
    with TemporaryDirectory(prefix="di-") as folder, together(environment) as processes, suppress(KeyboardInterrupt):
        click.echo("starting; Ctrl-C ends all")
        code, workspace = Path(folder, "code"), Path(folder, "workspace.yaml")
        server = {"location_name": LOCATION, "socket": str(code)}
        workspace.write_text(json.dumps({"load_from": [{"grpc_server": server}]}))  # JSON is valid YAML
        ports.dashboard.close()  # Streamlit opens the port itself
        shown = processes.start("the dashboard", [sys.executable, "-m", "streamlit", "run", str(APP)])
        processes.start("the code server", [*_dagster("dagster"), "code-server", "start", "-m", CODE, "-s", str(code),
                        "--inject-env-vars-from-instance", "--log-level", "warning"], last=True)  # fmt: skip
        processes.wait_until(_serves(code), "the code server", seconds=READY_S)
        fd = ports.dagster.fileno()
        web = [sys.executable, "-m", "di_assets.cli", "webserver", "--fd", str(fd), "--workspace", str(workspace)]
        processes.start("the Dagster UI", [*web, *(["--read-only"] if read_only else [])], inherits=[fd])
        ports.dagster.close()
        if not read_only:
            daemon = [*_dagster("dagster-daemon"), "run", "-w", str(workspace), "--log-level", "warning"]
            processes.start("the daemon", daemon)
        processes.wait_until(lambda: _answers(pages, shown, port), "the dashboard", seconds=READY_S)
        click.echo(f"dashboard   {pages}")
        processes.wait_until(lambda: _is_loaded(dagster), "the Dagster UI", seconds=READY_S)
        click.echo(f"Dagster UI  {dagster}{' (read-only; no daemon runs)' if read_only else ''}")
        processes.wait()
    click.echo("ended")


def _dagster(program: str) -> list[str]:
    return [str(Path(sys.executable).parent / program)]


def _serves(code: Path) -> Callable[[], bool]:
    """Whether the code server answers at its socket."""

    def serves() -> bool:
        if not code.exists():
            return False
        with grpc.insecure_channel(f"unix:{code}") as channel, suppress(grpc.RpcError):
            request = health_pb2.HealthCheckRequest(service="DagsterApi")
            answer = health_pb2_grpc.HealthStub(channel).Check(request, timeout=LOOK_S)
            return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)
        return False

    return serves


def _answers(pages: str, process: int, port: int) -> bool:
    """Whether the dashboard answers, and whether it is the process started here."""
    with suppress(httpx.HTTPError):
        return httpx.get(f"{pages}/_stcore/health", timeout=LOOK_S).is_success and listens(process, port)
    return False


def _is_loaded(dagster: str) -> bool:
    """Whether the Dagster UI answers with the asset graph loaded. Its socket is ours, so it is the one started here.

    Raises:
        ServingError: the graph can't be loaded.
    """
    with suppress(httpx.HTTPError, ValueError, LookupError, TypeError):
        answer = httpx.post(f"{dagster}/graphql", json={"query": LOADED}, timeout=LOOK_S).json()
        [entry] = answer["data"]["workspaceOrError"]["locationEntries"]
        found = entry["locationOrLoadError"] or {}
        if found.get("__typename") == "PythonError":
            raise ServingError(f"the asset graph can't be loaded: {found['message'].strip().splitlines()[-1]}")
        return bool(entry["loadStatus"] == "LOADED" and found)
    return False
