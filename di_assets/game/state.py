"""A game in progress, kept as its players know it; its events, which are numbered and by seat, are read off it."""

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any, NamedTuple, TypeVar

from di_assets.game.types import Board, Message, Pull, SeenMessage, SeenPulls, Setup, Turn

Event = TypeVar("Event", Message, Pull)
# The fields of some events, each a column, in event order.
Fields = dict[str, Sequence[Any]]


class State(NamedTuple):
    """A game in progress. What was is grouped by turn, so that a step adds one reference to it and copies no event.

    Attributes:
        setup: what it began with.
        board: what the set-up fixes.
        at: turns played.
        turn: what is asked next; None once it is over.
        exchanges: messages as delivered, by message phase, each in event order.
        rounds: pulls by round, each in event order.
        seen_messages: by seat and message phase, what it sent and received, as it knows it.
        seen_pulls: by seat and round, the pulls it learned of.
    """

    setup: Setup
    board: Board
    at: int
    turn: Turn | None
    exchanges: tuple[tuple[SeenMessage, ...], ...]
    rounds: tuple[SeenPulls, ...]
    seen_messages: tuple[tuple[tuple[SeenMessage, ...], ...], ...]
    seen_pulls: tuple[tuple[SeenPulls, ...], ...]

    @property
    def messages(self) -> tuple[Message, ...]:
        """All messages, in event order."""
        return _rows(Message, self.message_fields())

    @property
    def pulls(self) -> tuple[Pull, ...]:
        """All pulls, in event order."""
        return _rows(Pull, self.pull_fields())

    def message_fields(self) -> Fields:
        """All messages, in event order, by column."""
        sent = list(chain.from_iterable(self.exchanges))
        rounds, exchanges, senders, recipients, texts, truncated = _transposed(SeenMessage._fields, sent)
        seat = self.board.numbers.__getitem__
        ids = _event_ids(self, "message")
        columns = (ids, rounds, exchanges, list(map(seat, senders)), list(map(seat, recipients)), texts, truncated)
        return dict(zip(Message._fields, columns, strict=True))

    def pull_fields(self) -> Fields:
        """All pulls, in event order, by column."""
        n, seat = len(self.board.seats), self.board.numbers.get
        rounds = [number for number in range(1, len(self.rounds) + 1) for _ in range(n)]
        pullers = [*range(n)] * len(self.rounds)
        targets = [seat(label) for pulls in self.rounds for label in pulls.values()]
        statuses = [
            "forfeit" if target is None else "kept" if target == puller else "valid"
            for puller, target in zip(pullers, targets, strict=True)
        ]
        columns = (_event_ids(self, "pull"), rounds, pullers, targets, statuses)
        return dict(zip(Pull._fields, columns, strict=True))


def _event_ids(state: State, phase: str) -> list[int]:
    """Of the events of these phases, whose numbers count all events in the order turn, seat, recipient."""
    ids, first, exchanges = list[int](), 0, iter(state.exchanges)
    for turn in state.board.turns[: state.at]:
        size = len(next(exchanges)) if turn.phase == "message" else len(state.board.seats)
        if turn.phase == phase:
            ids.extend(range(first, first + size))
        first += size
    return ids


def _transposed(names: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> Iterable[Sequence[Any]]:
    return zip(*rows, strict=True) if rows else ((),) * len(names)


def _rows(kind: type[Event], fields: Fields) -> tuple[Event, ...]:
    return tuple(map(kind._make, zip(*fields.values(), strict=True)))
