"""A provider that charges: the hostile server with a price list, a meter and every way of telling it wrongly.

The mode is the first part of the model's id (`500_billed/anything`); the ledger holds what is charged for each request,
in US dollars, whether or not that is told. Prices are those of `PRICE`, a million tokens.
"""

import argparse
import asyncio
import json
import random
from typing import NamedTuple

from tests.providers.hostile import Hostile, envelope, good_reply, http

PRICE = {"fresh": 3.0, "read": 0.3, "written": 3.75, "hour": 6.0, "out": 15.0, "fee": 1_000_000.0}
HANG_S = 30
CLOSE, ABORT, HANG, DRIP = "close", "abort", "hang", "drip"
ERROR = json.dumps({"error": {"type": "some_error", "message": "no"}})


class Metered(NamedTuple):
    """Tokens that a request came to, as the provider counts them."""

    fresh: int = 0
    read: int = 0
    written: int = 0
    hour: int = 0
    out: int = 0
    fee: float = 0.0  # US dollars beside all tokens

    @property
    def usd(self):
        return sum(PRICE[kind] * count for kind, count in self._asdict().items()) / 1_000_000

    @property
    def sent(self):
        return self.fresh + self.read + self.written + self.hour


class Said(NamedTuple):
    """What is sent, how the connection goes on (None: it stays), and what is charged."""

    data: bytes
    charged: Metered = Metered()
    then: str | None = None


