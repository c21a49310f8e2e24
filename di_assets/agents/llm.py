"""A language model in a seat. Its prompt is a conversation that only grows, rendered from observations alone.

Each turn of the game adds two turns to the conversation: a user turn (what is new, and the question) and the seat's
valid reply. The reply is written again from the observation, not copied from the model's text. Earlier turns never
change, so a provider's prompt cache can reuse the beginning. An invalid reply, and the reason why it is invalid, is
shown only when the same question is asked again.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from di_assets.agents.player import Fault
from di_assets.agents.prompts import Prompts
from di_assets.agents.replies import reply_schema, write_reply
from di_assets.game.types import Observation, Reply, SeenMessage, Turn
from di_assets.providers.asking import Ask, Kind
from di_assets.providers.types import Completion, Endpoint, Provider, Request, Role, encode_turn

# An invalid reply is cut to this length when it is shown to its writer, so that it does not fill the next prompt.
MOST_FAULT_CHARS = 2_000


class LLMPlayer:
    """One seat of one episode, played by a model.

    Args:
        model: its name in models.yaml.
        endpoint: the server and settings of the model.
        connect: returns the client; called when the first request is sent.
        prompts: the prompt files.
        instructions: text of the seat's own instructions, or None.
        seed: the seed of the episode.
        label: the seat's letter.
        episode_id: identifies the conversation for providers whose cache uses a key.
    """

    kind: Kind = "llm"

    def __init__(
        self,
        model: str,
        endpoint: Endpoint,
        *,
        connect: Callable[[str], Provider],
        prompts: Prompts,
        instructions: str | None,
        seed: int,
        label: str,
        episode_id: str,
    ) -> None:
        self.model, self.provider = model, str(endpoint.provider)
        self._connect, self._prompts, self._instructions = connect, prompts, instructions
        self._seed, self._cache_key = seed, f"{episode_id}/{label}"
        # Options that are not configured are left out, so that requests from before an option existed keep their hash.
        shape = [
            *([dict(endpoint.rename)] if endpoint.rename else []),
            *([] if endpoint.system else ["no system text"]),
        ]
        self._identity = json.dumps(
            [endpoint.provider, endpoint.id, endpoint.max_tokens, endpoint.params, *shape], sort_keys=True
        )
        self._system: str | None = None
        self._past = _Past()
        self._next = Turn(1, "message", 1)
        self._asked: tuple[Turn, str] | None = None
        # Pulls of the first `_counted` rounds, by the seat that received them.
        self._received: Counter[str] = Counter()
        self._kept: Counter[str] = Counter()
        self._counted = 0
        self._digest = hashlib.sha256()

    def prepare(self, observation: Observation, faults: tuple[Fault, ...] = ()) -> Ask:
        """The conversation up to this turn, then the invalid replies of this turn, each with what is wrong with it."""
        self._catch_up(observation)
        tail: list[tuple[Role, str]] = [("user", self._turn_text(observation, observation.turn))]
        for fault in faults:
            tail.append(("assistant", fault.text[:MOST_FAULT_CHARS] or "(no text)"))
            tail.append(("user", self._prompts.render("reask", reason=fault.reason)))
        conversation = self._past.copy()
        for role, text in tail:
            conversation.add(role, text)
        seed = self._call_seed(observation, len(faults))
        schema = reply_schema(observation)
        digest = self._digest.copy()
        digest.update(json.dumps([tail, schema, seed]).encode())
        request = Request(
            system=self._system or "",
            encoded=tuple(conversation.turns),
            schema=schema,
            seed=seed,
            cache_key=self._cache_key,
        )
        return Ask(request_hash=digest.hexdigest(), payload=request, again=bool(faults))

    async def send(self, ask: Ask) -> Completion:
        """Sends the request to the model."""
        if not isinstance(ask.payload, Request):
            raise TypeError("this ask was prepared by another kind of player")
        return await self._connect(self.model).complete(ask.payload)

    def _catch_up(self, observation: Observation) -> None:
        """Renders the turns that passed since the last ask. Rendered turns never change."""
        now = observation.turn
        if self._system is None or _order(now) < _order(self._next):
            self._begin(observation)
        while self._next != now:
            added: list[tuple[Role, str]] = [("user", self._turn_text(observation, self._next))]
            reply = _own_reply(observation, self._next)
            if reply is not None:
                added.append(("assistant", write_reply(reply)))
            for role, text in added:
                self._past.add(role, text)
            self._digest.update(json.dumps(added).encode())
            self._next = _following(self._next, observation)

    def _begin(self, observation: Observation) -> None:
        rules = observation.rules
        self._system = self._prompts.render(
            "system",
            me=observation.me,
            players=observation.players,
            neighbours=observation.seat.order(1),
            n_rounds=rules.n_rounds if rules.horizon == "known" else None,
            outside=rules.outside,
            public=rules.visibility == "public",
            messages=rules.channel != "none",
            may_write=observation.seat.may_write,
            exchanges=rules.exchanges,
            max_message_chars=rules.max_message_chars,
            instructions=self._instructions,
        )
        self._past, self._next, self._asked = _Past(), _first(observation), None
        self._received, self._kept, self._counted = Counter(), Counter(), 0
        self._digest = hashlib.sha256(json.dumps([self._identity, self._system]).encode())

    def _turn_text(self, observation: Observation, turn: Turn) -> str:
        """The text of a turn.

        It is rendered once, though it is needed when the turn is asked and again when it has passed.
        """
        if self._asked is not None and self._asked[0] == turn:
            return self._asked[1]
        rules = observation.rules
        opens = turn == _first(observation, turn.round)
        text = self._prompts.render(
            "turn",
            me=observation.me,
            round=turn.round,
            exchange=turn.exchange,
            exchanges=rules.exchanges,
            n_rounds=rules.n_rounds if rules.horizon == "known" else None,
            neighbours=observation.seat.order(turn.round),
            outside=rules.outside,
            public=rules.visibility == "public",
            pulls=dict(observation.rounds[turn.round - 2].targets) if opens and turn.round > 1 else None,
            points=self._points_before(observation, turn.round) if opens and rules.visibility == "public" else None,
            messages=_messages_before(observation, turn),
        )
        self._asked = (turn, text)
        return text

    def _points_before(self, observation: Observation, number: int) -> dict[str, float] | None:
        """Points by label when this round begins. Each pull is counted once, as the rounds pass."""
        for pulls in observation.rounds[self._counted : number - 1]:
            self._counted += 1
            for puller, target in pulls.targets.items():
                if target is not None:
                    (self._kept if target == puller else self._received)[target] += 1
        if number == 1:
            return None
        outside = observation.rules.outside or 0
        return {label: self._received[label] + outside * self._kept[label] for label in observation.players}

    def _call_seed(self, observation: Observation, attempt: int) -> int:
        turn = observation.turn
        stream = f"{self._seed}/{observation.me}/{turn.round}/{turn.phase}/{turn.exchange}/{attempt}"
        return int.from_bytes(hashlib.sha256(stream.encode()).digest()[:4]) >> 1


@dataclass(slots=True)
class _Past:
    """The past turns of a conversation as they are sent: user and assistant alternate."""

    turns: list[bytes] = field(default_factory=list)
    last: tuple[Role, str] | None = None

    def add(self, role: Role, text: str) -> None:
        """Adds a turn. A forfeit leaves no reply, so the two user turns around it are joined into one."""
        if self.last is not None and self.last[0] == role:
            text = f"{self.last[1]}\n\n{text}"
            self.turns.pop()
        self.turns.append(encode_turn(role, text))
        self.last = (role, text)

    def copy(self) -> "_Past":
        return _Past(self.turns.copy(), self.last)


def _first(observation: Observation, number: int = 1) -> Turn:
    """The seat's first turn of a round. A seat that may not write is asked only for its pull."""
    return Turn(number, "message", 1) if observation.seat.may_write else Turn(number, "pull", 0)


