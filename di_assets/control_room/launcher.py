"""Launches runs like Dagster's default launcher, and also finds runs whose process has died.

Dagster asks the launcher whether a run is alive. A dead run is marked as failed, so that it is started again and
resumes from its journals. The default launcher cannot answer: if the code server dies with its runs, or the machine
stops, its runs would count as started for ever.
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

# The start time of a process is only known to some hundredths of a second; so much difference is allowed.
SLACK_S = 1.0


def this_process() -> dict[str, str]:
    """The tag for a run in this process: host, process id and start time of the process, as JSON."""
    return {PROCESS_TAG: json.dumps([socket.gethostname(), os.getpid(), psutil.Process().create_time()])}


class WatchedRunLauncher(DefaultRunLauncher):
    """The default launcher, which also knows whether the process of a run is alive."""

    def terminate(self, run_id: str) -> bool:
        """Interrupts a run, through its code server or else by a signal to its process on this machine.

        Returns whether somebody was interrupted.
        """
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
        """Id of the process that executes the run itself (`di run`, for example), if it is alive on this machine."""
        if PROCESS_TAG not in run.tags:
            return []
        host, pid, began = json.loads(run.tags[PROCESS_TAG])
        return [pid] if host == socket.gethostname() and _is_alive(pid, began) else []

    @property
    def supports_check_run_worker_health(self) -> bool:
        """True: Dagster may call `check_run_worker_health`."""
        return True

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        """RUNNING or FAILED. A process on another machine cannot be checked from here and counts as running."""
        if PROCESS_TAG in run.tags:
            host, pid, began = json.loads(run.tags[PROCESS_TAG])
            if host != socket.gethostname():
                return CheckRunHealthResult(WorkerStatus.RUNNING, f"process {pid} of {host} can't be asked from here")
            return _health(alive=_is_alive(pid, began), who=f"process {pid}")
        return _health(alive=self._held_by_server(run) or any(map(_is_alive, self._processes(run))), who="its process")

    def _held_by_server(self, run: dg.DagsterRun) -> bool:
        """Whether the code server that started the run still executes it."""
        client = self._get_grpc_client_for_termination(run.run_id)  # type: ignore[no-untyped-call]
        if client is None:
            return False
        try:
            answer = client.can_cancel_execution(CanCancelExecutionRequest(run_id=run.run_id))
        except DagsterUserCodeUnreachableError:
            return False
        return deserialize_value(answer, CanCancelExecutionResult).can_cancel

    def _processes(self, run: dg.DagsterRun) -> Iterator[int]:
        """Yields ids of processes on this machine that executed the run; they survive a killed code server."""
        server = json.loads(run.tags.get("dagster/grpc_info", "{}"))
        if server.get("socket"):  # a socket is of this machine
            started = self._instance.all_logs(run.run_id, of_type=dg.DagsterEventType.ENGINE_EVENT)
            for entry in started:
                event = entry.dagster_event
                facts = event.engine_event_data.metadata if event else {}
                if "pid" in facts:
                    yield int(str(facts["pid"].value))


def _health(*, alive: bool, who: str) -> CheckRunHealthResult:
    if alive:
        return CheckRunHealthResult(WorkerStatus.RUNNING)
    return CheckRunHealthResult(WorkerStatus.FAILED, f"{who} is gone; what it paid for is kept, and goes on from there")


def _is_alive(pid: int, began: float | None = None) -> bool:
    """Whether a process with this id exists: the one that began at `began`, or any Python process if that is None."""
    try:
        process = psutil.Process(pid)
        if began is not None:
            return abs(process.create_time() - began) < SLACK_S
        return process.status() != psutil.STATUS_ZOMBIE and "python" in process.name().lower()
    except psutil.NoSuchProcess:
        return False
