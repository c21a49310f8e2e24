"""configs/models.yaml: how to reach each model, and what it costs."""

import json
from typing import Annotated, Any, Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from di_assets.arms.sent_fields import sent_problem
from di_assets.arms.yaml_files import Strict
from di_assets.nearest import nearest
from di_assets.providers import DIALECTS
from di_assets.providers.types import Endpoint, keeps_an_hour

# Keys of a model that do not change replies. All other keys, also new ones, are part of an episode's identity.
NO_PART_OF_REPLIES = {"key", "price", "concurrency", "requests_per_minute", "tokens_per_minute"}
NO_PART_OF_REPLIES |= {"timeout_s", "max_retries", "max_reply_bytes"}

Dollars = Annotated[float, Field(ge=0, strict=False)]
Count = Annotated[int, Field(ge=1)]


class TokenPrices(Strict):
    """US dollars per million tokens.

    Attributes:
        input: tokens sent.
        output: tokens received, including reasoning.
        cached: tokens sent that were read from the provider's prompt cache; as `input` if None.
        written: tokens sent that were written to the cache; if None, as its dialect says, else as `input`.
        written_hour: tokens written to the cache for an hour; if None, as its dialect says, else as `written`.
    """

    input: Dollars
    output: Dollars
    cached: Dollars | None = None
    written: Dollars | None = None
    written_hour: Dollars | None = None

    def cost(
        self,
        input_tokens: int,
        cached_tokens: int,
        output_tokens: int,
        written_tokens: int = 0,
        written_hour_tokens: int = 0,
    ) -> float:
        """US dollars of one call.

        Args:
            input_tokens: tokens sent, including those read from the cache and written to it.
            cached_tokens: tokens read from the cache.
            output_tokens: tokens received, including reasoning.
            written_tokens: tokens written to the cache, for any time.
            written_hour_tokens: those of `written_tokens` that are kept for an hour.
        """
        cached = self.input if self.cached is None else self.cached
        written = self.input if self.written is None else self.written
        hour = written if self.written_hour is None else self.written_hour
        fresh = max(0, input_tokens - cached_tokens - written_tokens)
        kept_hour = min(written_hour_tokens, written_tokens)
        sent = fresh * self.input + cached_tokens * cached
        sent += (written_tokens - kept_hour) * written + kept_hour * hour
        return (sent + output_tokens * self.output) / 1_000_000


class Price(TokenPrices):
    """US dollars per million tokens of live calls, and of calls by the provider's batch interface.

    Attributes:
        batch: prices of calls in batches; None if they cost as much as live calls.
    """

    batch: TokenPrices | None = None


class Limits(Strict):
    """Rate limits of a model, or of an account that several models share; None is no limit.

    Attributes:
        concurrency: most calls in flight.
        requests_per_minute: most calls started in any minute.
        tokens_per_minute: most tokens, sent and received, in any minute.
    """

    concurrency: Count | None = None
    requests_per_minute: Count | None = None
    tokens_per_minute: Count | None = None


class Account(Limits):
    """Settings of an account: limits that its models share, and what it charges for.

    Attributes:
        failures_billed: failed calls may be charged: an error inside the server, a cut connection, a broken reply, a
            refused prompt. A call that was abandoned on our side may always be charged.
        cost_in_dollars: the cost that the server tells of a call is in US dollars; if not, it is not used.
    """

    failures_billed: bool = True
    cost_in_dollars: bool = True


