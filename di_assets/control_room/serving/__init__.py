"""The control room: the dashboard, the Dagster UI behind its guard, and the daemon, on loopback alone."""

from di_assets.control_room.serving.ports import HeldPorts, PortError
from di_assets.control_room.serving.processes import ServingError
from di_assets.control_room.serving.servers import serve

__all__ = ["HeldPorts", "PortError", "ServingError", "serve"]
