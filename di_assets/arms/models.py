"""configs/models.yaml: how each model's name is reached, and what it costs."""

from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from di_assets.arms.reading import Strict
from di_assets.providers.types import Endpoint

KEY_VARIABLES = {"openai": "OPENAI_API_KEY", "anthropic": "ANTHROPIC_API_KEY"}

# What Anthropic asks for tokens that are written to its prompt cache, against other input.
WRITTEN_AGAINST_INPUT = 1.25

Dollars = Annotated[float, Field(ge=0, strict=False)]
Count = Annotated[int, Field(ge=1)]


class Price(Strict):
    """US dollars per million tokens.

    Attributes:
        input: tokens sent.
        output: tokens received, reasoning included.
        cached: tokens sent that the provider's prompt cache held; as input where None.
        written: tokens sent that were written to it; as input where None (1.25 times that at Anthropic).
    """

    input: Dollars
    output: Dollars
    cached: Dollars | None = None
    written: Dollars | None = None

    def cost(self, input_tokens: int, cached_tokens: int, output_tokens: int, written_tokens: int = 0) -> float:
        """US dollars of one call; `input_tokens` include those read from the cache and those written to it."""
        cached = self.input if self.cached is None else self.cached
        written = self.input if self.written is None else self.written
        fresh = max(0, input_tokens - cached_tokens - written_tokens)
        sent = fresh * self.input + cached_tokens * cached + written_tokens * written
        return (sent + output_tokens * self.output) / 1_000_000

    @property
    def dearest_input(self) -> float:
        """The most that one million tokens sent can cost."""
        return max(self.input, self.cached or 0.0, self.written or 0.0)


class Limits(Strict):
    """How fast a model, or an account that several models share, may be asked; None is no limit.

    Attributes:
        concurrency: most calls in flight.
        requests_per_minute: most calls begun in any minute.
        tokens_per_minute: most tokens, sent and received, in any minute.
    """

    concurrency: Count | None = None
    requests_per_minute: Count | None = None
    tokens_per_minute: Count | None = None


class ModelConfig(Strict):
    """One model.

    Attributes:
        provider: the dialect its endpoint speaks.
        id: the API's name for it.
        base_url: where, if not the provider's own address.
        key: environment variable that holds the key; the provider's usual one by default, `none` where none is wanted.
        price: per million tokens; zeros where nothing is charged.
        concurrency: most calls in flight.
        requests_per_minute: most calls begun in any minute.
        tokens_per_minute: most tokens, sent and received, in any minute.
        json_schema: the endpoint enforces a JSON schema on replies.
        max_tokens: most tokens of a reply, thinking included.
        send_seed: send the call's seed.
        timeout_s: most seconds of one try of a call.
        max_retries: how often a call that failed is sent again.
        params: further fields of the request's body, passed through untouched.
    """

    provider: Literal["openai", "anthropic"]
    id: str
    base_url: str | None = None
    key: str | None = None
    price: Price
    concurrency: Count = 20
    requests_per_minute: Count | None = None
    tokens_per_minute: Count | None = None
    json_schema: bool = True
    max_tokens: int = Field(default=1024, ge=1)
    send_seed: bool = False
    timeout_s: Annotated[float, Field(gt=0, strict=False)] = 600.0
    max_retries: int = Field(default=4, ge=0)
    params: dict[str, Any] = Field(default_factory=dict)

    @field_validator("base_url")
    @classmethod
    def _no_password(cls, url: str | None) -> str | None:
        if url is not None and (urlsplit(url).scheme not in {"http", "https"} or not urlsplit(url).netloc):
            raise ValueError("expected an address such as https://host/v1")
        if url is not None and "@" in urlsplit(url).netloc:
            raise ValueError("holds a user or password, which would be shown; name a key variable with `key` instead")
        return url

    @model_validator(mode="after")
    def _price_of_written(self) -> Self:
        price = self.price
        if self.provider == "anthropic" and price.written is None:
            self.__dict__["price"] = price.model_copy(update={"written": WRITTEN_AGAINST_INPUT * price.input})
        return self

    @property
    def account(self) -> str:
        """Where its limits are shared: the host of its base URL, or the provider's name."""
        return urlsplit(self.base_url).netloc if self.base_url else self.provider

    @property
    def limits(self) -> Limits:
        """Its own limits."""
        return Limits(
            concurrency=self.concurrency,
            requests_per_minute=self.requests_per_minute,
            tokens_per_minute=self.tokens_per_minute,
        )

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
            connections=2 * self.concurrency,  # one is let go a moment after its reply is read
        )

    def identity(self) -> dict[str, Any]:
        """What of it can change a reply; prices and limits cannot."""
        kept = {"provider", "id", "base_url", "json_schema", "max_tokens", "send_seed", "params"}
        return self.model_dump(include=kept, exclude_defaults=True)


class Models(Strict):
    """The file as a whole: models by name, limits by account, and named line-ups of models."""

    models: dict[str, ModelConfig]
    accounts: dict[str, Limits] = Field(default_factory=dict)
    lineups: dict[str, list[str]] = Field(default_factory=dict)
