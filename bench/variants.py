# ruff: noqa: PLC0415 -- each process imports only what it measures
"""What one fresh process of `saturation.py` does: play a batch our way, or make the same calls in a bare loop.

    python bench/variants.py '{"variant": "ours", "dialect": "openai", "port": 8090, "episodes": 40, "rounds": 6}'

Prints one line of JSON: calls made, (time, CPU time) every 50 ms, peak memory. The bare loops have the game's shape:
episodes side by side, two phases a round, in each phase the calls of all seats at once, histories that grow by two
messages a phase. They write no journal, check no reply and keep no tables.
"""

import asyncio
import json
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SAMPLED_EVERY_S = 0.05
SEATS, MAX_TOKENS = "ABCDE", 1024
MODEL, ARM = "bench", "bench"


@dataclass(frozen=True)
class Task:
    """One run: what is measured, against which port, how much of it."""

    variant: str
    dialect: str
    port: int
    episodes: int
    rounds: int
    concurrency: int = 200

    @property
    def base_url(self):
        return f"http://127.0.0.1:{self.port}" + ("/v1" if self.dialect == "openai" else "")

    @property
    def calls(self):
        return self.episodes * self.rounds * 2 * len(SEATS)


class Sampler:
    """CPU time of this process every 50 ms, against the clock that the server's samples use."""

    def __init__(self):
        self.samples = []
        self._wanted = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._wanted.set()
        self._thread.join()
        self._sample()

    def _run(self):
        self._sample()
        while not self._wanted.wait(SAMPLED_EVERY_S):
            self._sample()

    def _sample(self):
        self.samples.append((time.monotonic(), time.process_time()))


def peak_memory_kb():
    """VmHWM of this process."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


def write_configs(folder, task):
    """A configs folder with one model at the server's address and one arm in which it plays itself."""
    (folder / "prompts").symlink_to(ROOT / "configs" / "prompts")
    (folder / "models.yaml").write_text(
        f"models:\n  {MODEL}:\n    provider: {task.dialect}\n    id: {MODEL}\n    base_url: {task.base_url}\n"
        f"    key: none\n    price: {{input: 1, output: 1}}\n    concurrency: {task.concurrency}\n"
        f"    max_tokens: {MAX_TOKENS}\n"
    )
    (folder / f"{ARM}.yaml").write_text(
        f"title: Benchmark\nid: bench--{{focal}}_r{{replicate}}\nfocal: [{MODEL}]\nbackground: self\n"
        f"episodes: {task.episodes}\nbatch_size: {task.episodes}\nin_flight: {task.episodes}\n"
        f"seats: {len(SEATS)}\nrounds: {task.rounds}\ntopology: complete\nbudget_usd: 1000000\n"
    )


def ours(task, folder):
    """`play_batch` as it is: journal, tables and all."""
    from di_assets.arms import load_configs
    from di_assets.play.batch import play_batch
    from di_assets.tables import Warehouse

    _import_sdk(task.dialect)
    configs, warehouse = load_configs(folder), Warehouse(folder / "warehouse")
    arm = configs.arm(ARM)

    def play():
        result = play_batch(configs, arm, f"{ARM}--b00", warehouse)
        if (result.played, result.calls) != (task.episodes, task.calls):
            raise RuntimeError(f"not all episodes were played in one attempt a call: {result}")

    return play


def _import_sdk(dialect):
    __import__(dialect)  # takes seconds, before the clock starts


class Forgetful:
    """Stands where a journal stands and only remembers."""

    def __init__(self, _path, _header, **_):
        self.calls, self._replies = [], {}

    def find(self, place, _request_hash):
        return self._replies.get(place)

    def goes_out(self, *_, **__):
        return lambda: None

    def append(self, call):
        self._replies[call.place] = call
        self.calls.append(call)

    def make_room(self):
        return

    async def settled(self):
        return

    async def end(self):
        return


def ours_without_journal(task, folder):
    """The same with nothing kept while episodes are played; tables as ever."""
    from di_assets.play import journaled

    journaled.Journal = Forgetful
    return ours(task, folder)


# The same calls without a game.

SYSTEM = "You are a player in a game with five players. You want as many points as you can get. " * 11


def question(number, phase, rounds):
    """What a turn of the game tells a player, about as long as the game's own words."""
    over = f'Round {number - 1} is over. Pulls: {{"A": "B", "B": "A", "C": "D", "D": "E", "E": "A"}}\n'
    points = 'Points so far: {"A": 12, "B": 11, "C": 14, "D": 13, "E": 9}\n\n'
    if phase == "message":
        opening = over + points if number > 1 else ""
        return f"{opening}Round {number} of {rounds}.\nWrite your messages to any of B, C, D, E."
    return f"Messages to you: []\n\nRound {number} of {rounds}.\nWhom do you pull? One of B, C, D, E."


