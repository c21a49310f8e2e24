"""`observe(state, seat)`: all that one seat may know when it is asked. Prompts and policies see nothing else."""

from di_assets.game.state import State
from di_assets.game.types import Observation


def observe(state: State, seat: int) -> Observation:
    """What this seat may know before it answers. It holds nothing that happens in the current phase.

    Raises:
        ValueError: the game is over, so nobody is asked.
    """
    turn = state.turn
    if turn is None:
        raise ValueError("the game is over")
    # `Observation(...)` would do the same, but take twice as long.
    return tuple.__new__(
        Observation, (state.board.seats[seat], turn, state.seen_messages[seat], state.seen_pulls[seat])
    )
