"""Computes once what stays the same in all turns: the neighbours, what each seat may know, and the list of turns."""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache, partial

from di_assets.game.setup import neighbour_order
from di_assets.game.types import Board, Rules, Seat, Setup, Turn


def board(setup: Setup) -> Board:
    """Makes the board of a setup."""
    seats = range(len(setup.labels))
    reach = [[setup.labels[b if a == seat else a] for a, b in setup.edges if seat in (a, b)] for seat in seats]
    return Board(
        seats=tuple([_seat(setup, seat, reach[seat]) for seat in seats]),
        writers=tuple([seat for seat in seats if may_write(setup, seat)]),
        reach=tuple([tuple(labels) for labels in reach]),
        numbers={label: seat for seat, label in enumerate(setup.labels)},
        turns=_turns(setup.rules),
    )


def may_write(setup: Setup, seat: int) -> bool:
    """Whether a seat may write messages. Only a muted seat may not.

    In a placebo, filler may replace what a seat writes.
    """
    channel = setup.rules.channel
    if channel == "none":
        return False
    return channel not in {"focal_muted", "rivals_muted"} or (seat == setup.focal) == (channel == "rivals_muted")


def _seat(setup: Setup, seat: int, reach: Sequence[str]) -> Seat:
    label, near = setup.labels[seat], tuple(sorted(reach))
    return Seat(
        me=label,
        players=tuple(sorted(setup.labels)),
        near=near,
        rules=_told(setup.rules),
        may_write=may_write(setup, seat),
        order=partial(_order, near, setup.seed, label),
    )


@lru_cache(maxsize=65_536)
def _order(near: tuple[str, ...], seed: int, label: str, number: int) -> tuple[str, ...]:
    return neighbour_order(near, seed=seed, label=label, round=number)


@lru_cache(maxsize=256)
def _told(rules: Rules) -> Rules:
    """The rules as a seat sees them. They do not show who is muted, or whose messages are replaced."""
    return rules if rules.channel == "none" else replace(rules, channel="open")


@lru_cache(maxsize=256)
def _turns(rules: Rules) -> tuple[Turn, ...]:
    exchanges = range(1, rules.exchanges + 1) if rules.channel != "none" else ()
    rounds = range(1, rules.n_rounds + 1)
    turns = ([*(Turn(n, "message", exchange) for exchange in exchanges), Turn(n, "pull", 0)] for n in rounds)
    return tuple(turn for both in turns for turn in both)
