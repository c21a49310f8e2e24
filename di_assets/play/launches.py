"""When an arm that may be launched again and again was launched: one line each in `launches/<arm>.txt`."""

from di_assets.arms import Arm
from di_assets.tables import Warehouse


def launches(warehouse: Warehouse, arm: Arm) -> tuple[str, ...]:
    """Launch times so far, in order; none for an arm that is launched once."""
    path = warehouse.root / "launches" / f"{arm.name}.txt"
    return tuple(path.read_text().split()) if arm.relaunch and path.exists() else ()


def add_launch(warehouse: Warehouse, arm: Arm, launch: str) -> None:
    """Notes a launch before its first call; noting one twice is the same as once."""
    known = launches(warehouse, arm)
    if launch not in known:
        path = warehouse.root / "launches" / f"{arm.name}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f"{time}\n" for time in (*known, launch)))
