"""A scripted agent in a seat: free, instant, deterministic; its reply goes the same way as a model's."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, cast

from di_assets.agents.player import Ask, Fault
from di_assets.agents.replies import write_reply
from di_assets.agents.scripted.draws import Draws
from di_assets.game.types import Observation, Reply, Turn
from di_assets.providers.types import Completion

# A policy is a pure function of the observation and of a random stream of its own for this very turn. A `Reply` keeps
# the rules, and is read back from its text as it was; raw text is for breaking them.
Policy = Callable[..., Reply | str]


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
        """Names all that this agent draws in a seat of this label."""
        return f"{self.model}/{self.seed}/{me}"

    def prepare(self, observation: Observation, faults: tuple[Fault, ...] = ()) -> Ask:
        """The question is named after the turn's random stream: same name, same observation, same reply."""
        question = f"{self.stream(observation.me)}/{turn_name(observation.turn)}/{len(faults)}"
        return Ask(request_hash=question, payload=observation)

    async def send(self, ask: Ask) -> Completion:
        """Plays the policy."""
        said = self.policy(cast("Observation", ask.payload), rng=Draws(ask.request_hash))
        text = said if isinstance(said, str) else write_reply(said)
        return Completion(text=text, input_tokens=0, cached_tokens=0, output_tokens=0)


def turn_name(turn: Turn) -> str:
    """Names a turn among all of an episode."""
    return f"{turn.round}/{turn.phase}/{turn.exchange}"
