"""`step(state, replies) -> state`: plays one turn. All of play goes through this function."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from types import MappingProxyType

from di_assets.game.board import board
from di_assets.game.filler import filler
from di_assets.game.state import State
from di_assets.game.types import Board, Reply, Seat, SeenMessage, SeenPulls, Setup, Turn

CUT_MARK = "…"


def start(setup: Setup) -> State:
    """The state of the game before its first turn."""
    fixed, nothing = board(setup), ((),) * len(setup.labels)
    return State(setup, fixed, 0, fixed.turns[0], (), (), nothing, nothing)


def asked(state: State) -> Sequence[int]:
    """Seats that are asked this turn, ascending: all seats for a pull, those that may write for messages.

    Raises:
        ValueError: the game is over, so nobody is asked.
    """
    if state.turn is None:
        raise ValueError("the game is over")
    return range(len(state.board.seats)) if state.turn.phase == "pull" else state.board.writers


def step(state: State, replies: Mapping[int, Reply]) -> State:
    """Plays one turn: applies all replies at once and returns the next state.

    If a reply is invalid, missing or against the rules, it never becomes a move. In the message phase the seat then
    sends nothing; in the pull phase it forfeits its pull. A muted seat sends nothing, whatever it replies. Events are
    numbered in the order seat, recipient.

    Args:
        state: a game that is not over.
        replies: by seat.

    Raises:
        ValueError: the game is over.
    """
    if state.turn is None:
        raise ValueError("the game is over")
    return _exchange(state, state.turn, replies) if state.turn.phase == "message" else _round(state, replies)


def points(state: State) -> tuple[float, ...]:
    """Points by seat: the pulls received, plus `outside` for each pull that the seat kept.

    0 for a seat without either.
    """
    score: list[float] = [0] * len(state.setup.labels)
    for pull in state.pulls:
        if pull.target is not None:
            score[pull.target] += 1 if pull.status == "valid" else state.setup.rules.outside or 0
    return tuple(score)


def _exchange(state: State, turn: Turn, replies: Mapping[int, Reply]) -> State:
    """Delivers all messages of a turn together.

    The sender knows what it wrote, the recipient what arrived; others know nothing.
    """
    setup, fixed, at = state.setup, state.board, state.at + 1
    replaced = setup.focal if setup.rules.channel == "placebo" else None
    sent: list[SeenMessage] = []
    seen: dict[str, list[SeenMessage]] = {label: [] for label in setup.labels}
    for sender, reply in sorted(replies.items()):
        if not reply.messages or reply.invalid is not None or sender not in fixed.writers:
            continue
        written = _written(fixed, sender, turn, reply, setup.rules.max_message_chars)
        delivered = list(map(_filler, written)) if sender == replaced else written
        seen[fixed.seats[sender].me] += written
        for message in delivered:
            seen[message.recipient].append(message)
        sent += delivered
    known = tuple([(*old, tuple(new)) for old, new in zip(state.seen_messages, seen.values(), strict=True)])
    exchanges = (*state.exchanges, tuple(sent))
    return State(setup, fixed, at, _turn(fixed, at), exchanges, state.rounds, known, state.seen_pulls)


def _written(fixed: Board, sender: int, turn: Turn, reply: Reply, limit: int) -> list[SeenMessage]:
    """The messages of a seat by recipient. Each neighbour gets the first message to it; all others are dropped."""
    texts = dict(reversed(reply.messages))
    messages, (number, _, exchange), me = [], turn, fixed.seats[sender].me
    for label in fixed.reach[sender]:
        text = texts.get(label)
        if text is not None:
            if cut := len(text) > limit:
                text = text[: limit - len(CUT_MARK)] + CUT_MARK
            messages.append(SeenMessage(number, exchange, me, label, text, cut))
    return messages


def _filler(message: SeenMessage) -> SeenMessage:
    """The filler that a placebo delivers for this message: as long as the message, and marked as cut if it was cut."""
    mark = CUT_MARK if message.truncated else ""
    return replace(message, text=filler(len(message.text) - len(mark)) + mark)


def _round(state: State, replies: Mapping[int, Reply]) -> State:
    """Reveals the pulls of a round: all pulls to everyone, or to each seat only the pulls by it and on it."""
    setup, fixed, at = state.setup, state.board, state.at + 1
    targets: list[str | None] = []
    for number, seat in enumerate(fixed.seats):
        reply = replies.get(number)
        target = None if reply is None or reply.invalid is not None else reply.pull
        targets.append(target if target in seat.near or _keeps(seat, target) else None)
    pulls = _seen(setup.labels, tuple(targets))
    rounds = (*state.rounds, pulls)
    if setup.rules.visibility == "public":  # all seats share one object
        known = (rounds,) * len(fixed.seats)
    else:
        known = tuple([(*old, _own(pulls, seat.me)) for old, seat in zip(state.seen_pulls, fixed.seats, strict=True)])
    return State(setup, fixed, at, _turn(fixed, at), state.exchanges, rounds, state.seen_messages, known)


def _keeps(seat: Seat, target: str | None) -> bool:
    return target == seat.me and seat.rules.outside is not None


def _own(pulls: SeenPulls, me: str) -> SeenPulls:
    own = {puller: target for puller, target in pulls.targets.items() if me in (puller, target)}
    return _seen(tuple(own), tuple(own.values()))


@lru_cache(maxsize=4_096)  # cached: the same few pairs occur again and again
def _seen(pullers: tuple[str, ...], targets: tuple[str | None, ...]) -> SeenPulls:
    givers: dict[str, list[str]] = {}
    for puller, target in zip(pullers, targets, strict=True):
        if target is not None and target != puller:
            givers.setdefault(target, []).append(puller)
    return SeenPulls(MappingProxyType(dict(zip(pullers, targets, strict=True))), MappingProxyType(givers))


def _turn(fixed: Board, at: int) -> Turn | None:
    return fixed.turns[at] if at < len(fixed.turns) else None
