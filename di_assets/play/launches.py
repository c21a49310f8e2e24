"""The launch times of an arm that may be launched several times: one line per launch in `launches/<arm>.txt`.

The file is in the warehouse, so that another machine that plays the arm plays the same episodes.
"""

import re

from di_assets.arms import Arm
from di_assets.arms.names import LONGEST_LAUNCH
from di_assets.tables import Warehouse
from di_assets.tables.storage import WarehouseError
from di_assets.tables.warehouse import LAUNCHES


def launches(warehouse: Warehouse, arm: Arm) -> tuple[str, ...]:
    """The launch times so far, in order; empty for an arm that is launched only once.

    Raises:
        WarehouseError: a line is not a launch time. (Launch times become parts of file names.)
    """
    times = tuple((warehouse.read_text(_file(arm)) or "").split()) if arm.relaunch else ()
    for number, time in enumerate(times, start=1):
        if re.fullmatch(r"[0-9A-Za-z-]{1,40}", time) is None:
            where = f"{warehouse}/{_file(arm)}:{number}"
            raise WarehouseError(f"{where}: {time[:40]!r} is no launch time; expected one such as {LONGEST_LAUNCH}")
    return times


def add_launch(warehouse: Warehouse, arm: Arm, launch: str) -> None:
    """Adds a launch time to the arm's file, before the launch's first call; has no effect if it is there already."""
    known = launches(warehouse, arm)
    if launch not in known:
        warehouse.write_text(_file(arm), "".join(f"{time}\n" for time in (*known, launch)))


def _file(arm: Arm) -> str:
    return f"{LAUNCHES}{arm.name}.txt"
