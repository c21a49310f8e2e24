"""A well-behaved server behind a gateway: OpenAI's dialect, true usage, an id a reply; now and then a reply to re-ask."""

import asyncio
import itertools
import json
import random

from aiohttp import web

from tests.providers.hostile import envelope, good_reply

# Of the questions so many are answered in prose, always the same.
PROSE = 0.08
LATENCY_S = 0.005
numbers = itertools.count()


async def answered(request):
    body = await request.json()
    asked = json.dumps(body["messages"])
    rng = random.Random(asked)
    text = "I would rather wait and see." if rng.random() < PROSE else good_reply(body, rng)
    sent, received = len(asked) // 3, len(text) // 3 + 1
    usage = {"prompt_tokens": sent, "completion_tokens": received, "total_tokens": sent + received}
    usage["prompt_tokens_details"] = {"cached_tokens": sent // 3 // 128 * 128}
    said = envelope("openai", text, "end", usage) | {"id": f"chatcmpl-{next(numbers)}", "model": body["model"]}
    said |= {"object": "chat.completion", "created": 1_790_000_000}
    said["choices"][0]["index"] = 0
    await asyncio.sleep(LATENCY_S)
    return web.json_response(said)


async def main():
    app = web.Application(client_max_size=2**24)
    app.router.add_post("/v1/chat/completions", answered)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
