"""`step(state, replies) -> state`: the whole of play, a turn at a time."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from di_assets.game.filler import filler
from di_assets.game.types import Message, Pull, PullStatus, Reply, Rules, SeenMessage, SeenPull, Setup, State, Turn

CUT_MARK = "…"


def start(setup: Setup) -> State:
    """The game before its first turn."""
    nothing: tuple[()] = ()
    each = (nothing,) * len(setup.labels)
    return State(setup=setup, turn=_first_turn(setup.rules, 1), seen_messages=each, seen_pulls=each)


def asked(state: State) -> tuple[int, ...]:
    """Seats that are asked this turn, ascending: all for their pull, those that may write for messages.

    Raises:
        ValueError: the game is over, so that nobody is asked.
    """
    if state.turn is None:
        raise ValueError("the game is over")
    seats = range(len(state.setup.labels))
    return tuple(s for s in seats if state.turn.phase == "pull" or may_write(state.setup, s))


def may_write(setup: Setup, seat: int) -> bool:
    """True for a seat whose messages travel, as written or replaced."""
    channel = setup.rules.channel
    if channel == "none":
        return False
    return channel not in {"focal_muted", "rivals_muted"} or (seat == setup.focal) == (channel == "rivals_muted")


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
    seats = range(len(state.setup.labels))
    if state.turn.phase == "message":
        sent = [m for seat in seats for m in _messages(state, seat, replies.get(seat))]
        first = len(state.messages) + len(state.pulls)
        numbered = tuple(replace(message, event_id=first + i) for i, message in enumerate(sent))
        return _with_messages(state, numbered)
    first = len(state.messages) + len(state.pulls)
    pulls = tuple(_pull(state, seat, replies.get(seat), first + seat) for seat in seats)
    return _with_pulls(state, pulls)


def points(state: State) -> tuple[float, ...]:
    """Points by seat: pulls received, and `outside` for each pull kept. Zero for a seat that nobody pulled."""
    score: list[float] = [0] * len(state.setup.labels)
    for pull in state.pulls:
        if pull.target is not None:
            score[pull.target] += 1 if pull.status == "valid" else state.setup.rules.outside or 0
    return tuple(score)


def neighbours(setup: Setup, seat: int) -> tuple[int, ...]:
    """Seats joined to this one, ascending."""
    return tuple(sorted(b if a == seat else a for a, b in setup.edges if seat in {a, b}))


def _with_messages(state: State, written: Sequence[Message]) -> State:
    """Delivered together: the sender knows what it wrote, the recipient what arrived, nobody else either."""
    labels = state.setup.labels
    seen: list[list[SeenMessage]] = [[] for _ in labels]
    delivered = tuple(_delivered(state.setup, message) for message in written)
    for message, arrived in zip(written, delivered, strict=True):
        known = SeenMessage(
            round=message.round,
            exchange=message.exchange,
            sender=labels[message.sender],
            recipient=labels[message.recipient],
            text=message.text,
            truncated=message.truncated,
        )
        seen[message.sender].append(known)
        seen[message.recipient].append(known if arrived is message else replace(known, text=arrived.text))
    return replace(
        state,
        turn=_next(state),
        messages=(*state.messages, *delivered),
        seen_messages=tuple((*old, *new) for old, new in zip(state.seen_messages, seen, strict=True)),
    )


def _delivered(setup: Setup, message: Message) -> Message:
    """The message as it arrives: the focal seat's is filler in `placebo`, as long and, where it was cut, as marked."""
    if setup.rules.channel != "placebo" or message.sender != setup.focal:
        return message
    mark = CUT_MARK if message.truncated else ""
    return replace(message, text=filler(len(message.text) - len(mark)) + mark)


def _with_pulls(state: State, pulls: Sequence[Pull]) -> State:
    """Revealed: everyone learns every pull, or each only those by and on itself."""
    labels, public = state.setup.labels, state.setup.rules.visibility == "public"
    seen: list[list[SeenPull]] = [[] for _ in labels]
    for pull in pulls:
        target = None if pull.target is None else labels[pull.target]
        known = SeenPull(round=pull.round, puller=labels[pull.puller], target=target)
        for seat, learned in enumerate(seen):
            if public or seat in (pull.puller, pull.target):
                learned.append(known)
    return replace(
        state,
        turn=_next(state),
        pulls=(*state.pulls, *pulls),
        seen_pulls=tuple((*old, *new) for old, new in zip(state.seen_pulls, seen, strict=True)),
    )


def _first_turn(rules: Rules, number: int) -> Turn:
    return Turn(number, "pull", 0) if rules.channel == "none" else Turn(number, "message", 1)


def _next(state: State) -> Turn | None:
    turn, rules = state.turn, state.setup.rules
    if turn is None or (turn.phase == "pull" and turn.round == rules.n_rounds):
        return None
    if turn.phase == "pull":
        return _first_turn(rules, turn.round + 1)
    return (
        Turn(turn.round, "pull", 0) if turn.exchange == rules.exchanges else replace(turn, exchange=turn.exchange + 1)
    )


def _messages(state: State, seat: int, reply: Reply | None) -> Sequence[Message]:
    """The seat's messages by recipient, the first one to each neighbour; all else is dropped."""
    if reply is None or reply.invalid is not None or state.turn is None or not may_write(state.setup, seat):
        return ()
    setup, turn = state.setup, state.turn
    allowed = {setup.labels[other]: other for other in neighbours(setup, seat)}
    texts: dict[int, str] = {}
    for label, text in reply.messages:
        if label in allowed:
            texts.setdefault(allowed[label], text)
    limit = setup.rules.max_message_chars
    return [
        Message(
            event_id=0,
            round=turn.round,
            exchange=turn.exchange,
            sender=seat,
            recipient=recipient,
            text=text if len(text) <= limit else text[: limit - len(CUT_MARK)] + CUT_MARK,
            truncated=len(text) > limit,
        )
        for recipient, text in sorted(texts.items())
    ]


def _pull(state: State, seat: int, reply: Reply | None, event_id: int) -> Pull:
    target, status = _target(state.setup, seat, reply)
    return Pull(
        event_id=event_id, round=state.turn.round if state.turn else 0, puller=seat, target=target, status=status
    )


def _target(setup: Setup, seat: int, reply: Reply | None) -> tuple[int | None, PullStatus]:
    if reply is None or reply.invalid is not None or reply.pull not in setup.labels:
        return None, "forfeit"
    target = setup.labels.index(reply.pull)
    if target == seat:
        return (seat, "kept") if setup.rules.outside is not None else (None, "forfeit")
    return (target, "valid") if target in neighbours(setup, seat) else (None, "forfeit")
