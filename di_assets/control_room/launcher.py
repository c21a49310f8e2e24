"""Launches runs as Dagster does by default, and can tell which of them have lost their process.

Dagster asks the launcher how a started run fares, and fails one whose process is gone, so that it is started again and
goes on from its journals. Its own launcher doesn't know: where the code server dies with its runs, or the machine goes
down, they would count as started for ever.
"""

import json
import os
import signal
import socket
from collections.abc import Iterator

import dagster as dg
import psutil
from dagster._core.errors import DagsterUserCodeUnreachableError
from dagster._core.launcher.base import CheckRunHealthResult, WorkerStatus
from dagster._core.launcher.default_run_launcher import DefaultRunLauncher
from dagster._grpc.types import CanCancelExecutionRequest, CanCancelExecutionResult
from dagster._serdes import deserialize_value

from di_assets.assets.playing import PROCESS_TAG

# When a process began is known to some hundredths of a second.
SLACK_S = 1.0


def this_process() -> dict[str, str]:
    """Tag of a run in this process."""
    return {PROCESS_TAG: json.dumps([socket.gethostname(), os.getpid(), psutil.Process().create_time()])}


class WatchedRunLauncher(DefaultRunLauncher):
    """The default launcher, with an answer to whether a run's process is alive."""

    def terminate(self, run_id: str) -> bool:
        """Interrupts the run: by the code server that started it, else, on this machine, by its process itself."""
        if super().terminate(run_id):  # type: ignore[no-untyped-call]
            return True
        run = self._instance.get_run_by_id(run_id)
        if run is None or run.is_finished:
            return False
        alive = self._own_process(run) or [pid for pid in self._processes(run) if _is_alive(pid)]
        for pid in alive:
            os.kill(pid, signal.SIGINT)
        return bool(alive)

    @staticmethod
    def _own_process(run: dg.DagsterRun) -> list[int]:
        """The process of this machine that asked for the run and plays it itself."""
        if PROCESS_TAG not in run.tags:
            return []
        host, pid, began = json.loads(run.tags[PROCESS_TAG])
        return [pid] if host == socket.gethostname() and _is_alive(pid, began) else []

    @property
    def supports_check_run_worker_health(self) -> bool:
        """Dagster may ask."""
        return True

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        """Running, gone (failed), or unknown where it is on another machine that can't be asked."""
        if PROCESS_TAG in run.tags:
            host, pid, began = json.loads(run.tags[PROCESS_TAG])
            if host != socket.gethostname():
                return CheckRunHealthResult(WorkerStatus.RUNNING, f"process {pid} of {host} can't be asked from here")
            return _health(alive=_is_alive(pid, began), who=f"process {pid}")
        return _health(alive=self._held_by_server(run) or any(map(_is_alive, self._processes(run))), who="its process")

    def _held_by_server(self, run: dg.DagsterRun) -> bool:
        """Whether the code server that started the run still has it."""
        client = self._get_grpc_client_for_termination(run.run_id)  # type: ignore[no-untyped-call]
        if client is None:
            return False
        try:
            answer = client.can_cancel_execution(CanCancelExecutionRequest(run_id=run.run_id))
        except DagsterUserCodeUnreachableError:
            return False
        return deserialize_value(answer, CanCancelExecutionResult).can_cancel

    def _processes(self, run: dg.DagsterRun) -> Iterator[int]:
        """Processes of this machine that ran it; they outlive a code server that is killed."""
        server = json.loads(run.tags.get("dagster/grpc_info", "{}"))
        if server.get("socket"):  # a socket is of this machine
            started = self._instance.all_logs(run.run_id, of_type=dg.DagsterEventType.ENGINE_EVENT)
            for entry in started:
                event = entry.dagster_event
                told = event.engine_event_data.metadata if event else {}
                if "pid" in told:
                    yield int(str(told["pid"].value))


def _health(*, alive: bool, who: str) -> CheckRunHealthResult:
    if alive:
        return CheckRunHealthResult(WorkerStatus.RUNNING)
    return CheckRunHealthResult(WorkerStatus.FAILED, f"{who} is gone; what it paid for is kept, and goes on from there")


def _is_alive(pid: int, began: float | None = None) -> bool:
    """Whether a process is there: of this program, and the one that began then where that is known."""
    try:
        process = psutil.Process(pid)
        if began is not None:
            return abs(process.create_time() - began) < SLACK_S
        return process.status() != psutil.STATUS_ZOMBIE and "python" in process.name().lower()
    except psutil.NoSuchProcess:
        return False