def _following(turn: Turn, observation: Observation) -> Turn:
    if turn.phase == "message":
        last = turn.exchange == observation.rules.exchanges
        return Turn(turn.round, "pull", 0) if last else Turn(turn.round, "message", turn.exchange + 1)
    return _first(observation, turn.round + 1)


def _order(turn: Turn) -> tuple[int, bool, int]:
    return (turn.round, turn.phase == "pull", turn.exchange)


def _own_reply(observation: Observation, turn: Turn) -> Reply | None:
    """What the seat did in a past turn, as a valid reply; None for a forfeit."""
    if turn.phase == "pull":
        mine = observation.rounds[turn.round - 1].targets[observation.me]
        return None if mine is None else Reply(pull=mine)
    sent = [(m.recipient, m.text) for m in _at(observation, turn.round, turn.exchange) if m.sender == observation.me]
    return Reply(messages=tuple(sent))


def _at(observation: Observation, number: int, exchange: int) -> tuple[SeenMessage, ...]:
    """The messages of one exchange of a round."""
    return observation.exchanges[(number - 1) * observation.rules.exchanges + exchange - 1]


def _messages_before(observation: Observation, turn: Turn) -> list[dict[str, Any]] | None:
    """Messages delivered to this seat since its last turn; None if there cannot have been any.

    A seat that writes has already seen all exchanges but the last. A seat that may not write is asked only for its
    pull, so it has seen none of this round's exchanges.
    """
    if turn.exchange == 1 or observation.rules.channel == "none":
        return None
    last = observation.rules.exchanges if turn.phase == "pull" else turn.exchange - 1
    return [
        {"from": m.sender, "text": m.text, **({"cut": True} if m.truncated else {})}
        for exchange in range(last if observation.seat.may_write else 1, last + 1)
        for m in _at(observation, turn.round, exchange)
        if m.recipient == observation.me
    ]
