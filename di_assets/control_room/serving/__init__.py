"""The control room: the dashboard, the Dagster UI behind its guard, and the daemon, on loopback alone."""

from di_assets.control_room.serving.doors import Doors, serve
from di_assets.control_room.serving.ports import PortError
from di_assets.control_room.serving.processes import ServingError

__all__ = ["Doors", "PortError", "ServingError", "serve"]
