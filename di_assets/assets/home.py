"""The installation that every asset works on: the places of tables and configuration."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from di_assets.arms import Configs, load_configs
from di_assets.calls.stopping import Stop
from di_assets.calls.tally import Tally
from di_assets.tables import Warehouse, open_warehouse

Progress = Callable[[str, int, int, Tally], None]


@dataclass(frozen=True, slots=True)
class Home:
    """The one resource of all assets.

    Attributes:
        warehouse: tables, journals and the report.
        configs: all configuration, checked.
        progress: called with (batch, episodes done, episodes to play, what was done) while a batch is played.
        stop: asks everything that this process plays to end.
    """

    warehouse: Warehouse
    configs: Configs
    progress: Progress | None = None
    stop: Stop = field(default_factory=Stop)

    @property
    def dagster(self) -> Path:
        """The folder of Dagster's run history."""
        return self.warehouse.root / "dagster"

    @property
    def playing(self) -> Path:
        """A folder with one file for each run that is playing now. The run holds a lock on its file."""
        return self.dagster / "playing"


def open_home(warehouse: str | None = None, configs: str | None = None, *, progress: Progress | None = None) -> Home:
    """Opens the installation at these places.

    Where one is None, DI_WAREHOUSE or DI_CONFIGS gives the place, then ./warehouse or ./configs.

    Raises:
        ConfigError: the configuration is wrong.
        WarehouseError: the address of the warehouse is wrong.
    """
    known = load_configs(Path(configs or os.environ.get("DI_CONFIGS") or "configs"))
    return Home(
        warehouse=open_warehouse(warehouse or os.environ.get("DI_WAREHOUSE") or "warehouse"),
        configs=known,
        progress=progress,
        stop=Stop(drain_s=known.play.drain_s),
    )
