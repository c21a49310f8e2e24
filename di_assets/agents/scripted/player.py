"""A scripted agent in a seat: free, instant and deterministic. Its reply is read the same way as a model's reply."""

from dataclasses import dataclass
from typing import Literal, cast

from di_assets.agents.player import Fault
from di_assets.agents.replies import write_reply
from di_assets.agents.scripted.policy import Policy
from di_assets.agents.scripted.words import words
from di_assets.game.types import Observation, Phase, Reply, Turn
from di_assets.providers.asking import Ask, Kind
from di_assets.providers.types import Completion

SILENCE = Reply()


@dataclass(frozen=True, slots=True)
class ScriptedPlayer:
    """One seat played by a policy.

    Attributes:
        model: the policy's name.
        policy: the policy.
        seed: the seed of the episode.
    """

    model: str
    policy: Policy
    seed: int
    provider: Literal["scripted"] = "scripted"
    kind: Kind = "scripted"

    def stream(self, me: str) -> str:
        """Name of the random stream of the seat with this label."""
        return f"{self.model}/{self.seed}/{me}"

    def prepare(self, observation: Observation, faults: tuple[Fault, ...] = ()) -> Ask:
        """Makes the ask.

        Its text identifies the question: the same text means the same observation and the same reply.
        """
        attempt = len(faults)
        question = f"{self.stream(observation.me)}/{turn_name(observation.turn)}/{attempt}"
        return Ask(request_hash=question, payload=(observation, attempt))

    async def send(self, ask: Ask) -> Completion:
        """Plays the policy."""
        observation, attempt = cast("tuple[Observation, int]", ask.payload)
        turn, at = observation.turn, turn_number(observation.turn, observation.rules.exchanges)
        rule = self.policy.rule(turn.phase)
        word = words(words_name(self.stream(observation.me), turn.phase, attempt), at + 1)[at]
        answer = SILENCE if rule is None else rule(observation, word=word)
        text = answer if isinstance(answer, str) else write_reply(answer)
        return Completion(text=text, input_tokens=0, cached_tokens=0, output_tokens=0)


def turn_name(turn: Turn) -> str:
    """A name for this turn that no other turn of the episode has."""
    return f"{turn.round}/{turn.phase}/{turn.exchange}"


def words_name(stream: str, phase: Phase, attempt: int) -> str:
    """Name of the random words for all turns of a phase. Pulls get the same words with messages on and off."""
    return f"{stream}/{phase}/{attempt}"


def turn_number(turn: Turn, exchanges: int) -> int:
    """The number of a turn among the turns of its phase, from 0."""
    return turn.round - 1 if turn.phase == "pull" else (turn.round - 1) * exchanges + turn.exchange - 1
