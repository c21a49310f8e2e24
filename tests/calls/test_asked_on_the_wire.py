"""A server that makes and charges all that a request asks for: refused when it is read, or bounded and recorded."""

import json
from math import prod

import pytest
from pydantic import ValidationError

from di_assets.arms import ModelConfig, Price
from di_assets.arms.models import Account
from di_assets.calls.budget import Budget
from di_assets.calls.costing import above
from di_assets.calls.sending import Lines
from tests.arms.test_sent_fields import REFUSED, SENT
from tests.calls.test_sending import ASK, DIALECTS, Out, Seat
from tests.providers.server import answer, good, serving

PRICE = Price(input=3, output=15)
LIMITS = ("max_tokens", "max_completion_tokens", "max_output_tokens", "max_new_tokens", "maxOutputTokens", "num_predict",
          "n_predict", "max_tokens_to_sample", "max_gen_len", "maxTokenCount", "max_length", "budget_tokens")  # fmt: skip
REPLIES = ("n", "best_of", "num_return_sequences", "num_completions", "candidateCount")

NO_SETTINGS = {"properties", "messages", "input", "metadata", "guided_json", "litellm_metadata", "labels", "trace",
               "variables"}  # fmt: skip


def numbers(body, names):
    """Every number under one of these names, however it is written, at any depth; schemas are no settings."""
    if isinstance(body, list):
        return [found for item in body for found in numbers(item, names)]
    found = []
    for name, value in body.items() if isinstance(body, dict) else ():
        if name in names and isinstance(value, int | float | str):
            found.append(int(float(value)))
        elif name not in NO_SETTINGS:
            found += numbers(value, names)
    return found


def tokens_asked(body):
    """The tokens that a server makes that takes every limit that it knows for the largest, and each reply for asked."""
    return max(numbers(body, LIMITS), default=100) * prod(max(1, n) for n in numbers(body, REPLIES))


async def charged(dialect, params, rename):
    """Sends one request; gives what the server charges for it, and what was sent and recorded."""
    bills = []

    def greedy(body):
        made = tokens_asked(body)
        bills.append(made * PRICE.output / 1_000_000)
        usage = {"prompt_tokens": 20, "completion_tokens": made, "input_tokens": 20, "output_tokens": made}
        return answer(body=json.dumps(json.loads(good(dialect)) | {"usage": usage}))

    async with serving(greedy) as (url, received):
        base = f"{url}/v1" if dialect == "openai" else url
        config = ModelConfig(provider=dialect, id="x", base_url=base, key="none", price=PRICE, max_tokens=100,
                             send_seed=True, params=params, rename=rename)  # fmt: skip
        lines = Lines({"m": config}, {config.account: Account()}, [Budget(None)])
        try:
            sent = await lines.send(Seat(lines), ASK, Out())
        finally:
            await lines.close()
    return sum(bills), sent, received


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(("params", "rename"), SENT, ids=str)
async def test_what_a_server_charges_for_what_it_was_asked_is_at_most_the_bound(dialect, params, rename):
    bill, sent, received = await charged(dialect, params, rename)
    assert "stream" not in received[0]["body"]
    assert 0 < bill <= sent.cost_usd
    assert not above(bill, sent.bound_usd)
    assert not above(sent.cost_usd, sent.bound_usd)


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(("params", "rename"), [case[:2] for case in REFUSED], ids=str)
async def test_what_would_ask_for_more_is_never_sent(dialect, params, rename):
    with pytest.raises(ValidationError):
        await charged(dialect, params, rename)


def test_the_server_would_charge_more_for_what_is_refused():
    """What the test above would miss if the server were less greedy than it says."""
    assert tokens_asked({"max_tokens": 100, "n": 3}) == 300
    assert tokens_asked({"max_tokens": 100, "n": "3", "x": [{"best_of": 2}]}) == 600
    assert tokens_asked({"max_tokens": 100, "generationConfig": {"maxOutputTokens": 5000}}) == 5000
    assert tokens_asked({"properties": {"n": 3}, "messages": [{"n": 3}]}) == 100


@pytest.mark.parametrize("params", [{"tools": [{"name": "t", "cache_control": {"type": "ephemeral", "ttl": "1h"}}]}])
def test_a_cache_kept_for_an_hour_counts_wherever_it_is_asked_for(params):
    config = ModelConfig(provider="anthropic", id="x", price=PRICE, params=params)
    assert config.dearest_input == 2 * PRICE.input
