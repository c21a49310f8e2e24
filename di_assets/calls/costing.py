"""The maximum cost of a call, and its real cost by the token usage that the server reports.

The maximum is known before the call: a text has at most as many tokens as bytes, and a reply has at most `max_tokens`.
There is a minimum as well. Usage below it is impossible; then, and if no usage is reported, the call counts as its
maximum. Usage above the maximum is accepted, because the server has charged it; then play stops (see `permits`).
"""

import json
import logging

from di_assets.arms.models import ModelConfig
from di_assets.providers.types import Completion, Request

log = logging.getLogger(__name__)

# Upper bound of the tokens that a dialect adds around each turn (role marks, for example).
TOKENS_PER_TURN = 16
# The longest token in any vocabulary in use, bytes (long runs of spaces). So a text has at least one token per so many
# bytes. Texts of the game have 2 to 5 bytes per token. Usage that is only a little too low is not noticed here; `di
# bill` shows it.
MOST_BYTES_PER_TOKEN = 128
# The same for reasoning text. It is prose, which never has this many bytes per token. The bound finds servers that
# charge for reasoning but do not count it.
MOST_BYTES_PER_THOUGHT = 16
# Rounding error of sums of floats.
DUST = 1e-9


def text_bytes(request: Request) -> int:
    """Bytes of a request's text as it is sent. Encoding only adds bytes, so the text itself has no more than these."""
    return sum(map(len, request.encoded)) + len(request.system.encode())


def size(request: Request) -> int:
    """Bytes of a request's text and its schema together; some servers charge for the schema."""
    return text_bytes(request) + len(str(request.schema or ""))


def most_it_can_cost(config: ModelConfig, sent_bytes: int, turns: int) -> float:
    """The most that one call can cost, US dollars. It is computed before the call.

    Args:
        config: of the model.
        sent_bytes: bytes of the request. Bytes of `params` (tools, for example) are added here.
        turns: number of turns in the request.
    """
    params = len(json.dumps(config.params, default=str)) if config.params else 0
    tokens = sent_bytes + params + (turns + 2) * TOKENS_PER_TURN
    return (tokens * config.dearest_input + config.max_tokens * config.price.output) / 1_000_000


def cost_of(config: ModelConfig, completion: Completion, *, sent_bytes: int, most_usd: float) -> float:
    """Cost of a call by the usage that the server reported, US dollars.

    It is 0 if the server refused the prompt and does not bill it. It is `most_usd` if the usage is missing or
    impossible. It is more than `most_usd` if the server reports more than it was asked for: it has charged for it.

    Args:
        config: of the model.
        completion: what came back.
        sent_bytes: bytes of the request's text, without its schema.
        most_usd: the most that the call can cost.
    """
    if not completion.billed:
        return 0.0
    problem = usage_problem(completion, sent_bytes)
    if problem is not None:
        if completion.input_tokens is not None:  # no warning without usage: some servers never report it
            log.warning("%s: %s; the call counts as the most it can cost, $%.4f", config.id, problem, most_usd)
        return most_usd
    assert completion.input_tokens is not None and completion.output_tokens is not None  # noqa: PT018 -- no problem
    return config.price.cost(
        completion.input_tokens,
        completion.cached_tokens or 0,
        completion.output_tokens,
        completion.written_tokens or 0,
        completion.written_hour_tokens or 0,
    )


def usage_problem(completion: Completion, sent_bytes: int) -> str | None:
    """Why the reported usage is impossible, in words; None if it is possible.

    Usage is impossible if a count is missing or below 0; if there are fewer input or output tokens than the texts need
    (`least_tokens`); or if more tokens were read from the cache or written to it than were sent.
    """
    sent, received = completion.input_tokens, completion.output_tokens
    if sent is None or received is None:
        return "no usage was told"
    cached = (completion.cached_tokens or 0) + (completion.written_tokens or 0)
    if min(sent, received, completion.cached_tokens or 0, completion.written_tokens or 0) < 0:
        return "usage below zero was told"
    if sent < least_tokens(sent_bytes):
        return f"{sent} input tokens were told for {sent_bytes:,} bytes"
    if cached > sent:
        return f"{cached} tokens read from a cache or written to it were told, of {sent} sent"
    came, thought = (len(text.encode(errors="replace")) for text in (completion.text, completion.reasoning or ""))
    if received < least_tokens(came) + -(-thought // MOST_BYTES_PER_THOUGHT):
        return f"{received} output tokens were told for {came + thought:,} bytes"
    return None


def least_tokens(text_bytes: int) -> int:
    """The fewest tokens that a text of so many bytes can have; 0 for an empty text."""
    return -(-text_bytes // MOST_BYTES_PER_TOKEN)


def above(spent_usd: float, most_usd: float) -> bool:
    """Whether a call cost more than its maximum; a rounding error does not count."""
    return spent_usd > most_usd * (1 + DUST) + DUST / 1_000
