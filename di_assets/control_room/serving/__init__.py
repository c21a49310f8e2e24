"""The servers: the dashboard, the Dagster UI with its guard, and the daemon. They listen on loopback only."""

from di_assets.control_room.serving.ports import HeldPorts, PortError
from di_assets.control_room.serving.processes import ServingError
from di_assets.control_room.serving.servers import serve

__all__ = ["HeldPorts", "PortError", "ServingError", "serve"]
