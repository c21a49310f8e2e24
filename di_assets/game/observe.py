"""`observe(state, seat)`: all that one seat may know when it is asked. Prompts and policies see nothing else."""

from dataclasses import replace
from functools import lru_cache

from di_assets.game.setup import neighbour_order
from di_assets.game.step import may_write, neighbours
from di_assets.game.types import Observation, Rules, Setup, State


def observe(state: State, seat: int) -> Observation:
    """What this seat may know before it answers; nothing of the phase that is under way is in it.

    Raises:
        ValueError: the game is over, so that nobody is asked.
    """
    if state.turn is None:
        raise ValueError("the game is over")
    setup = state.setup
    orders = _orders(setup, seat, state.turn.round)
    return Observation(
        me=setup.labels[seat],
        players=tuple(sorted(setup.labels)),
        neighbours=orders[-1],
        turn=state.turn,
        rules=setup.rules if setup.rules.channel in {"open", "none"} else _told(setup.rules),
        messages=state.seen_messages[seat],
        pulls=state.seen_pulls[seat],
        orders=orders,
        may_write=may_write(setup, seat),
    )


@lru_cache(maxsize=256)
def _told(rules: Rules) -> Rules:
    """The rules without a word of who is muted or replaced."""
    return replace(rules, channel="open")


@lru_cache(maxsize=65_536)
def _orders(setup: Setup, seat: int, rounds: int) -> tuple[tuple[str, ...], ...]:
    """The order of neighbours shown in each round so far."""
    label = setup.labels[seat]
    near = tuple(sorted(setup.labels[other] for other in neighbours(setup, seat)))
    earlier = _orders(setup, seat, rounds - 1) if rounds > 1 else ()
    return (*earlier, neighbour_order(near, seed=setup.seed, label=label, round=rounds))
