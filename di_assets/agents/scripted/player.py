"""A scripted agent in a seat: free, instant, deterministic; its reply goes the same way as a model's."""

import hashlib
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, cast

from di_assets.agents.player import Ask, Fault
from di_assets.agents.replies import write_reply
from di_assets.game.types import Observation, Reply
from di_assets.providers.types import Completion

# A policy is a pure function of the observation and of a stream of its own for this very turn; raw text breaks rules.
Policy = Callable[..., Reply | str]


@dataclass(frozen=True, slots=True)
class ScriptedPlayer:
    """One seat played by a policy.

    Attributes:
        model: the policy's name.
        seed: the episode's.
        policies: where the name is looked up.
    """

    model: str
    seed: int
    policies: Mapping[str, Policy]
    provider: str = "scripted"
    kind: Literal["llm", "scripted"] = "scripted"

    def prepare(self, observation: Observation, faults: tuple[Fault, ...] = ()) -> Ask:
        """The turn's own random stream names the question: same stream, same observation, same reply."""
        turn = observation.turn
        stream = f"{self.model}/{self.seed}/{observation.me}/{turn.round}/{turn.phase}/{turn.exchange}/{len(faults)}"
        return Ask(request_hash=hashlib.sha256(stream.encode()).hexdigest(), payload=(observation, stream))

    async def send(self, ask: Ask) -> Completion:
        """Plays the policy."""
        observation, stream = cast("tuple[Observation, str]", ask.payload)
        reply = self.policies[self.model](observation, rng=random.Random(stream))
        text = reply if isinstance(reply, str) else write_reply(reply)
        return Completion(text=text, input_tokens=0, cached_tokens=0, output_tokens=0)
