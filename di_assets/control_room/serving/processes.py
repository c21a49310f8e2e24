"""Starts processes together and ends them together, each with all processes that it started."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress

import psutil

POLL_S, END_POLL_S = 0.5, 0.05
# Runs may need half a minute to store the replies that are under way.
PATIENCE_S, LAST_S = 45.0, 5.0


class ServingError(RuntimeError):
    """A server did not start, or ended by itself."""

    exit_code = 1


class Processes:
    """The running processes, by name."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = dict(environment)
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._last: subprocess.Popen[bytes] | None = None

    def start(self, name: str, command: Sequence[str], *, inherits: Sequence[int] = (), last: bool = False) -> int:
        """Starts one more process, in its own session; returns its process id.

        Args:
            name: its name in the message if it ends by itself.
            command: program and arguments.
            inherits: file descriptors that stay open in it.
            last: it is ended after the others, which need it until they end; then its own child processes are ended
                too.
        """
        self._running[name] = subprocess.Popen(  # noqa: S603 -- our own commands
            command, env=self._environment, start_new_session=True, pass_fds=inherits
        )
        if last:
            self._last = self._running[name]
        return self._running[name].pid

    def wait_until(self, ready: Callable[[], bool], what: str, *, seconds: float) -> None:
        """Waits until `ready` returns true.

        Raises:
            ServingError: a process ended, or it took too long.
        """
        deadline = time.monotonic() + seconds
        while not ready():
            self.look()
            if time.monotonic() > deadline:
                raise ServingError(f"{what} was not ready within {seconds:.0f} s")
            time.sleep(POLL_S)

    def wait(self) -> None:
        """Waits until one of the processes ends by itself.

        Raises:
            ServingError: always; says which process ended.
        """
        while True:
            self.look()
            time.sleep(POLL_S)

    def look(self) -> None:
        """Checks that all processes run.

        Raises:
            ServingError: one has ended.
        """
        for name, process in self._running.items():
            if process.poll() is not None:
                raise ServingError(f"{name} ended by itself with exit code {process.returncode}")

    def end(self) -> None:
        """Interrupts each process and all that it started, waits for them, and kills what is left after a while."""
        everything = [one for process in self._running.values() for one in _family(process.pid)]
        deadline = time.monotonic() + PATIENCE_S
        with suppress(KeyboardInterrupt):  # a second interrupt shortens the wait
            first = [
                one for process in self._running.values() if process is not self._last for one in _family(process.pid)
            ]
            runs = [run for server in _children(self._last) for run in _family(server.pid)[1:]]
            for run in runs:
                with suppress(psutil.Error):
                    run.send_signal(signal.SIGINT)
            for process in self._running.values():
                if process is not self._last:
                    _signal(process, signal.SIGINT)
            _wait([*first, *runs], deadline)
            if self._last is not None:
                _signal(self._last, signal.SIGINT)
            _wait(everything, max(deadline, time.monotonic() + LAST_S))
        for one in everything:
            with suppress(psutil.Error):
                one.kill()
        for process in self._running.values():
            _signal(process, signal.SIGKILL)  # processes started in the meantime
            process.wait()


@contextmanager
def together(environment: Mapping[str, str]) -> Iterator[Processes]:
    """Processes that end with the block. SIGTERM and a closed terminal end it in the same way as Ctrl-C."""
    before = {number: signal.signal(number, _interrupt) for number in (signal.SIGTERM, signal.SIGHUP)}
    processes = Processes(environment)
    try:
        yield processes
    finally:
        processes.end()
        for number, handler in before.items():
            signal.signal(number, handler)


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _children(process: subprocess.Popen[bytes] | None) -> list[psutil.Process]:
    with suppress(psutil.Error):
        return psutil.Process(process.pid).children() if process else []
    return []


def _family(pid: int) -> list[psutil.Process]:
    with suppress(psutil.Error):
        leader = psutil.Process(pid)
        return [leader, *leader.children(recursive=True)]
    return []


def _wait(processes: Sequence[psutil.Process], deadline: float) -> None:
    """Waits until all have ended, or until the deadline.

    A process counts as ended even if its parent has not noticed yet.
    """
    while any(map(_lives, processes)) and time.monotonic() < deadline:
        time.sleep(END_POLL_S)


def _lives(process: psutil.Process) -> bool:
    with suppress(psutil.Error):
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    return False


def _signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with suppress(ProcessLookupError):  # the group no longer exists when it is empty
        os.killpg(process.pid, number)