class Asked(NamedTuple):
    """One request: dialect, how many tokens it is, a good reply to it, the most tokens a reply may have, which try."""

    dialect: str
    sent: int
    text: str
    most: int
    times: int

    @property
    def openai(self):
        return self.dialect == "openai"

    @property
    def metered(self):
        return Metered(fresh=self.sent - self.sent // 2, read=self.sent // 2, out=len(self.text) // 3)

    @property
    def plain(self):
        return Metered(fresh=self.sent, out=len(self.text) // 3)


def told(ask, metered, **more):
    """Usage as a dialect tells it."""
    if ask.openai:
        usage = {"prompt_tokens": metered.sent, "completion_tokens": metered.out}
        usage |= {"total_tokens": metered.sent + metered.out, "prompt_tokens_details": {"cached_tokens": metered.read}}
    else:
        usage = {"input_tokens": metered.fresh, "cache_read_input_tokens": metered.read, "output_tokens": metered.out}
        usage["cache_creation_input_tokens"] = metered.written + metered.hour
    return usage | more


def whole(ask, usage, *, text=None, stop="end", **more):
    return http(200, json.dumps(envelope(ask.dialect, ask.text if text is None else text, stop, usage) | more))


def good(ask):
    return Said(whole(ask, told(ask, ask.metered)), ask.metered)


def status(number, *headers, billed=True, body=ERROR, then=None):
    return lambda ask: Said(http(number, body, *headers), ask.plain if billed else Metered(), then)


def usage_is(usage_of, metered=None):
    """A good reply whose usage is told as `usage_of` says."""

    def said(ask):
        usage = usage_of(ask)
        return Said(whole(ask, usage), metered(ask) if metered else ask.plain)

    return said


def both(prompt, completion):
    """Counts told in either dialect's fields."""
    return lambda ask: (
        {"prompt_tokens": prompt, "completion_tokens": completion}
        if ask.openai
        else {"input_tokens": prompt, "output_tokens": completion}
    )


def cut(at, *, billed=True):
    """The connection ends after so many bytes of a good reply (None: before the first)."""

    def said(ask):
        data = b"" if at is None else good(ask).data[:at]
        return Said(data, ask.plain if billed else Metered(), ABORT if at is None else CLOSE)

    return said


def first(times, fault):
    """So many faults, then the reply."""
    return lambda ask: fault(ask) if ask.times <= times else good(ask)


def in_turn(*faults):
    """These faults one after the other, then the reply."""
    return lambda ask: faults[ask.times - 1](ask) if ask.times <= len(faults) else good(ask)


def hidden(tokens, tell):
    """Thinking that is charged and told apart from the reply's tokens."""

    def said(ask):
        metered = ask.plain._replace(out=ask.plain.out + tokens)
        return Said(whole(ask, tell(ask, ask.plain, tokens)), metered)

    return said


def _total_only(ask, plain, tokens):
    return told(ask, plain, total_tokens=plain.sent + plain.out + tokens)


def _details_only(ask, plain, tokens):
    name = "completion_tokens_details" if ask.openai else "output_tokens_details"
    return told(ask, plain, **{name: {"reasoning_tokens" if ask.openai else "thinking_tokens": tokens}})


def _details_in_halves(ask, plain, tokens):
    name = "completion_tokens_details" if ask.openai else "output_tokens_details"
    return told(ask, plain, **{name: {"reasoning_tokens": float(tokens), "thinking_tokens": float(tokens)}})


def _counted(ask, plain, tokens):
    counted = plain._replace(out=plain.out + tokens)
    name = "completion_tokens_details" if ask.openai else "output_tokens_details"
    return told(ask, counted, **{name: {"reasoning_tokens": tokens}})


def visible_thinking(ask):
    """Thinking is shown and charged, and yet not counted."""
    thought = "I wonder whom to pull. " * 20
    usage, metered = told(ask, ask.plain), ask.plain._replace(out=ask.plain.out + len(thought) // 4)
    body = envelope(ask.dialect, ask.text, "end", usage)
    if ask.openai:
        body["choices"][0]["message"]["reasoning_content"] = thought
    else:
        body["content"].insert(0, {"type": "thinking", "thinking": thought})
    return Said(http(200, json.dumps(body)), metered)


def cached(count):
    """What was read from the cache is told in an odd way; all is charged as fresh."""

    def usage(ask):
        odd = {"prompt_tokens_details": {"cached_tokens": count(ask)}} if ask.openai else {}
        return told(ask, ask.plain) | (odd or {"cache_read_input_tokens": count(ask)})

    return usage_is(usage)


def written(kind, *, apart):
    """Half of the prompt is written to the cache, for five minutes or an hour; told apart or not."""

    def said(ask):
        metered = Metered(fresh=ask.sent - ask.sent // 2, out=ask.plain.out)
        if ask.openai:
            return Said(whole(ask, told(ask, ask.plain)), ask.plain)
        metered = metered._replace(**{kind: ask.sent // 2})
        name = "ephemeral_1h_input_tokens" if kind == "hour" else "ephemeral_5m_input_tokens"
        more = {"cache_creation": {name: ask.sent // 2}} if apart else {}
        return Said(whole(ask, told(ask, metered, **more)), metered)

    return said


def refusal(*, out):
    def said(ask):
        metered = ask.plain._replace(out=out)
        return Said(whole(ask, told(ask, metered), text="I can't help with that.", stop="refusal"), metered)

    return said


def blocked(*, billed):
    """A prompt that a filter refuses with status 400; some charge for what they read."""
    body = json.dumps({"error": {"type": "invalid_request_error", "code": "content_filter", "param": "prompt"}})
    return lambda ask: Said(http(400, body), Metered(fresh=ask.sent) if billed else Metered())


def ends(stop, *, text=None):
    """All tokens that a reply may have are used up."""

    def said(ask):
        metered = ask.plain._replace(out=ask.most)
        return Said(whole(ask, told(ask, metered), text=text, stop=stop), metered)

    return said


def beyond(**times):
    """More tokens than were asked for, told and charged."""

    def said(ask):
        metered = ask.plain._replace(**{kind: factor * (ask.most if kind == "out" else ask.sent) for kind, factor in times.items()})  # fmt: skip
        return Said(whole(ask, told(ask, metered)), metered)

    return said


def inside(error, *, billed):
    """An error told with status 200."""
    return lambda ask: Said(http(200, json.dumps({"error": error})), ask.plain if billed else Metered())


def broken_off(error, *, where):
    """An error told with status 200 after a part of the reply was made; all of it is charged and told."""

    def said(ask):
        body = envelope(ask.dialect, ask.text, "error", told(ask, ask.plain))
        in_choice = where == "choice" and ask.openai
        body |= {"choices": [body["choices"][0] | {"error": error}]} if in_choice else {"error": error}
        return Said(http(200, json.dumps(body)), ask.plain)

    return said


def blocked_after(*, out):
    """A filter that stops a reply after some tokens were made: no choice is left, the usage tells them."""

    def said(ask):
        metered = ask.plain._replace(out=out)
        body = {"id": "same", "choices": [], "prompt_feedback": {"block_reason": "SAFETY"}, "usage": told(ask, metered)}
        return Said(http(200, json.dumps(body)), metered)

    return said


def zero_first(ask):
    """Usage of a gateway that tells the cache under its own name and writes 0 under that of the other dialect."""
    many = 20 * ask.sent
    metered = Metered(fresh=ask.sent, read=many, out=len(ask.text) // 3)
    if ask.openai:
        usage = {
            "prompt_tokens": ask.sent,
            "prompt_tokens_details": {"cached_tokens": 0},
            "completion_tokens": metered.out,
        }
        usage |= {"cache_read_input_tokens": many}
    else:
        usage = {"input_tokens": ask.sent, "cache_read_input_tokens": many, "output_tokens": metered.out}
        usage |= {"prompt_tokens_details": {"cached_tokens": 0}}
    return Said(whole(ask, usage), metered)


def total_of_two(kind):
    """Half of the prompt is in the cache; where it stands beside, the total is still that of input and output alone."""

    def said(ask):
        metered = Metered(fresh=ask.sent - ask.sent // 2, out=ask.plain.out)._replace(**{kind: ask.sent // 2})
        if ask.openai:
            return Said(whole(ask, told(ask, ask.plain)), ask.plain)
        return Said(whole(ask, told(ask, metered, total_tokens=metered.fresh + metered.out)), metered)

    return said


def costs(tell, *, fee):
    """A fee is charged beside the tokens; `tell` gives what is added to the usage, and the headers."""

    def said(ask):
        metered = ask.plain._replace(fee=fee)
        usage, headers = tell(metered.usd)
        return Said(http(200, json.dumps(envelope(ask.dialect, ask.text, "end", told(ask, ask.plain, **usage))), *headers), metered)  # fmt: skip

    return said


def failed_with_cost(ask):
    """A rate limit that nobody charges for as a rule; this server does, and says so."""
    metered = Metered(fee=0.0002)
    return Said(http(429, ERROR, "retry-after-ms: 5", f"x-litellm-response-cost: {metered.usd}"), metered)


HTML = "<html>busy</html>"
MODES = {
    "good": good,
    # The line.
    "cut_before_headers": cut(None),
    "cut_before_headers_unbilled": cut(None, billed=False),
    "cut_in_headers": cut(25),
    "cut_after_headers": lambda ask: Said(good(ask).data.split(b"\r\n\r\n")[0] + b"\r\n\r\n", ask.plain, CLOSE),
    "cut_in_body": cut(-5),
    "cut_twice_then_good": first(2, cut(None)),
    "cut_in_body_then_good": first(1, cut(-5)),
    "silence_before_headers": lambda ask: Said(b"", ask.plain, HANG),
    "silence_in_headers": lambda ask: Said(good(ask).data[:30], ask.plain, HANG),
    "silence_in_body": lambda ask: Said(good(ask).data[:-20], ask.plain, HANG),
    "drip": lambda ask: Said(good(ask).data, ask.plain, DRIP),
    # The server.
    "500_billed": status(500),
    "500_billed_closed": status(500, then=CLOSE),
    "502_html_billed": status(502, body=HTML),
    "503_billed": status(503, "retry-after: 0"),
    "504_billed": status(504, body=""),
    "529_billed": status(529),
    "408_billed": status(408),
    "409": status(409, billed=False),
    "500_unbilled": status(500, billed=False),
    "500_billed_twice_then_good": first(2, status(500)),
    "all_sorts_then_good": in_turn(status(429, billed=False), status(503), cut(None)),
    "429": status(429, "retry-after-ms: 5", billed=False),
    "429_then_good": first(1, status(429, "retry-after-ms: 5", billed=False)),
    "401": status(401, billed=False),
    "402": status(402, billed=False),
    "404": status(404, billed=False),
    "422": status(422, billed=False),
    # Status 200, and yet no reply.
    "html_billed": lambda ask: Said(http(200, HTML), ask.plain),
    "broken_json_billed": lambda ask: Said(http(200, '{"id": "same", "choices": ['), ask.plain),
    "no_choice_billed": lambda ask: Said(http(200, '{"id": "same", "choices": [], "content": null}'), ask.plain),
    "empty_body_billed": lambda ask: Said(http(200, ""), ask.plain),
    "error_inside_billed": inside({"type": "some_error", "code": 500}, billed=True),
    "error_inside_429": inside({"message": "Rate limit exceeded", "code": 429}, billed=False),
    "error_in_choice_429_after_text": broken_off({"message": "Rate limit exceeded", "code": 429}, where="choice"),
    "error_inside_429_with_usage": broken_off({"message": "Rate limit exceeded", "code": 429}, where="body"),
    "error_inside_402_with_usage": broken_off({"message": "Insufficient credits", "code": 402}, where="body"),
    "html_then_good": first(1, lambda ask: Said(http(200, HTML), ask.plain)),
    # Usage.
    "usage_zero": usage_is(both(0, 0)),
    "usage_zero_in": usage_is(lambda ask: both(0, ask.plain.out)(ask)),
    "usage_zero_out": usage_is(lambda ask: both(ask.sent, 0)(ask)),
    "usage_one_in": usage_is(lambda ask: both(1, ask.plain.out)(ask)),
    "usage_negative": usage_is(lambda ask: both(-ask.sent, -5)(ask)),
    "usage_negative_out": usage_is(lambda ask: both(ask.sent, -5)(ask)),
    "usage_null": usage_is(lambda _: None),
    "usage_null_counts": usage_is(both(None, None)),
    "usage_missing": usage_is(lambda _: {}),
    "usage_list": usage_is(lambda _: [1, 2]),
    "usage_strings": usage_is(lambda ask: both(str(ask.sent), str(ask.plain.out))(ask)),
    "usage_words": usage_is(both("many", "few")),
    "usage_floats": usage_is(lambda ask: both(float(ask.sent), float(ask.plain.out))(ask)),
    "usage_fractions": usage_is(lambda ask: both(ask.sent - 0.5, 0.5)(ask)),
    "usage_true": usage_is(both(True, True)),
    # Thinking.
    "reasoning_in_total_only": hidden(150, _total_only),
    "reasoning_in_details_only": hidden(150, _details_only),
    "reasoning_in_details_as_float": hidden(150, _details_in_halves),
    "reasoning_counted": hidden(150, _counted),
    "reasoning_shown_uncounted": visible_thinking,
    # The cache.
    "cached_above_sent": cached(lambda ask: 2 * ask.sent),
    "cached_negative": cached(lambda ask: -ask.sent),
    "cached_words": cached(lambda _: "all"),
    "cached_null": cached(lambda _: None),
    "cached_beside_a_zero": zero_first,
    "total_beside_read": total_of_two("read"),
    "total_beside_written": total_of_two("written"),
    "written_5m": written("written", apart=True),
    "written_hour": written("hour", apart=True),
    "written_hour_untold": written("hour", apart=False),
    # The cost in dollars.
    "cost_in_usage": costs(lambda usd: ({"cost": usd}, ()), fee=0.0002),
    "cost_in_usage_as_total": costs(lambda usd: ({"total_cost": usd, "cost": None}, ()), fee=0.0002),
    "cost_in_an_object": costs(lambda usd: ({"cost": {"request_cost": 0.0002, "total_cost": usd}}, ()), fee=0.0002),
    "cost_in_header": costs(lambda usd: ({}, (f"x-litellm-response-cost: {usd!r}",)), fee=0.0002),
    "cost_with_a_429": first(1, failed_with_cost),
    "cost_told_too_low": costs(lambda _: ({"cost": 0.0}, ("x-litellm-response-cost: 0.0",)), fee=0.0),
    "cost_nan": costs(lambda _: ({"cost": float("nan")}, ("x-litellm-response-cost: nan",)), fee=0.0),
    "cost_without_end": costs(lambda _: ({"cost": float("inf")}, ("x-litellm-response-cost: 1e999",)), fee=0.0),
    "cost_absurd": costs(
        lambda _: ({"cost": 1e308, "total_cost": 10**400}, ("x-litellm-response-cost: 1e308",)), fee=0.0
    ),
    "cost_negative": costs(lambda _: ({"cost": -1.0}, ("x-litellm-response-cost: -1",)), fee=0.0),
    "cost_words": costs(lambda _: ({"cost": "5.0", "total_cost": True}, ("x-litellm-response-cost: None",)), fee=0.0),
    "cost_nested": costs(lambda _: ({"cost": {"total_cost": {"total_cost": 5}}, "total_cost": [5]}, ()), fee=0.0),
    # What models do.
    "refusal_billed": refusal(out=7),
    "refusal_without_output": refusal(out=0),
    "blocked": blocked(billed=False),
    "blocked_billed": blocked(billed=True),
    "blocked_after_output": blocked_after(out=120),
    "all_tokens_used": ends("length", text="{"),
    "thinking_only": ends("length", text=""),
    # More than was asked for.
    "beyond_max_tokens": beyond(out=40),
    "beyond_the_prompt": beyond(fresh=40),
    "cost_beyond": costs(lambda usd: ({"cost": usd}, ()), fee=0.05),
    "cost_beyond_in_header": costs(lambda usd: ({}, (f"x-litellm-response-cost: {usd}",)), fee=0.05),
}
# Told and charged above what a call can cost: the one case in which a budget can't hold.
BEYOND = ("beyond_max_tokens", "beyond_the_prompt", "cost_beyond", "cost_beyond_in_header")


class Charging(Hostile):
    """The hostile server, charging."""

    async def answered(self, dialect, raw, secret, writer):
        del secret
        body = json.loads(raw)
        key = (body["model"], hash(raw))
        self.times[key] = self.times.get(key, 0) + 1
        text = good_reply(body, random.Random(str(raw)))
        mode = MODES[body["model"].split("/")[0]]
        said = mode(Asked(dialect, len(raw) // 3, text, body["max_tokens"], self.times[key]))
        self.ledger.write(json.dumps({"model": body["model"], "usd": said.charged.usd, "open": self.open}) + "\n")
        self.ledger.flush()
        await asyncio.sleep(self.latency_s)
        if said.then == DRIP:
            for byte in said.data:
                writer.write(bytes([byte]))
                await writer.drain()
                await asyncio.sleep(0.1)
        writer.write(said.data)
        await writer.drain()
        if said.then == ABORT:
            writer.transport.abort()
        if said.then == HANG:
            await asyncio.sleep(HANG_S)
        return said.then is None


async def main(options):
    with open(options.ledger, "a") as ledger:  # noqa: PTH123, ASYNC230
        charging = Charging(seed=1, transient=0, model=0, latency_s=options.latency, always=None, ledger=ledger)
        server = await asyncio.start_server(charging.serve, "127.0.0.1", 0, limit=2**22)
        print(server.sockets[0].getsockname()[1], flush=True)
        await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--latency", type=float, default=0.005)
    parser.add_argument("--ledger", required=True)
    asyncio.run(main(parser.parse_args()))
