"""A provider with a batch interface, in both dialects, in a process of its own. It answers live calls too.

A reply depends on the request alone, so play by batches can be held against play by live calls. With the chances that
are given, a request of a batch first expires, is cancelled or fails, and is answered when it comes in another batch.
Results come in any order, and some come twice. Every step and every charge is noted in the ledger, a JSON line each.
"""

import argparse
import asyncio
import hashlib
import json
import random
import subprocess
import sys
import time
from contextlib import contextmanager
from itertools import count

from aiohttp import web

from tests.conftest import ROOT
from tests.providers.hostile import envelope, good_reply, strange_reply, usage_of

PRICE = {"fresh": 3.0, "read": 0.3, "out": 15.0}
FAILURES = ("expired", "canceled", "errored")


def reply_to(dialect, raw, *, strange):
    """(body of the reply, US dollars that it costs live)."""
    rng = random.Random(hashlib.sha256(raw).hexdigest())
    body = json.loads(raw)
    if rng.random() < strange:
        text, stop, _ = strange_reply(rng.choice(("empty", "prose", "self_pull", "wrong_name")), body, rng)
    else:
        text, stop = good_reply(body, rng), "end"
    sent, received = len(raw) // 4, max(1, len(text or "") // 4)
    usd = (sent - sent // 2) * PRICE["fresh"] + sent // 2 * PRICE["read"] + received * PRICE["out"]
    return envelope(dialect, text, stop, usage_of(dialect, sent, received)), usd / 1_000_000


class Batching:
    """The server's behaviour and memory; see the module."""

    def __init__(self, options):
        self.options, self.numbers = options, count(1)
        self.files, self.batches, self.times = {}, {}, {}
        self.ledger = open(options.ledger, "a")  # noqa: PTH123, SIM115

    def app(self):
        app = web.Application(client_max_size=2**28, middlewares=[self.slow])
        app.add_routes(
            [
                web.post("/v1/chat/completions", self.live("openai")),
                web.post("/v1/messages", self.live("anthropic")),
                web.post("/v1/files", self.upload),
                web.get("/v1/files/{id}/content", self.content),
                web.post("/v1/batches", self.create_openai),
                web.get("/v1/batches", lambda _: self.list_openai()),
                web.get("/v1/batches/{id}", lambda request: self.state(request, self.shown_openai)),
                web.post("/v1/messages/batches", self.create_anthropic),
                web.get("/v1/messages/batches", lambda _: self.list_anthropic()),
                web.get("/v1/messages/batches/{id}", lambda request: self.state(request, self.shown_anthropic)),
                web.get("/v1/messages/batches/{id}/results", self.results_anthropic),
            ]
        )
        return app

    @web.middleware
    async def slow(self, request, handler):
        """Each step is noted before it is done, and its answer takes a while: a client may be killed in between."""
        self.note(step=f"{request.method} {request.path}")
        await asyncio.sleep(self.options.latency)
        response = await handler(request)
        await asyncio.sleep(self.options.latency)
        return response

    def note(self, **line):
        self.ledger.write(json.dumps(line) + "\n")
        self.ledger.flush()

    def live(self, dialect):
        async def answer(request):
            raw = json.dumps(await request.json()).encode()  # as it is in a batch
            body, usd = reply_to(dialect, raw, strange=self.options.strange)
            self.note(charged=usd, by="live", model=json.loads(raw)["model"])
            return web.json_response(body)

        return answer

    async def upload(self, request):
        form = await request.post()
        name = f"file-{next(self.numbers)}"
        self.files[name] = form["file"].file.read()
        return web.json_response({"id": name, "object": "file", "filename": form["file"].filename, "purpose": "batch"})

    async def content(self, request):
        return web.Response(body=self.files[request.match_info["id"]], content_type="application/octet-stream")

    async def create_openai(self, request):
        given = await request.json()
        lines = [json.loads(line) for line in self.files[given["input_file_id"]].splitlines()]
        assert {line["url"] for line in lines} == {given["endpoint"]}
        assert len({line["body"]["model"] for line in lines}) == 1
        batch = self.made("openai", [(line["custom_id"], line["body"]) for line in lines])
        batch |= {"metadata": given["metadata"], "input": given["input_file_id"]}
        return web.json_response(self.shown_openai(batch))

    async def create_anthropic(self, request):
        given = await request.json()
        batch = self.made("anthropic", [(one["custom_id"], one["params"]) for one in given["requests"]])
        return web.json_response(self.shown_anthropic(batch))

    def made(self, dialect, requests):
        """All work of a batch is done, and charged, when it is made."""
        assert len({name for name, _ in requests}) == len(requests)
        results = []
        for name, body in requests:
            raw = json.dumps(body).encode()
            key = hashlib.sha256(raw).hexdigest()
            self.times[key] = self.times.get(key, 0) + 1
            rng = random.Random(key)
            fails = self.times[key] == 1 and rng.random() < self.options.failing
            reply, usd = reply_to(dialect, raw, strange=self.options.strange)
            if not fails:
                self.note(charged=usd / 2, by="batch", custom_id=name, key=key, model=body["model"])
            results.append((name, rng.choice(FAILURES) if fails else "succeeded", reply))
        random.Random(len(self.batches)).shuffle(results)
        results += results[: len(results) // 3]
        number = next(self.numbers)
        batch = {"id": f"batch_{number}", "results": results, "n": len(requests), "polls": 0, "at": time.time()}
        self.batches[batch["id"]] = batch
        return batch

    def done(self, batch):
        return batch["polls"] >= self.options.polls

    async def state(self, request, shown):
        batch = self.batches[request.match_info["id"]]
        batch["polls"] += 1
        return web.json_response(shown(batch))

    async def list_openai(self):
        shown = [self.shown_openai(batch) for batch in self.newest() if "input" in batch]
        return web.json_response({"object": "list", "has_more": False, "data": shown})

    async def list_anthropic(self):
        shown = [self.shown_anthropic(batch) for batch in self.newest() if "input" not in batch]
        for batch in self.newest():
            batch["polls"] += 1
        return web.json_response({"data": shown, "has_more": False, "first_id": None, "last_id": None})

    def newest(self):
        return list(self.batches.values())[::-1]

    def shown_openai(self, batch):
        kinds = {kind for _, kind, _ in batch["results"]}
        end = "cancelled" if "canceled" in kinds else "expired" if "expired" in kinds else "completed"
        shown = {"id": batch["id"], "object": "batch", "endpoint": "/v1/chat/completions", "completion_window": "24h"}
        shown |= {"status": "in_progress", "created_at": int(batch["at"]), "metadata": batch.get("metadata"), "input_file_id": batch.get("input")}  # fmt: skip
        if self.done(batch):
            output, errors = f"{batch['id']}-output", f"{batch['id']}-errors"
            lines = [(kind, self.openai_line(*one)) for one in batch["results"] for kind in [one[1]]]
            self.files[output] = "".join(json.dumps(x) + "\n" for kind, x in lines if kind == "succeeded").encode()
            # Of a request that was cancelled nothing is told.
            bad = (json.dumps(x) + "\n" for kind, x in lines if kind in {"expired", "errored"})
            self.files[errors] = "".join(bad).encode()
            shown |= {"status": end, "output_file_id": output, "error_file_id": errors}
        return shown

    @staticmethod
    def openai_line(name, kind, reply):
        line = {"id": f"batch_req_{name}", "custom_id": name, "response": None, "error": None}
        if kind == "succeeded":
            return line | {"response": {"status_code": 200, "request_id": f"req_{name}", "body": reply}}
        if kind == "errored":
            body = {"error": {"message": "The server had an error", "type": "server_error"}}
            return line | {"response": {"status_code": 500, "request_id": f"req_{name}", "body": body}}
        return line | {"error": {"code": "batch_expired", "message": "It could not be executed in time."}}

    def shown_anthropic(self, batch):
        done, day = self.done(batch), 86_400
        counts = dict.fromkeys(("processing", "succeeded", "errored", "canceled", "expired"), 0)
        counts["succeeded" if done else "processing"] = batch["n"]
        when = [time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(batch["at"] + late)) for late in (0, day)]
        return {
            "id": batch["id"],
            "type": "message_batch",
            "processing_status": "ended" if done else "in_progress",
            "request_counts": counts,
            "created_at": when[0],
            "expires_at": when[1],
            "ended_at": when[0] if done else None,
            "results_url": "https://example.invalid/results" if done else None,
        }

    async def results_anthropic(self, request):
        batch = self.batches[request.match_info["id"]]
        assert self.done(batch)
        error = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
        lines = []
        for name, kind, reply in batch["results"]:
            more = {"succeeded": {"message": reply}, "errored": {"error": error}}.get(kind, {})
            lines.append(json.dumps({"custom_id": name, "result": {"type": kind, **more}}) + "\n")
        return web.Response(text="".join(lines), content_type="application/x-jsonl")


@contextmanager
def batching(ledger, **options):
    """Yields the address of such a server."""
    arguments = [text for name, value in options.items() for text in (f"--{name}", str(value))]
    command = [sys.executable, "-m", "tests.providers.batching", "--ledger", str(ledger), *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    try:
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def noted(ledger, field):
    """Lines of the ledger that have this field; a line that is still being written is left out."""
    whole = ledger.read_text().rpartition("\n")[0] if ledger.exists() else ""
    lines = [json.loads(line) for line in whole.splitlines()]
    return [line for line in lines if field in line]


async def main(options):
    runner = web.AppRunner(Batching(options).app(), access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    print(site._server.sockets[0].getsockname()[1], flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--ledger", required=True)
    parser.add_argument("--latency", type=float, default=0.0)
    parser.add_argument("--failing", type=float, default=0.0)
    parser.add_argument("--strange", type=float, default=0.0)
    parser.add_argument("--polls", type=int, default=2)
    asyncio.run(main(parser.parse_args()))
