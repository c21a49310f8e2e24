"""Files of a warehouse made good without making their rows anew: records, copies, and files that nobody wrote.

What is replaced is put aside first, in quarantine/.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from di_assets.tables import TABLES
from di_assets.tables.damage import Damage
from di_assets.tables.warehouse import Warehouse


@dataclass(slots=True)
class RepairLog:
    """What a repair did and could not do.

    Attributes:
        do: it is done; else it is only said what would be.
        say: takes a line for each thing that is done.
        done: how many things were done, or would be.
        failed: how many could not be, lost episodes among them.
        again: arms of which episodes were lost.
        hopeless: files that can't be made good.
    """

    do: bool
    say: Callable[[str], None]
    done: int = 0
    failed: int = 0
    again: set[str] = field(default_factory=set)
    hopeless: set[str] = field(default_factory=set)

    def did(self, line: str) -> None:
        """Says what is done, or would be."""
        self.done += 1
        self.say(line)

    def cannot(self, one: Damage, why: str) -> None:
        """Says what can't be done."""
        self.failed += 1
        self.hopeless.add(one.file)
        self.say(f"{one.file}: {one.what}: can't be repaired: {why}")

    def lost(self, line: str, *, episodes: int, arm: str) -> None:
        """Says which episodes are lost."""
        self.failed += episodes
        self.again.add(arm)
        self.say(line)


def table_of(one: Damage) -> str:
    """The table that a damaged file is of."""
    return one.of if one.of in TABLES else one.file.split("/")[1]


def wrong_files(warehouse: Warehouse) -> list[Damage]:
    """Files that are not what was written, by their looks or by their checksums; those of a newer version are left."""
    found = [one for one in warehouse.damage() if one.kind != "newer"]
    known = {one.file for one in found}
    return [*found, *(one for one in warehouse.changed() if one.file not in known)]


def remake_record(warehouse: Warehouse, one: Damage, log: RepairLog) -> None:
    """A damaged record of files, made anew from the files as they are."""
    log.did(f"{one.file}: {one.what}: made anew from the files as they are")
    if log.do:
        warehouse.aside.move(one.file)
        warehouse.adopt(one.of)


def put_aside(warehouse: Warehouse, strays: Iterable[Damage], log: RepairLog) -> None:
    """Files that nobody wrote, moved to quarantine/."""
    for one in strays:
        log.did(f"{one.file}: {one.what}: put aside")
        if log.do:
            warehouse.aside.move(one.file)


def restore(warehouse: Warehouse, wrong: Sequence[Damage], log: RepairLog) -> list[Damage]:
    """Damaged tables of which quarantine/ has a copy of what was written, made good from it; gives those it has not.

    Args:
        warehouse: that they are in.
        wrong: all files that are wrong; a copy may lie in any.
        log: is told.
    """
    damaged = [one for one in wrong if one.kind == "damaged" and one.file.startswith("tables/")]
    copies = warehouse.aside.by_checksum([one.file for one in wrong]) if damaged else {}
    found: list[tuple[Damage, str, bytes]] = []
    for one in damaged:
        states = warehouse.recorded(one.of).tables.get(table_of(one), ())
        copy = next((copies[state.sha256] for state in states if state and state.sha256 in copies), None)
        # Read before anything is replaced: two files may stand in each other's place.
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
