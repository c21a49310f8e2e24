"""configs/models.yaml: how each model's name is reached, and what it costs."""

from typing import Annotated, Any, Literal

from pydantic import Field

from di_assets.arms.reading import Strict
from di_assets.providers.types import Endpoint

KEY_VARIABLES = {"openai": "OPENAI_API_KEY", "anthropic": "ANTHROPIC_API_KEY"}

Dollars = Annotated[float, Field(ge=0, strict=False)]


class Price(Strict):
    """US dollars per million tokens."""

    input: Dollars
    output: Dollars
    cached: Dollars | None = None

    def cost(self, input_tokens: int, cached_tokens: int, output_tokens: int) -> float:
        """US dollars of one call; `input_tokens` include the cached ones, which cost `cached` where that is given."""
        cached = self.input if self.cached is None else self.cached
        fresh = max(0, input_tokens - cached_tokens)
        return (fresh * self.input + cached_tokens * cached + output_tokens * self.output) / 1_000_000


class ModelConfig(Strict):
    """One model.

    Attributes:
        provider: the dialect its endpoint speaks.
        id: the API's name for it.
        base_url: where, if not the provider's own address.
        key: environment variable that holds the key; the provider's usual one by default, `none` where none is wanted.
        price: per million tokens; zeros where nothing is charged.
        concurrency: most calls in flight.
        json_schema: the endpoint enforces a JSON schema on replies.
        max_tokens: most tokens of a reply, thinking included.
        send_seed: send the call's seed.
        timeout_s: most seconds of one call, retries included.
        max_retries: retries by the SDK.
        params: further fields of the request's body, passed through untouched.
    """

    provider: Literal["openai", "anthropic"]
    id: str
    base_url: str | None = None
    key: str | None = None
    price: Price
    concurrency: int = Field(default=20, ge=1)
    json_schema: bool = True
    max_tokens: int = Field(default=1024, ge=1)
    send_seed: bool = False
    timeout_s: Annotated[float, Field(gt=0, strict=False)] = 600.0
    max_retries: int = Field(default=4, ge=0)
    params: dict[str, Any] = Field(default_factory=dict)

    def endpoint(self, name: str) -> Endpoint:
        """What a provider needs to reach it."""
        key = self.key or KEY_VARIABLES[self.provider]
        return Endpoint(
            name=name,
            provider=self.provider,
            id=self.id,
            base_url=self.base_url,
            key_env=None if key == "none" else key,
            json_schema=self.json_schema,
            max_tokens=self.max_tokens,
            send_seed=self.send_seed,
            params=self.params,
            timeout_s=self.timeout_s,
            max_retries=self.max_retries,
        )

    def identity(self) -> dict[str, Any]:
        """What of it can change a reply; prices and limits cannot."""
        kept = {"provider", "id", "base_url", "json_schema", "max_tokens", "send_seed", "params"}
        return self.model_dump(include=kept, exclude_defaults=True)


class Models(Strict):
    """The file as a whole: models by name, and named line-ups of them."""

    models: dict[str, ModelConfig]
    lineups: dict[str, list[str]] = Field(default_factory=dict)
