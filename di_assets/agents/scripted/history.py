"""What a scripted agent reads off its observation: mostly the last round, which costs the same however long it plays."""

from collections.abc import Sequence
from functools import lru_cache

from di_assets.agents.scripted.draws import Random
from di_assets.game.types import Observation, Reply, SeenMessage

SILENCE = Reply()


@lru_cache(maxsize=256)
def pull(label: str) -> Reply:
    """The reply that pulls this player."""
    return Reply(pull=label)


def givers(observation: Observation) -> list[str]:
    """Neighbours that pulled this seat last round, sorted; none in round 1."""
    if not observation.rounds:
        return []
    last, seat = observation.rounds[-1], observation.seat
    return [label for label in seat.near if last.get(label) == seat.me]


def pullers(observation: Observation, *, rounds: int) -> list[str]:
    """Neighbours that pulled this seat in the last `rounds` rounds, one entry a pull, oldest first."""
    seat = observation.seat
    return [label for pulls in observation.rounds[-rounds:] for label in seat.near if pulls.get(label) == seat.me]


def my_pulls(observation: Observation) -> list[str | None]:
    """Whom this seat pulled, round by round; None for a forfeit."""
    me = observation.seat.me
    return [pulls[me] for pulls in observation.rounds]


def heard(observation: Observation) -> Sequence[SeenMessage]:
    """Messages to this seat in the last message phase, by sender; none where there was no such phase."""
    me = observation.seat.me
    return (
        [message for message in observation.exchanges[-1] if message.recipient == me] if observation.exchanges else ()
    )


def anyone(observation: Observation, *, rng: Random) -> Reply:
    """A pull for a neighbour drawn uniformly."""
    return pull(rng.choice(observation.seat.near))


def repay(observation: Observation, *, rng: Random) -> Reply:
    """A pull for one of those that pulled this seat last round, drawn uniformly; for anyone where there were none."""
    return pull(rng.choice(givers(observation) or observation.seat.near))