class ModelConfig(Strict):
    """One model.

    Attributes:
        provider: the dialect its endpoint speaks.
        id: the API's name for it.
        base_url: its address, if it is not the provider's own.
        key: environment variable that holds the key; the provider's usual one by default, `none` if no key is needed.
        price: per million tokens; zeros if nothing is charged.
        concurrency: most calls in flight.
        requests_per_minute: most calls started in any minute.
        tokens_per_minute: most tokens, sent and received, in any minute.
        json_schema: the endpoint enforces a JSON schema on replies.
        max_tokens: most tokens of a reply, including thinking. Budgets use it. If it is not sent (`null` under
            `params`), it must be the server's own limit.
        send_seed: send the call's seed.
        timeout_s: most seconds of one call, including all its tries and the waits between them.
        max_retries: how often a failed call is sent again.
        max_reply_bytes: a longer body is not accepted as a reply.
        params: further fields of the request's body, sent unchanged. A field that is null is not sent, even if it would
            be otherwise. Fields that would ask for more than budgets count are refused (see `sent_fields`).
        rename: other names for fields of the body: {max_tokens: max_completion_tokens}.
        system: the server accepts a system text; if not, the text is put at the start of the first user turn.
    """

    provider: str
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
    max_reply_bytes: int = Field(default=4 * 2**20, ge=1024)
    params: dict[str, Any] = Field(default_factory=dict)
    rename: dict[str, str] = Field(default_factory=dict)
    system: bool = True

    @field_validator("provider")
    @classmethod
    def _known_dialect(cls, name: str) -> str:
        if name not in DIALECTS:
            raise ValueError(f"no dialect {name!r}{nearest(name, DIALECTS)}")
        return name

    @field_validator("params")
    @classmethod
    def _sendable(cls, params: dict[str, Any]) -> dict[str, Any]:
        if "messages" in params:
            raise ValueError("`messages` comes from the game; leave it out")
        try:
            json.dumps(params, allow_nan=False)
        except ValueError:
            raise ValueError("expected finite numbers; JSON has no .inf and no .nan") from None
        except TypeError:
            raise ValueError(
                "expected what JSON can hold: text, numbers, true, false, null, lists and objects"
            ) from None
        return params

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
        dialect, price = DIALECTS[self.provider], self.price
        usual = {"written": dialect.written_against_input, "written_hour": dialect.written_hour_against_input}

        def missing(prices: TokenPrices) -> dict[str, Any]:
            return {
                name: times * prices.input
                for name, times in usual.items()
                if times is not None and getattr(prices, name) is None
            }

        batch = price.batch and price.batch.model_copy(update=missing(price.batch))
        self.__dict__["price"] = price.model_copy(update={**missing(price), "batch": batch})
        return self

    @model_validator(mode="after")
    def _budgets_hold(self) -> Self:
        problem = sent_problem(self.params, self.rename, self.max_tokens)
        if problem is not None:
            raise ValueError(problem)
        return self

    @property
    def dearest_input(self) -> float:
        """The highest possible price of one million tokens sent, US dollars."""
        price = self.price
        hour = price.written_hour if keeps_an_hour(self.params) else None
        return max(price.input, price.cached or 0.0, price.written or 0.0, hour or 0.0)

    @property
    def in_batches(self) -> "ModelConfig | None":
        """The model as it is asked in batches, at the price of those; None if it can only be asked live.

        The providers' own addresses have a batch interface. Another server has one if it has a price for batches.
        """
        if DIALECTS[self.provider].batches is None or (self.base_url is not None and self.price.batch is None):
            return None
        prices = self.price.batch or self.price
        return self.model_copy(update={"price": Price(**prices.model_dump(exclude={"batch"}))})

    @property
    def account(self) -> str:
        """The account whose limits it shares: the host of its base URL, or the provider's name."""
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
        """Everything that a provider needs to reach it."""
        key = self.key or DIALECTS[self.provider].key_variable
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
            rename=self.rename,
            system=self.system,
            timeout_s=self.timeout_s,
            max_reply_bytes=self.max_reply_bytes,
            connections=2 * self.concurrency,  # a connection is released a moment after its reply is read
        )

    def identity(self) -> dict[str, Any]:
        """The settings that can change a reply: every key that is set, except those in `NO_PART_OF_REPLIES`."""
        return self.model_dump(exclude=NO_PART_OF_REPLIES, exclude_defaults=True)


class Models(Strict):
    """The whole file: models by name, settings of accounts, and named line-ups of models."""

    models: dict[str, ModelConfig]
    accounts: dict[str, Account] = Field(default_factory=dict)
    lineups: dict[str, list[str]] = Field(default_factory=dict)
