"""The control room: the dashboard, the Dagster UI behind its guard, and the daemon, on loopback alone."""

from di_assets.serving.ports import PortError
from di_assets.serving.processes import ServingError
from di_assets.serving.room import Doors, serve

__all__ = ["Doors", "PortError", "ServingError", "serve"]
