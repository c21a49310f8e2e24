"""A server of canned replies, as cheap a request as can be: what players and bare loops are measured against.

    python bench/reply_server.py --port 8090 --latency 2 --sigma 0.4

Speaks OpenAI chat completions (any path ending in /chat/completions) and Anthropic messages (/v1/messages): waits, then
answers with a reply that is valid in the game, whose phase and neighbours it finds in the schema the request carries.
GET /stats tells requests served and the time integral of requests in flight, sampled every 50 ms; /reset starts anew.
"""

import argparse
import asyncio
import json
import math
import random
import time

import uvloop

SAMPLED_EVERY_S = 0.05
TEXT = "I will pull you this round if you pull me the next one. "


class Counters:
    """Requests served, bytes of their bodies, and the integral of requests in flight over time.

    Times are CLOCK_MONOTONIC, which all processes of a machine share.
    """

    def __init__(self):
        self.in_flight = 0
        self.reset()

    def reset(self):
        self.served = self.received = self.bytes = 0
        self.in_flight_s = 0.0
        self.began = self.changed = time.monotonic()
        self.began_cpu = time.process_time()
        self.samples = []

    def change(self, by):
        now = time.monotonic()
        self.in_flight_s += self.in_flight * (now - self.changed)
        self.changed = now
        self.in_flight += by

    def sample(self):
        self.change(0)
        self.samples.append((self.changed, self.served, self.in_flight_s))

    def stats(self):
        self.sample()
        elapsed = self.changed - self.began
        return {
            "served": self.served,
            "in_flight": self.in_flight,
            "mean_in_flight": self.in_flight_s / elapsed,
            "bytes_per_request": self.bytes / max(1, self.received),
            "cpu_s_per_request": (time.process_time() - self.began_cpu) / max(1, self.served),
            "samples": self.samples,
        }


class Replies:
    """Canned replies as bytes ready to send, made once for each (dialect, phase, neighbours)."""

    def __init__(self, chars):
        self._text = (TEXT * (1 + chars // len(TEXT)))[:chars]
        self._made = {}

    def to(self, dialect, body):
        """The reply to a request's body; only its end, where the schema is, is looked at."""
        at = body.rfind(b'"enum"')
        names = b"" if at < 0 else body[body.find(b"[", at) : body.find(b"]", at) + 1]
        pull = at >= 0 and body.find(b'"pull"', body.rfind(b'"required"')) >= 0
        key = (dialect, pull, names)
        if key not in self._made:
            self._made[key] = _http(DIALECTS[dialect](self._reply(pull, json.loads(names or b"[]"))))
        return self._made[key]

    def _reply(self, pull, names):
        if pull:
            return json.dumps({"pull": names[0]})
        return json.dumps({"messages": [{"to": name, "text": self._text} for name in names if self._text]})


def _openai(text):
    message = {"role": "assistant", "content": text, "refusal": None}
    return {
        "id": "chatcmpl-0",
        "object": "chat.completion",
        "created": 0,
        "model": "canned",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}],
        "usage": {"prompt_tokens": 400, "completion_tokens": 10, "total_tokens": 410},
    }


def _anthropic(text):
    return {
        "id": "msg_0",
        "type": "message",
        "role": "assistant",
        "model": "canned",
        "content": [{"type": "text", "text": text}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 400, "output_tokens": 10},
    }


DIALECTS = {"openai": _openai, "anthropic": _anthropic}


def _http(data, status=b"200 OK"):
    body = json.dumps(data).encode()
    head = b"HTTP/1.1 %b\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % (status, len(body))
    return head + body


class Connection(asyncio.Protocol):
    """One keep-alive connection."""

    def __init__(self, counters, replies, latency):
        self._counters, self._replies, self._latency = counters, replies, latency
        self._loop = asyncio.get_running_loop()
        self._received = b""

    def connection_made(self, transport):
        self._transport = transport

    def data_received(self, data):
        received = self._received + data if self._received else data
        while (head_end := received.find(b"\r\n\r\n")) >= 0:
            head = received[:head_end].lower()
            at = head.find(b"content-length:")
            length = 0 if at < 0 else int(head[at + 15 :].split(b"\r\n", 1)[0])
            end = head_end + 4 + length
            if len(received) < end:
                break
            self._answer(head.split(b"\r\n", 1)[0].split(b" ")[1], received[head_end + 4 : end])
            received = received[end:]
        self._received = received

    def _answer(self, path, body):
        counters = self._counters
        if path.endswith(b"/chat/completions"):
            reply = self._replies.to("openai", body)
        elif path.endswith(b"/v1/messages"):
            reply = self._replies.to("anthropic", body)
        else:
            self._transport.write(self._control(path))
            return
        counters.received += 1
        counters.bytes += len(body)
        counters.change(1)
        self._loop.call_later(self._latency(), self._send, reply)

    def _send(self, reply):
        self._counters.change(-1)
        self._counters.served += 1
        if not self._transport.is_closing():
            self._transport.write(reply)

    def _control(self, path):
        if path == b"/stats":
            return _http(self._counters.stats())
        if path == b"/reset":
            self._counters.reset()
            return _http({})
        return _http({"error": {"type": "not_found"}}, b"404 Not Found")


def latencies(mean, sigma, seed):
    """Draws latencies: always `mean` where sigma is 0, else lognormal with this mean."""
    if sigma == 0:
        return lambda: mean
    rng = random.Random(seed)
    mu = math.log(mean) - sigma**2 / 2
    return lambda: rng.lognormvariate(mu, sigma)


async def serve(options):
    loop, counters, replies = asyncio.get_running_loop(), Counters(), Replies(options.chars)
    latency = latencies(options.latency, options.sigma, options.seed)
    server = await loop.create_server(
        lambda: Connection(counters, replies, latency), "127.0.0.1", options.port, backlog=2048
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    while True:
        await asyncio.sleep(SAMPLED_EVERY_S)
        counters.sample()


def main():
    parser = argparse.ArgumentParser(description="Canned replies in two dialects.")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one; the port is printed")
    parser.add_argument("--latency", type=float, default=0.2, help="mean, seconds")
    parser.add_argument("--sigma", type=float, default=0.0, help="of the latency's logarithm; 0: fixed latency")
    parser.add_argument("--seed", type=int, default=1, help="of the latencies")
    parser.add_argument("--chars", type=int, default=0, help="of each message written to a neighbour; 0: silence")
    uvloop.run(serve(parser.parse_args()))


if __name__ == "__main__":
    main()
