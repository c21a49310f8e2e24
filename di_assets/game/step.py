"""`step(state, replies) -> state`: the whole of play, a turn at a time."""

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

from di_assets.game.board import board
from di_assets.game.filler import filler
from di_assets.game.types import Board, Message, Pull, PullStatus, Reply, Seat, SeenMessage, SeenPulls, Setup, State

CUT_MARK = "…"


def start(setup: Setup) -> State:
    """The game before its first turn."""
    fixed, nothing = board(setup), ((),) * len(setup.labels)
    return State(setup, fixed, 0, fixed.turns[0], 0, (), (), nothing, nothing)


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
    return _exchange(state, replies) if state.turn.phase == "message" else _round(state, replies)


def points(state: State) -> tuple[float, ...]:
    """Points by seat: pulls received, and `outside` for each pull kept. Zero for a seat that nobody pulled."""
    score: list[float] = [0] * len(state.setup.labels)
    for pull in state.pulls:
        if pull.target is not None:
            score[pull.target] += 1 if pull.status == "valid" else state.setup.rules.outside or 0
    return tuple(score)


def _exchange(state: State, replies: Mapping[int, Reply]) -> State:
    """Delivered together: the sender knows what it wrote, the recipient what arrived, nobody else either."""
    setup, fixed, at, turn, n_events, exchanges, rounds, seen_messages, seen_pulls = state
    assert turn is not None
    number, _, exchange = turn
    labels, limit = setup.labels, setup.rules.max_message_chars
    replaced = setup.focal if setup.rules.channel == "placebo" else None
    sent: list[Message] = []
    seen: list[list[SeenMessage]] = [[] for _ in labels]
    for sender, recipient, whole in _written(fixed, replies):
        cut = len(whole) > limit
        text = whole[: limit - len(CUT_MARK)] + CUT_MARK if cut else whole
        known = SeenMessage(number, exchange, labels[sender], labels[recipient], text, cut)
        seen[sender].append(known)
        if sender == replaced:
            text = _in_its_place(text, cut=cut)
            known = known._replace(text=text)
        seen[recipient].append(known)
        sent.append(Message(n_events + len(sent), number, exchange, sender, recipient, text, cut))
    return State(
        setup,
        fixed,
        at + 1,
        fixed.turns[at + 1],
        n_events + len(sent),
        (*exchanges, tuple(sent)),
        rounds,
        tuple([(*old, tuple(new)) for old, new in zip(seen_messages, seen, strict=True)]),
        seen_pulls,
    )


def _written(fixed: Board, replies: Mapping[int, Reply]) -> Iterator[tuple[int, int, str]]:
    """Sender, recipient and text of each seat's messages, the first one to each neighbour; all else is dropped."""
    for sender in fixed.writers:
        reply = replies.get(sender)
        if reply is None or reply.invalid is not None or not reply.messages:
            continue
        near, texts = fixed.seats[sender].near, dict[int, str]()
        for label, text in reply.messages:
            if label in near:
                texts.setdefault(fixed.numbers[label], text)
        for recipient in sorted(texts):
            yield sender, recipient, texts[recipient]


def _in_its_place(text: str, *, cut: bool) -> str:
    """What a placebo delivers: filler as long and, where the message was cut, as marked."""
    mark = CUT_MARK if cut else ""
    return filler(len(text) - len(mark)) + mark


def _round(state: State, replies: Mapping[int, Reply]) -> State:
    """Revealed: everyone learns every pull, or each only those by and on itself."""
    setup, fixed, at, turn, n_events, exchanges, rounds, seen_messages, seen_pulls = state
    assert turn is not None
    pulls: list[Pull] = []
    known: dict[str, str | None] = {}
    for puller, seat in enumerate(fixed.seats):
        label, status = _target(seat, replies.get(puller))
        known[seat.me] = label
        target = None if label is None else fixed.numbers[label]
        pulls.append(Pull(n_events + puller, turn.round, puller, target, status))
    return State(
        setup,
        fixed,
        at + 1,
        fixed.turns[at + 1],
        n_events + len(pulls),
        exchanges,
        (*rounds, tuple(pulls)),
        seen_messages,
        _revealed(fixed, seen_pulls, known, public=setup.rules.visibility == "public"),
    )


def _target(seat: Seat, reply: Reply | None) -> tuple[str | None, PullStatus]:
    if reply is None or reply.invalid is not None:
        return None, "forfeit"
    if reply.pull in seat.near:
        return reply.pull, "valid"
    keeps = reply.pull == seat.me and seat.rules.outside is not None
    return (seat.me, "kept") if keeps else (None, "forfeit")


def _revealed(
    fixed: Board, before: tuple[tuple[SeenPulls, ...], ...], known: dict[str, str | None], *, public: bool
) -> tuple[tuple[SeenPulls, ...], ...]:
    if public:  # one and the same for all
        return ((*before[0], MappingProxyType(known)),) * len(before)
    own = [{puller: target for puller, target in known.items() if seat.me in (puller, target)} for seat in fixed.seats]
    return tuple([(*old, MappingProxyType(new)) for old, new in zip(before, own, strict=True)])
