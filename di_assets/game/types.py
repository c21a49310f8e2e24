"""The types of the game: rules, setup, turns, replies, events, and what a seat may know."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple

RULES_VERSION = "1"

Phase = Literal["message", "pull"]
PullStatus = Literal["valid", "forfeit", "kept"]
Channel = Literal["open", "none", "focal_muted", "rivals_muted", "placebo"]
# Channels in which the focal seat and its rivals are treated differently.
FOCAL_CHANNELS: frozenset[Channel] = frozenset({"focal_muted", "rivals_muted", "placebo"})


@dataclass(frozen=True, slots=True)
class Rules:
    """How a game is played.

    Attributes:
        n_rounds: number of rounds. In each round, each seat has one pull.
        channel: `open` (messages to neighbours); `none` (no message phase, and no prompt mentions messages);
            `focal_muted` (the focal seat writes nothing and is not asked to); `rivals_muted` (only the focal seat
            writes); `placebo` (all write, but the focal seat's messages are replaced by neutral filler of the same
            length).
        exchanges: number of message phases before each round's pulls.
        max_message_chars: longer messages are cut and marked.
        visibility: `public` (everyone learns every pull) or `own` (each seat learns only who pulled it).
        horizon: `known` (the number of rounds is announced) or `hidden`.
        outside: points that a seat gets for keeping its pull, 0 < outside < 1; None in the pure game, where a seat
            cannot keep its pull.
    """

    n_rounds: int = 25
    channel: Channel = "open"
    exchanges: int = 1
    max_message_chars: int = 600
    visibility: Literal["public", "own"] = "public"
    horizon: Literal["known", "hidden"] = "known"
    outside: float | None = None


@dataclass(frozen=True, slots=True)
class Setup:
    """One episode before its first turn: everything that the seed decided, which the players are not told.

    Attributes:
        rules: how the episode is played.
        edges: undirected edges (lower seat, higher seat), sorted.
        labels: the letter of each seat, by seat; `Player A` is written `A` here.
        seed: decides everything random in the episode.
        focal: the seat under test; None if there is none.

    Raises:
        ValueError: the channel treats the focal seat differently, but there is no focal seat.
    """

    rules: Rules
    edges: tuple[tuple[int, int], ...]
    labels: tuple[str, ...]
    seed: int
    focal: int | None = None

    def __post_init__(self) -> None:
        """Refuses a channel that needs a focal seat if there is none."""
        if self.rules.channel in FOCAL_CHANNELS and self.focal not in range(len(self.labels)):
            raise ValueError(f"channel {self.rules.channel!r} needs a focal seat, found {self.focal!r}")


class Turn(NamedTuple):
    """One turn, in which all seats are asked at once.

    Rounds count from 1; exchanges from 1, and 0 is the pull phase.
    """

    round: int
    phase: Phase
    exchange: int


@dataclass(frozen=True, slots=True)
class Reply:
    """What a seat answers. If a reply cannot be used, `invalid` says why; it never becomes a move.

    Attributes:
        messages: (label of the recipient, text), at most one per neighbour; message phase.
        pull: label of the neighbour that is pulled, or the seat's own label to keep the pull; pull phase.
        invalid: why the reply is not valid, one clause in plain words.
        kind: the kind of fault (`unreadable`, `not_a_neighbour`, ...), used for counting; None if the reply is valid.
    """

    messages: tuple[tuple[str, str], ...] = ()
    pull: str | None = None
    invalid: str | None = None
    kind: str | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """One message event, as delivered; seats are integers."""

    event_id: int
    round: int
    exchange: int
    sender: int
    recipient: int
    text: str
    truncated: bool


@dataclass(frozen=True, slots=True)
class Pull:
    """One pull event. `target` is None for a forfeit, and the puller itself for a kept pull."""

    event_id: int
    round: int
    puller: int
    target: int | None
    status: PullStatus


@dataclass(slots=True)
class SeenMessage:
    """A message as one seat saw it, by labels: the sender sees what it wrote, the recipient what arrived."""

    round: Final[int]
    exchange: Final[int]
    sender: Final[str]
    recipient: Final[str]
    text: Final[str]
    truncated: Final[bool]


@dataclass(slots=True)
class SeenPulls:
    """The pulls of a round that one seat learned of, with labels for seats.

    Attributes:
        targets: puller -> target. The target is None for a forfeit, and the puller itself for a kept pull.
        givers: target -> the seats that pulled it. Kept pulls are left out; a seat that got no pull has no entry.
    """

    targets: Final[Mapping[str, str | None]]
    givers: Final[Mapping[str, Sequence[str]]]


@dataclass(frozen=True, slots=True)
class Seat:
    """What a seat knows before the first turn. It stays the same during the game.

    Attributes:
        me: own label.
        players: all labels, sorted.
        near: labels of the neighbours, sorted.
        rules: the rules as the seat is told them. If messages exist at all, the channel reads `open`, so that nobody
            learns who is muted or replaced. `n_rounds` may be used only if `horizon` is known.
        may_write: the seat is asked in message phases. False if messages are off, and for a muted seat; a muted seat
            still receives messages.
        order: the neighbours in the order in which they are shown in a round; the seed shuffles it for each seat and
            round.
    """

    me: str
    players: tuple[str, ...]
    near: tuple[str, ...]
    rules: Rules
    may_write: bool
    order: Callable[[int], tuple[str, ...]] = field(compare=False)


@dataclass(frozen=True, slots=True)
class Board:
    """What stays the same in all turns of a setup.

    Attributes:
        seats: what each seat knows, by seat.
        writers: seats that are asked in message phases, ascending.
        reach: by seat, the labels of its neighbours, ordered by their seats.
        numbers: label -> seat.
        turns: all turns, in order.
    """

    seats: tuple[Seat, ...]
    writers: tuple[int, ...]
    reach: tuple[tuple[str, ...], ...]
    numbers: Mapping[str, int]
    turns: tuple[Turn, ...]


class Observation(NamedTuple):
    """All that one seat may know when it is asked. Prompts and policies are made from this alone.

    Attributes:
        seat: what the seat knows during the whole game.
        turn: the turn that is asked now.
        exchanges: for each message phase before this turn, the messages sent by or to this seat, in event order.
        rounds: for each round before this turn, the pulls that the seat learned of (always including its own).
    """

    seat: Seat
    turn: Turn
    exchanges: tuple[tuple[SeenMessage, ...], ...]
    rounds: tuple[SeenPulls, ...]

    @property
    def me(self) -> str:
        """Own label."""
        return self.seat.me

    @property
    def players(self) -> tuple[str, ...]:
        """All labels, sorted."""
        return self.seat.players

    @property
    def rules(self) -> Rules:
        """The rules as the seat is told them."""
        return self.seat.rules

    @property
    def neighbours(self) -> tuple[str, ...]:
        """Labels of the neighbours, in the order shown in this round."""
        return self.seat.order(self.turn.round)
