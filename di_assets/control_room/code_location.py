"""What Dagster's own programs load: the asset graph, its schedules and sensors, and the alerts."""

import dagster as dg

from di_assets.assets.definitions import PLAY, build
from di_assets.assets.home import Home, open_home
from di_assets.control_room.alerts import alerts
from di_assets.control_room.history import pruning
from di_assets.control_room.schedules import nightly


def location(home: Home) -> dg.Definitions:
    """The definitions of this installation: graph, a schedule per nightly arm, pruning of the history, and alerts."""
    nights = [nightly(arm, home, job=PLAY) for arm in home.configs.arms.values() if arm.nightly]
    return dg.Definitions.merge(build(home), dg.Definitions(schedules=[*nights, pruning()], sensors=alerts(home)))


@dg.definitions
def defs() -> dg.Definitions:
    """The definitions for the Dagster UI, for the folders in DI_WAREHOUSE and DI_CONFIGS, or the default ones."""
    return location(open_home())
