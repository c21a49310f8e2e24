"""A scripted agent in a seat: free, instant, deterministic; its reply goes the same way as a model's."""

from dataclasses import dataclass
from typing import Literal, cast

from di_assets.agents.player import Fault
from di_assets.agents.replies import write_reply
from di_assets.agents.scripted.policy import Policy
from di_assets.agents.scripted.words import words
from di_assets.game.types import Observation, Phase, Reply, Turn
from di_assets.providers.asking import Ask
from di_assets.providers.types import Completion

SILENCE = Reply()


@dataclass(frozen=True, slots=True)
class ScriptedPlayer:
    """One seat played by a policy.

    Attributes:
        model: the policy's name.
        policy: what it does.
        seed: the episode's.
    """

    model: str
    policy: Policy
    seed: int
    provider: Literal["scripted"] = "scripted"
    kind: Literal["llm", "scripted"] = "scripted"

    def stream(self, me: str) -> str:
        """Names all that is drawn for a seat of this label."""
        return f"{self.model}/{self.seed}/{me}"

    def prepare(self, observation: Observation, faults: tuple[Fault, ...] = ()) -> Ask:
        """Names the question: same name, same observation, same reply."""
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
    """Names a turn among all of an episode."""
    return f"{turn.round}/{turn.phase}/{turn.exchange}"


def words_name(stream: str, phase: Phase, attempt: int) -> str:
    """Names the words of all turns of a phase: pulls draw the same with messages on and off."""
    return f"{stream}/{phase}/{attempt}"


def turn_number(turn: Turn, exchanges: int) -> int:
    """Numbers the turns of a phase from 0."""
    return turn.round - 1 if turn.phase == "pull" else (turn.round - 1) * exchanges + turn.exchange - 1
