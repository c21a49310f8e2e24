"""Reads what a server says that a call cost, US dollars.

Three places are read: `usage.cost` (OpenRouter; its credits are US dollars; Perplexity has an object there with a
`total_cost`), `usage.total_cost`, and the header `x-litellm-response-cost` (LiteLLM's proxy). Anything else there is
ignored, and never makes the body unreadable.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

_HEADER = "x-litellm-response-cost"
_DECIMAL = re.compile(r"[0-9]{1,20}(?:\.[0-9]{1,40})?(?:[eE][+-]?[0-9]{1,3})?")
# More than any call can cost: the dearest models charge some hundred dollars for a million tokens.
_ABSURD_USD = 10_000.0


def told_cost(data: Any, headers: Mapping[str, str]) -> float | None:
    """The cost that an answer tells, US dollars; the largest if it tells several, None if it tells none.

    What is no finite number from 0 to 10,000 is no cost: text, true, null, a negative number, NaN, 1e308.

    Args:
        data: the parsed body, without its envelope; any type.
        headers: of the answer.
    """
    return max(_costs(data, headers), default=None)


def _costs(data: Any, headers: Mapping[str, str]) -> Iterator[float]:
    usage = data.get("usage") if isinstance(data, dict) else None
    if isinstance(usage, dict):
        for value in (usage.get("cost"), usage.get("total_cost")):
            yield from _dollars(value.get("total_cost") if isinstance(value, dict) else value)
    text = headers.get(_HEADER, "")
    if _DECIMAL.fullmatch(text):
        yield from _dollars(float(text))


def _dollars(value: Any) -> Iterator[float]:
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= _ABSURD_USD:
        yield float(value)
