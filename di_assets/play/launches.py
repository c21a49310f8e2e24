"""When an arm that may be launched again and again was launched: one line each in `launches/<arm>.txt`.

In the warehouse, so that whoever plays the arm from another machine plays the same episodes.
"""

import re

from di_assets.arms import Arm
from di_assets.arms.names import LONGEST_LAUNCH
from di_assets.tables import Warehouse
from di_assets.tables.storage import WarehouseError
from di_assets.tables.warehouse import LAUNCHES


def launches(warehouse: Warehouse, arm: Arm) -> tuple[str, ...]:
    """Launch times so far, in order; none for an arm that is launched once.

    Raises:
        WarehouseError: a line holds something else, which could become part of a file's name.
    """
    times = tuple((warehouse.read_text(_file(arm)) or "").split()) if arm.relaunch else ()
    for number, time in enumerate(times, start=1):
        if re.fullmatch(r"[0-9A-Za-z-]{1,40}", time) is None:
            where = f"{warehouse}/{_file(arm)}:{number}"
            raise WarehouseError(f"{where}: {time[:40]!r} is no launch time; expected one such as {LONGEST_LAUNCH}")
    return times


def add_launch(warehouse: Warehouse, arm: Arm, launch: str) -> None:
    """Notes a launch before its first call; noting one twice is the same as once."""
    known = launches(warehouse, arm)
    if launch not in known:
        warehouse.write_text(_file(arm), "".join(f"{time}\n" for time in (*known, launch)))


def _file(arm: Arm) -> str:
    return f"{LAUNCHES}{arm.name}.txt"
