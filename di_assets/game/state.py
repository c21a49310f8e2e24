"""The state of a game in progress, stored as the players see it. Numbered events by seat are computed from it."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from operator import eq
from typing import Any, Final, NamedTuple, TypeVar

from di_assets.game.types import Board, Message, Pull, SeenMessage, SeenPulls, Setup, Turn

Event = TypeVar("Event", Message, Pull)
# Fields of events as columns, in event order.
Fields = dict[str, Sequence[Any]]


class Events(NamedTuple):
    """The events of a game by column: the fields of its messages and the fields of its pulls."""

    messages: Fields
    pulls: Fields


@dataclass(slots=True)
class State:
    """A game in progress. The history is grouped by turn, so a step adds one reference to it and copies no event.

    Attributes:
        setup: the setup that the game began with.
        board: what stays the same in all turns.
        at: number of turns played.
        turn: the turn that is asked next; None when the game is over.
        exchanges: messages as delivered, by message phase, each in event order.
        rounds: pulls by round, each in event order.
        seen_messages: by seat and message phase, the messages that the seat sent or received, as it saw them.
        seen_pulls: by seat and round, the pulls that the seat learned of.
    """

    setup: Final[Setup]
    board: Final[Board]
    at: Final[int]
    turn: Final[Turn | None]
    exchanges: Final[tuple[tuple[SeenMessage, ...], ...]]
    rounds: Final[tuple[SeenPulls, ...]]
    seen_messages: Final[tuple[tuple[tuple[SeenMessage, ...], ...], ...]]
    seen_pulls: Final[tuple[tuple[SeenPulls, ...], ...]]

    def events(self) -> "Events":
        """All events, as columns."""
        return Events(self.message_fields(), self.pull_fields())

    @property
    def messages(self) -> tuple[Message, ...]:
        """All messages, in event order."""
        return _rows(Message, self.message_fields())

    @property
    def pulls(self) -> tuple[Pull, ...]:
        """All pulls, in event order."""
        return _rows(Pull, self.pull_fields())

    def message_fields(self) -> Fields:
        """All messages as columns, in event order."""
        sent = list(chain.from_iterable(self.exchanges))
        seat = self.board.numbers
        return {
            "event_id": _event_ids(self, "message"),
            "round": [message.round for message in sent],
            "exchange": [message.exchange for message in sent],
            "sender": [seat[message.sender] for message in sent],
            "recipient": [seat[message.recipient] for message in sent],
            "text": [message.text for message in sent],
            "truncated": [message.truncated for message in sent],
        }

    def pull_fields(self) -> Fields:
        """All pulls as columns, in event order."""
        seat = self.board.numbers
        rounds, pullers = _grid(len(self.rounds), len(self.board.seats))
        labels = chain.from_iterable([pulls.targets.values() for pulls in self.rounds])
        targets = [None if label is None else seat[label] for label in labels]
        if None in targets or any(map(eq, targets, pullers)):
            both = zip(targets, pullers, strict=True)
            statuses = ["forfeit" if to is None else "kept" if to == by else "valid" for to, by in both]
        else:
            statuses = ["valid"] * len(targets)
        ids = _event_ids(self, "pull")
        return {"event_id": ids, "round": rounds, "puller": pullers, "target": targets, "status": statuses}


@lru_cache(maxsize=64)
def _grid(n_rounds: int, n_seats: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The round and the seat of every pull."""
    return tuple(number for number in range(1, n_rounds + 1) for _ in range(n_seats)), (*range(n_seats),) * n_rounds


def _event_ids(state: State, phase: str) -> list[int]:
    """Numbers of the events of these phases.

    Numbers count all events of the game in the order turn, seat, recipient.
    """
    ids: list[int] = []
    first, exchanges = 0, iter(state.exchanges)
    for turn in state.board.turns[: state.at]:
        size = len(next(exchanges)) if turn.phase == "message" else len(state.board.seats)
        if turn.phase == phase:
            ids.extend(range(first, first + size))
        first += size
    return ids


def _rows(kind: type[Event], fields: Fields) -> tuple[Event, ...]:
    return tuple(kind(*row) for row in zip(*fields.values(), strict=True))
