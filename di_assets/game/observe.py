"""What a seat may know when it is asked: prompts and policies see nothing else."""

from functools import partial
from itertools import repeat

from di_assets.game.state import State
from di_assets.game.types import Observation

# `Observation(*fields)` for many at once, in a third of the time.
_observations = partial(map, partial(tuple.__new__, Observation))


def observe(state: State, seat: int) -> Observation:
    """All that this seat may know before it answers; nothing of the phase that is under way is in it.

    Raises:
        ValueError: the game is over, so that nobody is asked.
    """
    if state.turn is None:
        raise ValueError("the game is over")
    return Observation(state.board.seats[seat], state.turn, state.seen_messages[seat], state.seen_pulls[seat])


def observe_all(state: State) -> list[Observation]:
    """The same for every seat.

    Raises:
        ValueError: the game is over, so that nobody is asked.
    """
    if state.turn is None:
        raise ValueError("the game is over")
    known = zip(state.board.seats, repeat(state.turn), state.seen_messages, state.seen_pulls, strict=False)
    return list(_observations(known))
