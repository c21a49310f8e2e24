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
    """One episode before it is played: everything that the arm and the seed decide.

    Attributes:
        episode_id: its id, which never changes.
        arm: name of its arm.
        batch: its partition.
        launch: launch time, for arms that may be launched again.
        replicate: counts the episodes of one focal model, from 0.
        focal_model: the model under test; None in a mixed arm.
        focal_seat: the seat of the focal model.
        models: by seat.
        roles: by seat: focal, background or mixed.
        setup: the setup of the game.
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
    """An episode's place in its arm's plan, which no other episode has."""

    launch: str | None
    number: int
    replicate: int
    seed: int
    focal: str | None


def batch_of(arm: Arm, index: int) -> str:
    """The partition of the arm's index-th planned episode."""
    return f"{arm.name}--b{index // arm.batch_size:02d}"


def arm_of(batch: str) -> str:
    """Name of the arm that a partition belongs to; empty if the text is not the name of a partition."""
    return batch.rpartition("--b")[0]


def batches(arm: Arm) -> tuple[str, ...]:
    """The arm's partitions, in order."""
    return tuple(dict.fromkeys(batch_of(arm, index) for index in range(arm.planned)))


def new_launch(now: datetime) -> str:
    """A launch time as it is written in episode ids: `2026-06-27T14-43-44-00-00`."""
    return now.isoformat(timespec="seconds").replace(":", "-").replace("+", "-")


def plan(
    arm: Arm, *, launches: Sequence[str] = (), batch: str | None = None, without: Collection[str] = ()
) -> tuple[PlannedEpisode, ...]:
    """The arm's episodes, in order: for each replicate, one with every focal model, so that any part is balanced.

    Args:
        arm: the arm.
        launches: launch times; for an arm that may be launched again, each adds the whole plan once more.
        batch: only episodes of this partition.
        without: ids of episodes to leave out. Making an id is much faster than planning its episode.
    """
    return tuple(_episode(arm, place) for place in _places(arm, launches, batch) if _id(arm, place) not in without)


def planned_ids(arm: Arm, *, launches: Sequence[str] = (), batch: str | None = None) -> dict[str, str]:
    """The batch of each of the arm's episodes, by id, in the order of `plan`; the arguments are the same."""
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
    """Plans one episode.

    The focal model is the first of the cast; who sits where depends on the seed alone, not on names.
    """
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
    """The focal model and its rivals; in self-play the rivals are the focal model too."""
    return (focal,) * arm.seats if arm.background == SELF else (focal, *arm.background)
