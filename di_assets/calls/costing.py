"""What a call can cost at most, and what it did cost by the usage that was told.

The most is known before a call is made: no tokenizer makes more tokens than a text has bytes, and no reply is longer
than `max_tokens`. Told usage is held against a least, too. Usage that can't be counts as the most; so does usage that
never came. Usage above the most is believed: then the server has charged it, and play stops (see `tolls`).
"""

import json
import logging

from di_assets.arms.models import ModelConfig
from di_assets.providers.types import Completion, Request

log = logging.getLogger(__name__)

# Tokens that dialects add around each turn (role marks and the like): more than any of them does.
TOKENS_PER_TURN = 16
# No vocabulary in use has a word of more bytes (its longest are runs of spaces), so a text has at least one token for
# that many. What games send and get holds 2 to 5 bytes a token: usage that is told only somewhat too low can't be told
# from usage that is right; `di bill` shows it.
MOST_BYTES_PER_TOKEN = 128
# Thinking that is shown is prose, which never comes to as much; some servers charge for it and do not count it.
MOST_BYTES_PER_THOUGHT = 16
# Fields of `params` that ask for several replies at once.
CHOICES = ("n", "best_of")
# Dust of floats is no dollar.
DUST = 1e-9


def text_bytes(request: Request) -> int:
    """Bytes of a request's text as it is sent, and so no fewer than the text has."""
    return sum(map(len, request.encoded)) + len(request.system.encode())


def size(request: Request) -> int:
    """Bytes of all that a request sends: its text and its schema, which some servers charge for."""
    return text_bytes(request) + len(str(request.schema or ""))


def most_it_can_cost(config: ModelConfig, sent_bytes: int, turns: int) -> float:
    """Upper bound of one call's cost, US dollars, before it is made: so many bytes of text in so many turns.

    What `params` add to every request (tools, say) counts as text, too.
    """
    params = len(json.dumps(config.params, default=str)) if config.params else 0
    tokens = sent_bytes + params + (turns + 2) * TOKENS_PER_TURN
    return (tokens * config.dearest_input + most_output(config) * config.price.output) / 1_000_000


def most_output(config: ModelConfig) -> int:
    """The most tokens that one call can bring, thinking included; `params` may ask for several replies."""
    asked = [config.params.get(name) for name in CHOICES]
    return config.max_tokens * max([1, *(n for n in asked if isinstance(n, int))])


def cost_of(config: ModelConfig, completion: Completion, *, sent_bytes: int, most_usd: float) -> float:
    """Cost of a call by the usage that came back, US dollars.

    `most_usd` where no usage came, or usage that can't be; 0 where the server refused the prompt unbilled. More than
    `most_usd` where the server told so: it did not keep to what it was asked for, and has charged for it.

    Args:
        config: of the model.
        completion: what came back.
        sent_bytes: of the request's text, its schema left out.
        most_usd: the most that the call can cost.
    """
    if not completion.billed:
        return 0.0
    problem = usage_problem(completion, sent_bytes)
    if problem is not None:
        if completion.input_tokens is not None:  # what never came is usual with some servers
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
    """Why the told usage can't be what the call used; None where it can.

    Tokens were sent, for a prompt was; tokens were received, if a text or thinking came; what was read from a cache or
    written to it is part of what was sent. Each is at least one token for every `MOST_BYTES_PER_TOKEN` bytes.
    """
    sent, received = completion.input_tokens, completion.output_tokens
    if sent is None or received is None:
        return "no usage was told"
    kept = (completion.cached_tokens or 0) + (completion.written_tokens or 0)
    if min(sent, received, completion.cached_tokens or 0, completion.written_tokens or 0) < 0:
        return "usage below zero was told"
    if sent < least_tokens(sent_bytes):
        return f"{sent} input tokens were told for {sent_bytes:,} bytes"
    if kept > sent:
        return f"{kept} tokens read from a cache or written to it were told, of {sent} sent"
    came, thought = (len(said.encode(errors="replace")) for said in (completion.text, completion.reasoning or ""))
    if received < least_tokens(came) + -(-thought // MOST_BYTES_PER_THOUGHT):
        return f"{received} output tokens were told for {came + thought:,} bytes"
    return None


def least_tokens(text_bytes: int) -> int:
    """The fewest tokens that so many bytes of text can be; 0 where there is no text."""
    return -(-text_bytes // MOST_BYTES_PER_TOKEN)


def above(spent_usd: float, most_usd: float) -> bool:
    """Whether a call has cost more than it can cost, dust of floats left out."""
    return spent_usd > most_usd * (1 + DUST) + DUST / 1_000
