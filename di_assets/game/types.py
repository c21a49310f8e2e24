"""What the game is made of: rules, set-up, turns, replies, events, and what one seat may know."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple

RULES_VERSION = "1"

Phase = Literal["message", "pull"]
PullStatus = Literal["valid", "forfeit", "kept"]
Channel = Literal["open", "none", "focal_muted", "rivals_muted", "placebo"]
# Channels that treat the focal seat unlike its rivals.
FOCAL_CHANNELS: frozenset[Channel] = frozenset({"focal_muted", "rivals_muted", "placebo"})


@dataclass(frozen=True, slots=True)
class Rules:
    """How a game is played.

    Attributes:
        n_rounds: rounds; each seat owns one pull in each.
        channel: `open` (messages to neighbours); `none` (no message phase, and no word of one anywhere); `focal_muted`
            (the focal seat writes nothing, and is not asked to); `rivals_muted` (only the focal seat writes); `placebo`
            (all write, but the focal seat's words arrive as neutral filler of the same length).
        exchanges: message phases before each round's pulls.
        max_message_chars: longer messages are cut and marked.
        visibility: `public` (everyone learns every pull) or `own` (each learns only who pulled it).
        horizon: `known` (the number of rounds is announced) or `hidden`.
        outside: points a seat gets for keeping its pull, 0 < outside < 1; None in the pure game, where it cannot.
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
    """One episode before its first turn: everything that its seed fixed and its players are not told.

    Attributes:
        rules: how it is played.
        edges: undirected edges (lower seat, higher seat), sorted.
        labels: the letter of each seat, by seat; `Player A` is shown as `A` here.
        seed: fixes everything random in the episode.
        focal: the seat under test; None where there is none.

    Raises:
        ValueError: the channel treats the focal seat apart, and there is none.
    """

    rules: Rules
    edges: tuple[tuple[int, int], ...]
    labels: tuple[str, ...]
    seed: int
    focal: int | None = None

    def __post_init__(self) -> None:
        """Refuses a channel that has nobody to act on."""
        if self.rules.channel in FOCAL_CHANNELS and self.focal not in range(len(self.labels)):
            raise ValueError(f"channel {self.rules.channel!r} needs a focal seat, found {self.focal!r}")


class Turn(NamedTuple):
    """A moment at which all seats are asked at once: round from 1; exchange from 1, and 0 in the pull phase."""

    round: int
    phase: Phase
    exchange: int


@dataclass(frozen=True, slots=True)
class Reply:
    """What a seat answers. A reply that cannot be used says why in `invalid`, and never becomes a move.

    Attributes:
        messages: (label of the recipient, text), at most one a neighbour; message phase.
        pull: label of the neighbour pulled, or the seat's own label to keep it; pull phase.
        invalid: why this is no valid reply, one clause in plain words.
        kind: the kind of fault (`unreadable`, `not_a_neighbour`, ...), for counting; None when valid.
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
    """One pull event; target is None for a forfeit and the puller itself when kept."""

    event_id: int
    round: int
    puller: int
    target: int | None
    status: PullStatus


@dataclass(slots=True)
class SeenMessage:
    """A message as its sender or recipient knows it, by labels: as written, or as delivered."""

    round: Final[int]
    exchange: Final[int]
    sender: Final[str]
    recipient: Final[str]
    text: Final[str]
    truncated: Final[bool]


@dataclass(slots=True)
class SeenPulls:
    """A round's pulls as a seat learned of them, by labels.

    Attributes:
        targets: puller -> target; target None is a forfeit, the puller itself a kept pull.
        givers: target -> those that pulled it; nobody's own, and none for a seat that got no pull.
    """

    targets: Final[Mapping[str, str | None]]
    givers: Final[Mapping[str, Sequence[str]]]


@dataclass(frozen=True, slots=True)
class Seat:
    """What a seat knows before the first turn, and all along.

    Attributes:
        me: own label.
        players: all labels, sorted.
        near: labels within reach, sorted.
        rules: how the game is played, as the seat is told: where messages travel at all, its channel reads `open`,
            so that nobody learns who is muted or replaced. `n_rounds` may be used only when `horizon` is known.
        may_write: it is asked in message phases; False with messages off, and for a muted seat, which still receives.
        order: labels within reach in the order shown in a round, shuffled anew for each seat and round from the seed.
    """

    me: str
    players: tuple[str, ...]
    near: tuple[str, ...]
    rules: Rules
    may_write: bool
    order: Callable[[int], tuple[str, ...]] = field(compare=False)


@dataclass(frozen=True, slots=True)
class Board:
    """What a set-up fixes for all turns.

    Attributes:
        seats: what each knows, by seat.
        writers: seats that are asked in message phases, ascending.
        reach: by seat, the labels of its neighbours, in the order of their seats.
        numbers: seat of each label.
        turns: all turns, in order.
    """

    seats: tuple[Seat, ...]
    writers: tuple[int, ...]
    reach: tuple[tuple[str, ...], ...]
    numbers: Mapping[str, int]
    turns: tuple[Turn, ...]


class Observation(NamedTuple):
    """All that one seat may know when it is asked; prompts and policies are made from this alone.

    Attributes:
        seat: what it knows all along.
        turn: what is asked now.
        exchanges: by message phase before this turn, the messages sent by or to this seat, in event order.
        rounds: by round before this turn, the pulls it learned of (its own always).
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
        """How the game is played, as the seat is told."""
        return self.seat.rules

    @property
    def neighbours(self) -> tuple[str, ...]:
        """Labels within reach, in the order shown in this round."""
        return self.seat.order(self.turn.round)
