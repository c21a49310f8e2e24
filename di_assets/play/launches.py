"""When an arm that may be launched again and again was launched: one line each in `launches/<arm>.txt`.

In the warehouse, so that whoever plays the arm from another machine plays the same episodes.
"""

from di_assets.arms import Arm
from di_assets.tables import Warehouse
from di_assets.tables.warehouse import LAUNCHES


def launches(warehouse: Warehouse, arm: Arm) -> tuple[str, ...]:
    """Launch times so far, in order; none for an arm that is launched once."""
    return tuple((warehouse.read_text(_file(arm)) or "").split()) if arm.relaunch else ()


def add_launch(warehouse: Warehouse, arm: Arm, launch: str) -> None:
    """Notes a launch before its first call; noting one twice is the same as once."""
    known = launches(warehouse, arm)
    if launch not in known:
        warehouse.write_text(_file(arm), "".join(f"{time}\n" for time in (*known, launch)))


def _file(arm: Arm) -> str:
    return f"{LAUNCHES}{arm.name}.txt"