def schema(phase):
    """The schema of a valid reply."""
    name = {"type": "string", "enum": ["B", "C", "D", "E"]}
    if phase == "pull":
        return _object({"pull": name})
    return _object({"messages": {"type": "array", "items": _object({"to": name, "text": {"type": "string"}})}})


def _object(properties):
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def request_body(dialect, history, phase):
    """The body that our adapters send."""
    if dialect == "openai":
        reply = {"name": "reply", "strict": True, "schema": schema(phase)}
        return {
            "model": MODEL,
            "messages": [{"role": "system", "content": SYSTEM}, *history],
            "max_tokens": MAX_TOKENS,
            "response_format": {"type": "json_schema", "json_schema": reply},
        }
    return {
        "model": MODEL,
        "max_tokens": MAX_TOKENS,
        "system": SYSTEM,
        "messages": list(history),
        "cache_control": {"type": "ephemeral"},
        "output_config": {"format": {"type": "json_schema", "schema": schema(phase)}},
    }


async def game_shape(task, send):
    """Makes the calls of all episodes; `send(history, phase)` gives the reply's text."""

    async def seat(history, number, phase):
        history.append({"role": "user", "content": question(number, phase, task.rounds)})
        history.append({"role": "assistant", "content": await send(history, phase)})

    async def episode():
        histories = [[] for _ in SEATS]
        for number in range(1, task.rounds + 1):
            for phase in ("message", "pull"):
                await asyncio.gather(*(seat(history, number, phase) for history in histories))

    await asyncio.gather(*(episode() for _ in range(task.episodes)))


def bare_aiohttp(task, _folder):
    """No SDK: JSON over one aiohttp session."""
    import aiohttp
    import uvloop

    url = task.base_url + ("/chat/completions" if task.dialect == "openai" else "/v1/messages")
    text = _text_of(task.dialect)
    headers = {"Content-Type": "application/json"}

    async def everything():
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), headers=headers) as session:

            async def send(history, phase):
                body = json.dumps(request_body(task.dialect, history, phase))
                async with session.post(url, data=body) as response:
                    return text(json.loads(await response.read()))

            await game_shape(task, send)

    return lambda: uvloop.run(everything())


def bare_sdk(task, _folder, *, low_level):
    """The SDK on its aiohttp transport, by its low-level post or by the method its documentation starts with."""
    import httpx2
    import uvloop

    sdk = __import__(task.dialect)
    text = _text_of(task.dialect)

    async def everything():
        limits = httpx2.Limits(max_connections=1000, max_keepalive_connections=1000)
        client_of = sdk.AsyncOpenAI if task.dialect == "openai" else sdk.AsyncAnthropic
        async with client_of(
            api_key="none", base_url=task.base_url, http_client=sdk.DefaultAioHttpClient(limits=limits)
        ) as client:
            path = "/chat/completions" if task.dialect == "openai" else "/v1/messages"
            create = client.chat.completions.create if task.dialect == "openai" else client.messages.create

            async def post(history, phase):
                return text(await client.post(path, cast_to=object, body=request_body(task.dialect, history, phase)))

            async def method(history, phase):
                reply = await create(**request_body(task.dialect, history, phase))
                return reply.choices[0].message.content if task.dialect == "openai" else reply.content[0].text

            await game_shape(task, post if low_level else method)

    return lambda: uvloop.run(everything())


def _text_of(dialect):
    if dialect == "openai":
        return lambda data: data["choices"][0]["message"]["content"]
    return lambda data: data["content"][0]["text"]


VARIANTS = {
    "ours": ours,
    "no journal": ours_without_journal,
    "post": lambda task, folder: bare_sdk(task, folder, low_level=True),
    "create": lambda task, folder: bare_sdk(task, folder, low_level=False),
    "aiohttp": bare_aiohttp,
}


def measured(task, prepare):
    """Runs what `prepare(task, folder)` returns and prints what it took."""
    with tempfile.TemporaryDirectory(prefix="saturation-") as name:
        folder = Path(name)
        if task.variant in {"ours", "no journal"}:
            write_configs(folder, task)
        run = prepare(task, folder)
        with Sampler() as sampler:
            run()
    print(json.dumps({"calls": task.calls, "samples": sampler.samples, "peak_kb": peak_memory_kb()}))


def main():
    task = Task(**json.loads(sys.argv[1]))
    measured(task, VARIANTS[task.variant])


if __name__ == "__main__":
    main()
