"""Reads the token counts that a server reports. If they can be read in two ways, the way that was charged is used.

Servers differ in three points. Tokens read from the prompt cache and written to it are included in the tokens sent, or
counted separately. Reasoning is included in the tokens received, or counted separately. And each count has several
names.

Of two ways that are both possible the dearer one is taken, unless a definition or the total decides. Anthropic defines
that its `input_tokens` never include tokens of the cache. There a total proves nothing, because Anthropic reports none:
a gateway has computed it, often as input + output alone. Elsewhere a total shows what is included. Without a total, a
count that is too large to be included is separate, and so are tokens of the cache under Anthropic's or Bedrock's names.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

Path = tuple[str, ...]

# Names of OpenAI, of Anthropic, of Bedrock, of Gemini: gateways mix them.
_SENT: tuple[Path, ...] = (("prompt_tokens",), ("input_tokens",), ("inputTokens",), ("promptTokenCount",))
_RECEIVED: tuple[Path, ...] = (
    ("completion_tokens",),
    ("output_tokens",),
    ("outputTokens",),
    ("candidatesTokenCount",),
)
_TOTAL: tuple[Path, ...] = (("total_tokens",), ("totalTokens",), ("totalTokenCount",))
_DETAILS_IN, _DETAILS_OUT = (
    ("prompt_tokens_details", "input_tokens_details"),
    (
        "completion_tokens_details",
        "output_tokens_details",
    ),
)
_REASONING: tuple[Path, ...] = (
    *((details, name) for details in _DETAILS_OUT for name in ("reasoning_tokens", "thinking_tokens")),
    ("reasoning_tokens",),
    ("thinking_tokens",),
    ("thoughtsTokenCount",),
)
_CACHED: tuple[Path, ...] = (
    *((details, "cached_tokens") for details in _DETAILS_IN),
    ("cache_read_input_tokens",),
    ("prompt_cache_hit_tokens",),
    ("cached_tokens",),
    ("cacheReadInputTokens",),
    ("cachedContentTokenCount",),
)
_WRITTEN: tuple[Path, ...] = (
    ("cache_creation_input_tokens",),
    ("cacheWriteInputTokens",),
    *((details, name) for details in _DETAILS_IN for name in ("cache_write_tokens", "cache_creation_tokens")),
)
_WRITTEN_5M, _WRITTEN_1H = (
    (("cache_creation", name), ("prompt_tokens_details", "cache_creation_token_details", name))
    for name in ("ephemeral_5m_input_tokens", "ephemeral_1h_input_tokens")
)


# OpenAI's name for the tokens sent, which include the cache; names of cached tokens that are not included.
_INCLUSIVE: tuple[Path, ...] = (("prompt_tokens",), ("promptTokenCount",))
_EXCLUSIVE: tuple[Path, ...] = tuple(
    (name,)
    for name in (
        "cache_read_input_tokens",
        "cache_creation_input_tokens",
        "cacheReadInputTokens",
        "cacheWriteInputTokens",
    )
)


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one call; None if the server does not report a count, or reports an impossible one.

    Attributes:
        sent: tokens sent, including those read from the prompt cache and written to it.
        cached: those of the sent tokens that were read from the cache.
        written: those of the sent tokens that were written to the cache.
        written_hour: those of the written tokens that are kept for an hour.
        received: tokens received, reasoning included.
    """

    sent: int | None = None
    cached: int | None = None
    written: int | None = None
    written_hour: int | None = None
    received: int | None = None


def read_usage(usage: Any, *, beside: bool, hour: bool = False, spoke: bool = False) -> Usage:
    """Reads the tokens from a usage object.

    Args:
        usage: the object as it stands in the body; any type.
        beside: this dialect defines that cached and written tokens are not included in the tokens sent.
        hour: the request asked for a cache that is kept for an hour.
        spoke: the reply has text, so a count of 0 tokens received is impossible.
    """
    # Gateways report several names at once, with 0 under the names that they do not use.
    sent, received, total = _most(usage, _SENT), _most(usage, _RECEIVED), _most(usage, _TOTAL)
    cached, reasoning = _first(usage, _CACHED), _most(usage, _REASONING) or 0
    written, written_hour = _written(usage, hour=hour)
    apart = (cached or 0) + (written or 0)
    if sent is not None and apart:
        default = not _first(usage, _INCLUSIVE) and bool(_first(usage, _EXCLUSIVE))
        if beside or _stands_beside(sent, received, total, apart, reasoning, default=default):
            sent += apart
    if received is not None and reasoning > received:
        received += reasoning
    if total is not None and sent is not None and total >= sent:
        received = max(received or 0, total - sent)
    # No request has 0 tokens, and no text has 0 tokens: such a count is not believed.
    return Usage(sent or None, cached, written, written_hour, None if spoke and not received else received)


def count(value: Any) -> int | None:
    """A count of tokens as a whole number; None if it cannot be one (text, a fraction, a negative number)."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return int(value) if value >= 0 and value == value // 1 and value < 1e15 else None


def _stands_beside(
    sent: int, received: int | None, total: int | None, apart: int, reasoning: int, *, default: bool
) -> bool:
    """Whether cached and written tokens are not included in the tokens sent, and must be added."""
    if apart > sent:
        return True
    if total is None or received is None:
        return default
    over = total - sent - received
    if over in {apart, apart + reasoning} and (default or over != reasoning):
        return True
    return False if over in {0, reasoning} else default


def _written(usage: Any, *, hour: bool) -> tuple[int | None, int | None]:
    """Tokens written to the cache, and those of them that are kept for an hour."""
    total = _first(usage, _WRITTEN)
    short, long = _first(usage, _WRITTEN_5M), _first(usage, _WRITTEN_1H)
    if short is None and long is None:
        return total, total if hour else None
    apart = (short or 0) + (long or 0)
    whole = max(total or 0, apart)
    # What neither count holds is kept as long as was asked for.
    return whole, (long or 0) + whole - apart if hour else long


def _first(usage: Any, paths: tuple[Path, ...]) -> int | None:
    """The first count above 0 under one of these names; 0 if there are only zeros, None if there is no count."""
    counts = list(_counts(usage, paths))
    return next(filter(None, counts), 0 if counts else None)


def _most(usage: Any, paths: tuple[Path, ...]) -> int | None:
    """The largest count found under one of these names."""
    return max(_counts(usage, paths), default=None)


def _counts(usage: Any, paths: tuple[Path, ...]) -> Iterator[int]:
    for path in paths:
        value = usage
        for key in path:
            value = value.get(key) if isinstance(value, dict) else None
        if (counted := count(value)) is not None:
            yield counted
