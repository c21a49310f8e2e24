"""The calls of `variants.py` made with inspect_ai, in an environment of its own.

    python bench/inspect_loop.py '{"variant": "inspect", "dialect": "openai", "port": 80, "episodes": 40, "rounds": 1}'

Histories, shape and concurrency are those of the bare loops; no schema is sent, which only makes its calls lighter.
"""

import asyncio
import json
import sys

from inspect_ai.model import (
    ChatMessageAssistant,
    ChatMessageSystem,
    ChatMessageUser,
    GenerateConfig,
    get_model,
)
from variants import MAX_TOKENS, MODEL, SYSTEM, Task, game_shape, measured

ROLES = {"user": ChatMessageUser, "assistant": ChatMessageAssistant}


def inspect(task, _folder):
    """`Model.generate` on the same histories."""

    async def everything():
        config = GenerateConfig(max_tokens=MAX_TOKENS, max_connections=task.concurrency)
        chat = {"responses_api": False} if task.dialect == "openai" else {}
        model = get_model(f"{task.dialect}/{MODEL}", base_url=task.base_url, api_key="none", config=config, **chat)

        async def send(history, _phase):
            turns = [ROLES[message["role"]](content=message["content"]) for message in history]
            return (await model.generate([ChatMessageSystem(content=SYSTEM), *turns])).completion

        await game_shape(task, send)

    return lambda: asyncio.run(everything())


if __name__ == "__main__":
    measured(Task(**json.loads(sys.argv[1])), inspect)
