"""Measures the prompts of an arm before any model is asked: scripted stand-ins play in the seats of models.

Each prompt of a seat begins with the seat's previous prompt. A provider's prompt cache can hold that part.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from di_assets.agents.llm import LLMPlayer
from di_assets.agents.player import Fault, Player
from di_assets.agents.prompts import Prompts
from di_assets.agents.replies import write_reply
from di_assets.agents.scripted import scripted_player
from di_assets.arms import Arm, Configs, PlannedEpisode
from di_assets.calls.ask_once import GoesOut, Sent
from di_assets.calls.calibration import Size
from di_assets.calls.call import Call
from di_assets.calls.place import Place
from di_assets.calls.sending import Lines
from di_assets.game.types import Observation, Reply
from di_assets.play.episode import Seating, play_episode
from di_assets.play.seating import players
from di_assets.providers.asking import Ask, Kind, Respondent
from di_assets.providers.types import Completion, Request
from di_assets.tables.words import MESSAGE, SCRIPTED

STAND_IN = "promiser"
WORDS = "Pull me this round and I will pull you in the next one, as I said before. "


@dataclass(frozen=True, slots=True)
class Prompt:
    """One request as a model would get it.

    Attributes:
        request: the request.
        sent: its size.
        seen: size of its beginning that is the seat's previous prompt, which a cache may hold.
        reply_bytes: size of the stand-in's reply, bytes.
        phase: message or pull.
    """

    request: Request
    sent: Size
    seen: Size
    reply_bytes: int
    phase: str


@dataclass(frozen=True, slots=True)
class Talk:
    """How much a model writes in a message phase.

    Attributes:
        messages: mean number of messages, one per recipient. It need not be whole: 0.5 is one message in every second
            phase.
        chars: length of a message, characters.
    """

    messages: float
    chars: float


@dataclass(slots=True)
class _StandIn:
    """A scripted agent in the seat of a model. It collects the prompts that the model would get."""

    writer: LLMPlayer
    scripted: Player
    talk: Talk | None = None
    observation: Observation | None = None
    owed: float = 0.0  # fractions of messages that were not written yet
    asked: list[Request] = field(default_factory=list)
    phases: list[str] = field(default_factory=list)
    replies: list[int] = field(default_factory=list)
    model: str = STAND_IN
    provider: str = SCRIPTED
    kind: Kind = SCRIPTED

    def prepare(self, observation: Observation, faults: tuple[Fault, ...] = ()) -> Ask:
        request = self.writer.prepare(observation).payload
        assert isinstance(request, Request)
        self.asked.append(request)
        self.phases.append(observation.turn.phase)
        self.observation = observation
        return self.scripted.prepare(observation, faults)

    async def send(self, ask: Ask) -> Completion:
        completion = await self.scripted.send(ask)
        if self.talk is not None and self.observation is not None and self.observation.turn.phase == MESSAGE:
            completion = replace(completion, text=self._reply_text(self.talk, self.observation))
        self.replies.append(len(completion.text.encode()))
        return completion

    def _reply_text(self, talk: Talk, observation: Observation) -> str:
        """A reply with as many messages, of as many characters, as the model writes."""
        self.owed += talk.messages
        names = observation.seat.order(observation.turn.round)[: int(self.owed + 1e-9)]
        self.owed -= len(names)
        text = (WORDS * (int(talk.chars / len(WORDS)) + 1))[: round(talk.chars)]
        return write_reply(Reply(messages=tuple((name, text) for name in names)))

    def prompts(self) -> list[Prompt]:
        sizes = [Size.of(request) for request in self.asked]
        seen = [Size(0, 0), *sizes[:-1]]
        return [
            Prompt(request=request, sent=sent, seen=before, reply_bytes=reply, phase=phase)
            for request, sent, before, reply, phase in zip(
                self.asked, sizes, seen, self.replies, self.phases, strict=True
            )
        ]


class _Nowhere:
    """A journal that stores nothing."""

    def find(self, place: Place, request_hash: str) -> None:
        del place, request_hash

    def goes_out(self, place: Place, request_hash: str, *, most_usd: float, at: float) -> Callable[[], None]:
        del place, request_hash, most_usd, at
        return lambda: None

    def append(self, call: Call) -> None:
        del call

    def make_room(self) -> None:
        return

    async def settled(self) -> None:
        return


def rehearse(
    planned: PlannedEpisode, arm: Arm, configs: Configs, talk: Mapping[str, Talk] | None = None
) -> dict[int, list[Prompt]]:
    """The prompts that each seat of a model would get in an episode, in order, by seat. Scripted seats play as usual.

    Args:
        planned: the episode.
        arm: its arm.
        configs: all configuration.
        talk: how much models write, by name; the stand-in of a model that is not in it writes as a scripted agent.
    """
    cast = players(planned, arm, configs, Prompts.load(configs.prompts), Lines({}, {}, ()))
    seed = planned.setup.seed
    seated: Sequence[Player] = [
        _StandIn(writer=one, scripted=scripted_player(STAND_IN, seed=seed), talk=(talk or {}).get(one.model))
        if isinstance(one, LLMPlayer)
        else one
        for one in cast
    ]
    asyncio.run(play_episode(planned.setup, Seating(players=seated, journal=_Nowhere(), send=_directly)))
    return {seat: one.prompts() for seat, one in enumerate(seated) if isinstance(one, _StandIn)}


def check_prompts(planned: PlannedEpisode, arm: Arm, configs: Configs) -> None:
    """Renders all prompts of an episode and a re-ask, to find mistakes in prompt files before a call costs money.

    Raises:
        PromptError: a prompt cannot be rendered; the message names the file and the line.
    """
    rehearse(planned, arm, configs)
    Prompts.load(configs.prompts).render("reask", reason="a reason")


async def _directly(player: Respondent, ask: Ask, _goes_out: GoesOut) -> Sent:
    return Sent(await player.send(ask), cost_usd=0.0)
