"""What Dagster's own programs load: the asset graph, what starts runs of it by itself, and what tells of them."""

import dagster as dg

from di_assets.assets.definitions import PLAY, build
from di_assets.assets.home import Home, open_home
from di_assets.control_room.alerts import alerts
from di_assets.control_room.history import pruning
from di_assets.control_room.schedules import nightly


def location(home: Home) -> dg.Definitions:
    """The graph of this installation, a schedule for each nightly arm, the pruning of the history, and the alerts."""
    nights = [nightly(arm, home, job=PLAY) for arm in home.configs.arms.values() if arm.nightly]
    return dg.Definitions.merge(build(home), dg.Definitions(schedules=[*nights, pruning()], sensors=alerts(home)))


@dg.definitions
def defs() -> dg.Definitions:
    """What the Dagster UI shows: the folders named by DI_WAREHOUSE and DI_CONFIGS, or those here."""
    return location(open_home())
