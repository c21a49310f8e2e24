"""The findings of `di doctor` about one model, in the words that it prints, and the advice on what to change."""

from collections.abc import Sequence
from dataclasses import dataclass

from di_assets.arms import ModelConfig
from di_assets.calls.advice import advice_on_replies
from di_assets.providers.sdk import key_problem
from di_assets.providers.types import Completion

YES, VALID, NOT_TRIED = "yes", "valid", "not tried"
ENFORCED, NOT_ENFORCED, REFUSED, NOT_ASKED = "enforced", "accepted, not enforced", "refused", "not asked for"


@dataclass(frozen=True, slots=True)
class Checkup:
    """The findings about one model. No field contains a key or the text of a reply.

    Attributes:
        model: the model's name in models.yaml.
        provider: name of the dialect.
        account: where the model is reached: a host, or the provider.
        key: `set`, `missing: ` and what to do, or `none wanted`.
        reached: `yes`, `no: ` and the fault, or `not tried`.
        schema: `enforced`, `accepted, not enforced`, `refused`, `not asked for` (by configuration), `unclear: ` and
            why, or `not tried`.
        message: the result of the message turn: `valid`, kind of the invalid reply, kind of the fault, or `not tried`.
        pull: the result of the pull turn, in the same words.
        input_tokens: tokens sent in all calls; None if no call reported them.
        cached_tokens: those of them that were read from the prompt cache; None if no call reported them.
        output_tokens: tokens received in all calls, reasoning included; None if no call reported them.
        latency_s: mean seconds of a call that brought a reply, without waiting for limits; None without a reply.
        cost_usd: cost of all calls, US dollars; a call without a reply counts as what it may have cost.
        advice: one line on what to change, or None.
    """

    model: str
    provider: str
    account: str
    key: str
    reached: str = NOT_TRIED
    schema: str = NOT_TRIED
    message: str = NOT_TRIED
    pull: str = NOT_TRIED
    input_tokens: int | None = None
    cached_tokens: int | None = None
    output_tokens: int | None = None
    latency_s: float | None = None
    cost_usd: float = 0.0
    advice: str | None = None

    @property
    def key_ok(self) -> bool:
        """Whether the model's key is set, or none is needed."""
        return not self.key.startswith("missing")

    @property
    def ok(self) -> bool:
        """Whether the model can play: it was reached, and both test turns were valid. The schema may be unenforced."""
        return self.reached == YES and self.message == VALID and self.pull == VALID


def before_a_call(name: str, config: ModelConfig) -> Checkup:
    """The findings that need no call: the account, the key, and whether a schema is configured."""
    endpoint = config.endpoint(name)
    problem = key_problem(endpoint)
    return Checkup(
        model=name,
        provider=config.provider,
        account=config.account,
        key=f"missing: {problem}" if problem else "none wanted" if endpoint.key_env is None else "set",
        schema=NOT_TRIED if config.json_schema else NOT_ASKED,
        advice=f"{problem}; keys come from the environment alone" if problem else None,
    )


def advice_on(found: Checkup, config: ModelConfig, completions: Sequence[Completion]) -> str | None:
    """One line on what to change, judged by the findings and the replies; None if there is nothing to change."""
    if found.schema == REFUSED:
        return "set `json_schema: false`: the same request is answered without a schema"
    turns = {found.message, found.pull} - {VALID, NOT_TRIED}
    if turns:
        return advice_on_replies(turns, completions, config.max_tokens)
    return "set `json_schema: false`, as nothing enforces it" if found.schema == NOT_ENFORCED else None
