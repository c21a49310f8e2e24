"""What scripted agents look up in an observation. Most look only at the last round, so long games cost no more."""

from collections.abc import Mapping, Sequence
from string import ascii_uppercase

from di_assets.game.types import Observation, Reply, SeenMessage

# The reply that pulls this player.
PULL: Mapping[str, Reply] = {label: Reply(pull=label) for label in ascii_uppercase}


def givers(observation: Observation) -> Sequence[str]:
    """Neighbours that pulled this seat last round; none in round 1."""
    return observation.rounds[-1].givers.get(observation.seat.me, ()) if observation.rounds else ()


def pullers(observation: Observation, *, rounds: int) -> list[str]:
    """Neighbours that pulled this seat in the last `rounds` rounds, one entry a pull, oldest first."""
    me = observation.seat.me
    return [label for pulls in observation.rounds[-rounds:] for label in pulls.givers.get(me, ())]


def my_pulls(observation: Observation) -> list[str | None]:
    """Whom this seat pulled, round by round; None for a forfeit."""
    me = observation.seat.me
    return [pulls.targets[me] for pulls in observation.rounds]


def messages_received(observation: Observation) -> Sequence[SeenMessage]:
    """Messages to this seat in the last message phase, by sender; empty if there was no such phase."""
    me = observation.seat.me
    return (
        [message for message in observation.exchanges[-1] if message.recipient == me] if observation.exchanges else ()
    )


def anyone(observation: Observation, *, word: int) -> Reply:
    """A pull for a random neighbour."""
    near = observation.seat.near
    return PULL[near[word % len(near)]]


def repay(observation: Observation, *, word: int) -> Reply:
    """A pull for a random one of the neighbours that pulled this seat last round; if none did, for anyone."""
    seat, rounds = observation.seat, observation.rounds
    among = (rounds[-1].givers.get(seat.me) if rounds else None) or seat.near
    return PULL[among[word % len(among)]]
