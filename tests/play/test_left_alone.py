"""A server that names a date is left alone by the whole account until then."""

import asyncio
import email.utils
import time

import pytest

from di_assets.arms import ModelConfig, Price
from di_assets.calls.sending import Lines
from di_assets.providers.asking import Ask
from di_assets.providers.types import Request
from tests.calls.test_sending import Seat
from tests.providers.server import answer, good, serving


class Other(Seat):
    """A second model of the same account."""

    model = "other"

    async def send(self, ask):
        return await self.lines.provider("other").complete(ask.payload)


def ask(number):
    payload = Request.of(system="", turns=(("user", str(number)),), schema=None, seed=0, cache_key="")
    return Ask(request_hash="", payload=payload)


@pytest.mark.parametrize("dialect", ["anthropic", "openai"])
async def test_no_call_of_an_account_goes_out_before_the_date_that_a_server_named(dialect):
    now, until = (email.utils.formatdate(seconds, usegmt=True) for seconds in (10_000, 10_001))
    busy = answer(429, "{}", [f"date: {now}", f"retry-after: {until}"])  # a second ahead by the server's own clock
    left = []

    def leaves(_):
        left.append(time.time())
        return lambda: None

    async with serving(busy, answer(body=good(dialect))) as (url, received):
        base = f"{url}/v1" if dialect == "openai" else url
        config = ModelConfig(provider=dialect, id="x", base_url=base, key="none", price=Price(input=1, output=1))
        lines = Lines({"m": config, "other": config}, {}, [])
        lines.connect(["m", "other"])
        first = asyncio.create_task(lines.send(Seat(lines), ask(0), leaves))
        await asyncio.sleep(0.3)
        seats = [Seat(lines), Other(lines)]
        await asyncio.gather(first, *(lines.send(seats[n % 2], ask(n), leaves) for n in range(1, 5)))
        await lines.close()
    assert len(left) == len(received) == 6
    assert all(left[0] + 0.95 <= at < left[0] + 6 for at in left[1:])
