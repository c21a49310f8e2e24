"""The question to a model that labels: the codebook, and one message as quoted data."""

import hashlib
import json
from collections.abc import Callable

from di_assets.agents.player import Fault
from di_assets.agents.prompts import LABEL, Prompts
from di_assets.arms import ModelConfig
from di_assets.labelling.label_reader import SCHEMA
from di_assets.labelling.stored import text_number
from di_assets.providers.asking import Ask, Kind
from di_assets.providers.types import Completion, Provider, Request, Role
from di_assets.tables.words import LLM

# An invalid reply is cut to this length when it is shown to its writer.
MOST_FAULT_CHARS = 2_000


class Judge:
    """A model that is asked for labels.

    Args:
        model: its name in models.yaml.
        config: how to reach it.
        connect: returns the client; called when the first request is sent.
        prompts: the prompt files for labellers.
    """

    kind: Kind = LLM

    def __init__(self, model: str, config: ModelConfig, connect: Callable[[str], Provider], prompts: Prompts) -> None:
        self.model = model
        self._connect, self._prompts = connect, prompts
        self._identity = json.dumps(config.identity(), sort_keys=True)
        self._system = prompts.render("system")

    def prepare(self, text: str, faults: tuple[Fault, ...]) -> Ask:
        """The ask for a text, after these invalid replies. The text is quoted as JSON."""
        turns: list[tuple[Role, str]] = [("user", self._prompts.render("turn", text=text))]
        for fault in faults:
            turns.append(("assistant", fault.text[:MOST_FAULT_CHARS] or "(no text)"))
            turns.append(("user", self._prompts.render("reask", reason=fault.reason)))
        seed = (text_number(text) + len(faults)) % 2**31
        asked = json.dumps([self._identity, self._system, turns, SCHEMA, seed])
        request = Request.of(
            system=self._system, turns=turns, schema=SCHEMA, seed=seed, cache_key=f"{LABEL}/{self.model}"
        )
        return Ask(request_hash=hashlib.sha256(asked.encode()).hexdigest(), payload=request)

    async def send(self, ask: Ask) -> Completion:
        """Sends the ask."""
        if not isinstance(ask.payload, Request):
            raise TypeError("this ask was prepared for another kind of player")
        return await self._connect(self.model).complete(ask.payload)
