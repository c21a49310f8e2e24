"""Takes the ports before anything starts, so that an announced address surely leads to the server started here."""

import errno
import socket
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import psutil

from di_assets.origins import allowed_hosts

HOST = "127.0.0.1"
BACKLOG = 2048


class PortError(RuntimeError):
    """A port is not available. The message is one line: which port, why, and what would be right."""

    exit_code = 2


def bound(port: int, option: str, *, host: str = HOST) -> socket.socket:
    """A socket that listens at this port; 0 takes any free port.

    Args:
        port: the number.
        option: the option that chooses another port, for the error message.
        host: the address of this machine.

    Raises:
        PortError: another process has the port, or this process may not use it.
    """
    other = f"{option} N (0 takes any that is free)"
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listening = socket.socket(family, socket.SOCK_STREAM)
        try:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind(address)
            listening.listen(BACKLOG)
        except OSError:
            listening.close()
            raise
    except PermissionError:
        raise PortError(f"port {port} is kept for administrators; choose one from 1024 on: {other}") from None
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise PortError(f"can't listen at {host}, port {port}: {error.strerror}") from None
        raise PortError(f"port {port} is in use{_by_whom(port)}; end that, or choose another: {other}") from None
    return listening


@dataclass(frozen=True, slots=True)
class HeldPorts:
    """The ports of both servers, taken before anything starts.

    Attributes:
        dashboard: a socket that listens at the dashboard's port.
        dagster: a socket that listens at the Dagster UI's port; the web server takes it over.
    """

    dashboard: socket.socket
    dagster: socket.socket

    @classmethod
    def take(cls, *, port: int, dagster_port: int) -> "HeldPorts":
        """Takes both ports; 0 takes any free port.

        Raises:
            PortError: a port is not available.
            HostsError: DI_ALLOWED_HOSTS is wrong.
        """
        allowed_hosts()
        if port == dagster_port != 0:
            raise PortError(f"--port and --dagster-port are both {port}; they have to be two")
        dashboard = bound(port, "--port")
        try:
            return cls(dashboard, bound(dagster_port, "--dagster-port"))
        except PortError:
            dashboard.close()
            raise

    def close(self) -> None:
        """Releases both ports."""
        self.dashboard.close()
        self.dagster.close()


def number(listening: socket.socket) -> int:
    """The port that a socket listens at."""
    return int(listening.getsockname()[1])


def listens(process: int, port: int) -> bool:
    """Whether a process, or one that it started, listens at this port of this machine."""
    with suppress(psutil.Error):
        whole = psutil.Process(process)
        return any(_listens(one, port) for one in [whole, *whole.children(recursive=True)])
    return False


def _listens(process: psutil.Process, port: int) -> bool:
    with suppress(psutil.Error):
        return any(_is_open(one, port) for one in process.net_connections(kind="tcp"))
    return False


def _is_open(connection: Any, port: int) -> bool:
    return bool(connection.status == psutil.CONN_LISTEN and connection.laddr.port == port)


def _by_whom(port: int) -> str:
    """Who listens at a port, if this user may know."""
    with suppress(psutil.Error, PermissionError):
        for one in psutil.net_connections(kind="tcp"):
            if one.pid and _is_open(one, port):
                return f" by process {one.pid} ({psutil.Process(one.pid).name()})"
    return ""
