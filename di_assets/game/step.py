"""`step(state, replies) -> state`: the whole of play, a turn at a time."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from di_assets.game.board import board
from di_assets.game.filler import filler
from di_assets.game.state import State
from di_assets.game.types import Board, Reply, Seat, SeenMessage, SeenPulls, Setup, Turn

CUT_MARK = "…"


def start(setup: Setup) -> State:
    """The game before its first turn."""
    fixed, nothing = board(setup), ((),) * len(setup.labels)
    return State(setup, fixed, 0, fixed.turns[0], (), (), nothing, nothing)


def asked(state: State) -> Sequence[int]:
    """Seats that are asked this turn, ascending: all for their pull, those that may write for messages.

    Raises:
        ValueError: the game is over, so that nobody is asked.
    """
    if state.turn is None:
        raise ValueError("the game is over")
    return range(len(state.board.seats)) if state.turn.phase == "pull" else state.board.writers


def step(state: State, replies: Mapping[int, Reply]) -> State:
    """The game after this turn's replies, all at once.

    An invalid or missing reply, or one that the rules do not allow, sends nothing in the message phase and forfeits
    the pull in the pull phase; it never becomes a move. A muted seat sends nothing whatever it replies. Events are
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
    """Points by seat: pulls received, and `outside` for each pull kept. Zero for a seat that nobody pulled."""
    score: list[float] = [0] * len(state.setup.labels)
    for pull in state.pulls:
        if pull.target is not None:
            score[pull.target] += 1 if pull.status == "valid" else state.setup.rules.outside or 0
    return tuple(score)


def _exchange(state: State, turn: Turn, replies: Mapping[int, Reply]) -> State:
    """Delivered together: the sender knows what it wrote, the recipient what arrived, nobody else either."""
    setup, fixed, at, _, exchanges, rounds, seen_messages, seen_pulls = state
    replaced = setup.labels[setup.focal] if setup.rules.channel == "placebo" and setup.focal is not None else None
    sent: list[SeenMessage] = []
    seen: dict[str, list[SeenMessage]] = {label: [] for label in setup.labels}
    for sender in fixed.writers:
        reply = replies.get(sender)
        if reply is None or reply.invalid is not None or not reply.messages:
            continue
        for written in _written(fixed, turn, fixed.seats[sender], reply, setup.rules.max_message_chars):
            delivered = _filler(written) if written.sender == replaced else written
            seen[written.sender].append(written)
            seen[written.recipient].append(delivered)
            sent.append(delivered)
    return State(
        setup,
        fixed,
        at + 1,
        _turn(fixed, at + 1),
        (*exchanges, tuple(sent)),
        rounds,
        tuple([(*old, tuple(new)) for old, new in zip(seen_messages, seen.values(), strict=True)]),
        seen_pulls,
    )


def _written(fixed: Board, turn: Turn, seat: Seat, reply: Reply, limit: int) -> list[SeenMessage]:
    """A seat's messages by recipient, the first one to each neighbour; all else is dropped."""
    texts: dict[int, tuple[str, str]] = {}
    for label, text in reply.messages:
        if label in seat.near:
            texts.setdefault(fixed.numbers[label], (label, text))
    messages = []
    for _, (label, text) in sorted(texts.items()):
        cut = len(text) > limit
        shown = text[: limit - len(CUT_MARK)] + CUT_MARK if cut else text
        messages.append(SeenMessage(turn.round, turn.exchange, seat.me, label, shown, cut))
    return messages


def _filler(message: SeenMessage) -> SeenMessage:
    """What a placebo delivers in its place: filler as long and, where the message was cut, as marked."""
    mark = CUT_MARK if message.truncated else ""
    return message._replace(text=filler(len(message.text) - len(mark)) + mark)


def _round(state: State, replies: Mapping[int, Reply]) -> State:
    """Revealed: everyone learns every pull, or each only those by and on itself."""
    setup, fixed, at, _, exchanges, rounds, seen_messages, seen_pulls = state
    pulls: SeenPulls = MappingProxyType({seat.me: _target(seat, replies.get(i)) for i, seat in enumerate(fixed.seats)})
    return State(
        setup,
        fixed,
        at + 1,
        _turn(fixed, at + 1),
        exchanges,
        (*rounds, pulls),
        seen_messages,
        _revealed(fixed, seen_pulls, pulls, public=setup.rules.visibility == "public"),
    )


def _target(seat: Seat, reply: Reply | None) -> str | None:
    """Whom a seat pulls; itself, where it keeps its pull; None for a forfeit."""
    if reply is None or reply.invalid is not None:
        return None
    target = reply.pull
    return target if target in seat.near or (target == seat.me and seat.rules.outside is not None) else None


def _revealed(
    fixed: Board, before: tuple[tuple[SeenPulls, ...], ...], pulls: SeenPulls, *, public: bool
) -> tuple[tuple[SeenPulls, ...], ...]:
    if public:  # one and the same for all
        return ((*before[0], pulls),) * len(before)
    own = [{by: on for by, on in pulls.items() if seat.me in (by, on)} for seat in fixed.seats]
    return tuple([(*old, MappingProxyType(new)) for old, new in zip(before, own, strict=True)])


def _turn(fixed: Board, at: int) -> Turn | None:
    return fixed.turns[at] if at < len(fixed.turns) else None
