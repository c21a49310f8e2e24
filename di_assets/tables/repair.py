"""Repairs files of a warehouse without making their rows again: records, tables that have a copy, and unknown files.

A file is copied or moved to `quarantine/` before it is replaced.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from di_assets.tables import TABLES
from di_assets.tables.damage import Damage
from di_assets.tables.warehouse import Warehouse


@dataclass(slots=True)
class RepairLog:
    """Collects what a repair does and what it cannot repair.

    Attributes:
        do: if False, nothing is changed; the log only says what a repair would do.
        say: called with one line for each repair, and for each file or episode that cannot be repaired.
        done: number of repairs that were done, or would be done.
        failed: number of files that cannot be repaired, plus number of lost episodes.
        again: names of the arms that lost episodes.
        hopeless: names of the files that cannot be repaired.
    """

    do: bool
    say: Callable[[str], None]
    done: int = 0
    failed: int = 0
    again: set[str] = field(default_factory=set)
    hopeless: set[str] = field(default_factory=set)

    def did(self, line: str) -> None:
        """Counts a repair and says its line."""
        self.done += 1
        self.say(line)

    def cannot(self, one: Damage, why: str) -> None:
        """Counts a file that cannot be repaired, and says why."""
        self.failed += 1
        self.hopeless.add(one.file)
        self.say(f"{one.file}: {one.what}: can't be repaired: {why}")

    def lost(self, line: str, *, episodes: int, arm: str) -> None:
        """Counts lost episodes of an arm and says the line."""
        self.failed += episodes
        self.again.add(arm)
        self.say(line)


def table_of(one: Damage) -> str:
    """The name of the table that a damaged file belongs to."""
    return one.of if one.of in TABLES else one.file.split("/")[1]


def wrong_files(warehouse: Warehouse) -> list[Damage]:
    """All files that differ in name, size or sha256 from what was written. Every file is read.

    Files with columns of a newer version are left out.
    """
    found = [one for one in warehouse.damage() if one.kind != "newer"]
    known = {one.file for one in found}
    return [*found, *(one for one in warehouse.changed() if one.file not in known)]


def remake_record(warehouse: Warehouse, one: Damage, log: RepairLog) -> None:
    """Moves a damaged record to quarantine/, and makes a new one from the files as they are."""
    log.did(f"{one.file}: {one.what}: made anew from the files as they are")
    if log.do:
        warehouse.aside.move(one.file)
        warehouse.adopt(one.of)


def put_aside(warehouse: Warehouse, strays: Iterable[Damage], log: RepairLog) -> None:
    """Moves files that are not in the record to quarantine/."""
    for one in strays:
        log.did(f"{one.file}: {one.what}: put aside")
        if log.do:
            warehouse.aside.move(one.file)


def restore(warehouse: Warehouse, wrong: Sequence[Damage], log: RepairLog) -> list[Damage]:
    """Restores damaged tables from a file with the recorded sha256, if there is one.

    Args:
        warehouse: the warehouse of the tables.
        wrong: all files that are not what was written. One of them, or a file in quarantine/, may be the wanted copy.
        log: collects what is done.

    Returns:
        The damaged tables without a copy.
    """
    damaged = [one for one in wrong if one.kind == "damaged" and one.file.startswith("tables/")]
    copies = warehouse.aside.by_checksum([one.file for one in wrong]) if damaged else {}
    found: list[tuple[Damage, str, bytes]] = []
    for one in damaged:
        states = warehouse.recorded(one.of).tables.get(table_of(one), ())
        copy = next((copies[state.sha256] for state in states if state and state.sha256 in copies), None)
        # All copies are read before anything is replaced: two files may have each other's name.
        data = None if copy is None else warehouse.aside.storage.read(copy)
        if copy is not None and data is not None:
            found.append((one, copy, data))
    for one, copy, data in found:
        log.did(f"{one.file}: {one.what}: restored from {copy}, which is what was written")
        if log.do:
            warehouse.aside.copy(one.file)
            warehouse.aside.storage.write(one.file, data)
    good = {one.file for one, _, _ in found}
    return [one for one in damaged if one.file not in good]
