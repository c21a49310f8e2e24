"""An arm's planned episodes, in their order, and the batches (partitions) that they fall into."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from di_assets.arms.arm import SELF, Arm
from di_assets.game.setup import seat_labels, seating
from di_assets.game.topology import edges
from di_assets.game.types import Setup
from di_assets.tables.words import BACKGROUND, FOCAL, MIXED


@dataclass(frozen=True, slots=True)
class PlannedEpisode:
    """One episode before it is played: all that the arm and the seed fix.

    Attributes:
        episode_id: valid for ever.
        arm: its arm's name.
        batch: its partition.
        launch: launch time, for arms that may be launched again.
        replicate: counts the episodes of one focal model, from 0.
        focal_model: the model under test; None in a mixed arm.
        focal_seat: where it sits.
        models: by seat.
        roles: by seat: focal, background or mixed.
        setup: the game's.
    """

    episode_id: str
    arm: str
    batch: str
    launch: str | None
    replicate: int
    focal_model: str | None
    focal_seat: int | None
    models: tuple[str, ...]
    roles: tuple[str, ...]
    setup: Setup


class _Place(NamedTuple):
    """An episode's place in its arm's plan: what tells it from the others."""

    launch: str | None
    number: int
    replicate: int
    seed: int
    focal: str | None


def batch_of(arm: Arm, index: int) -> str:
    """Partition of the arm's index-th planned episode."""
    return f"{arm.name}--b{index // arm.batch_size:02d}"


def arm_of(batch: str) -> str:
    """Name of the arm that a partition belongs to; empty where it is no name of a partition."""
    return batch.rpartition("--b")[0]


def batches(arm: Arm) -> tuple[str, ...]:
    """The arm's partitions, in order."""
    return tuple(dict.fromkeys(batch_of(arm, index) for index in range(arm.planned)))


def new_launch(now: datetime) -> str:
    """A launch time as it stands in episode ids: `2026-06-27T14-43-44-00-00`."""
    return now.isoformat(timespec="seconds").replace(":", "-").replace("+", "-")


def plan(
    arm: Arm, *, launches: Sequence[str] = (), batch: str | None = None, without: Collection[str] = ()
) -> tuple[PlannedEpisode, ...]:
    """The arm's episodes, in order: replicate by replicate, each with every focal model, so that any part is balanced.

    Args:
        arm: the arm.
        launches: launch times; for an arm that may be launched again, each is the whole plan once more.
        batch: only what falls into this partition.
        without: ids of episodes that are not asked for: one is named far sooner than it is planned.
    """
    return tuple(_episode(arm, place) for place in _places(arm, launches, batch) if _id(arm, place) not in without)


def planned_ids(arm: Arm, *, launches: Sequence[str] = (), batch: str | None = None) -> dict[str, str]:
    """The batch of each of the arm's episodes, by id, in the order of `plan`; arguments as there."""
    return {_id(arm, place): batch_of(arm, place.number) for place in _places(arm, launches, batch)}


def _places(arm: Arm, launches: Sequence[str], batch: str | None) -> Iterator[_Place]:
    for launch in launches if arm.relaunch else (None,):
        each = ((at, seed, focal) for at, seed in enumerate(arm.replicate_seeds) for focal in (arm.focal or (None,)))
        for number, (replicate, seed, focal) in enumerate(each):
            if batch is None or batch == batch_of(arm, number):
                yield _Place(launch, number, replicate, seed, focal)


def _id(arm: Arm, place: _Place) -> str:
    return arm.id.format(focal=place.focal, replicate=place.replicate, seed=place.seed, launch=place.launch)


def _episode(arm: Arm, place: _Place) -> PlannedEpisode:
    """The focal model is the first of the cast; where the cast sits depends on the seed alone, never on a name."""
    launch, number, replicate, seed, focal = place
    cast = arm.lineup if focal is None else _cast(arm, focal)
    seats = seating(arm.seats, seed=seed)
    focal_seat = None if focal is None else seats.index(0)
    setup = Setup(
        rules=arm.rules,
        edges=edges(arm.topology.name, arm.seats, seed=seed, params=arm.topology.params),
        labels=seat_labels(arm.seats, seed=seed),
        seed=seed,
        focal=focal_seat,
    )
    return PlannedEpisode(
        episode_id=_id(arm, place),
        arm=arm.name,
        batch=batch_of(arm, number),
        launch=launch,
        replicate=replicate,
        focal_model=focal,
        focal_seat=focal_seat,
        models=tuple(cast[member] for member in seats),
        roles=tuple(MIXED if focal is None else FOCAL if member == 0 else BACKGROUND for member in seats),
        setup=setup,
    )


def _cast(arm: Arm, focal: str) -> tuple[str, ...]:
    """The focal model and its rivals; in self-play it is its own."""
    return (focal,) * arm.seats if arm.background == SELF else (focal, *arm.background)
