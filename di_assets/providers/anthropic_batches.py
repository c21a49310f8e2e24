"""Anthropic's message batches: requests go in with one call, results come as JSON lines in any order."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from di_assets.providers.answers import Answer
from di_assets.providers.batches import CLOCKS_APART_S, PAGE, Batches, BatchLimits, Found, Outcome, add, json_lines
from di_assets.providers.types import Request

PATH = "/v1/messages/batches"
# The HTTP status that each kind of error has outside of batches.
STATUS = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "timeout_error": 504,
    "overloaded_error": 529,
}


class AnthropicBatches(Batches):
    """Batches over the SDK's `messages.batches`.

    A batch has no metadata here. Each request's id begins with the wave's name, and the results show the ids.
    """

    limits = BatchLimits(requests=100_000, bytes=256 * 2**20)

    async def submit(self, wave: str, requests: Sequence[tuple[str, Request]]) -> str:
        """See `Batches.submit`. The body is sent as it is: the SDK's `create` takes longer the longer prompts are."""
        del wave
        body = self.provider.body
        parts = (b'{"custom_id":%s,"params":%s}' % (json.dumps(name).encode(), body(one)) for name, one in requests)
        content = b'{"requests":[%s]}' % b",".join(parts)

        async def made(client: Any) -> str:
            return str((await client.post(PATH, content=content, cast_to=dict[str, Any]))["id"])

        return await self.provider.call(made)

    async def find(self, wave: str, n: int, *, since: float) -> Found:
        """See `Batches.find`. Batches of n requests are looked into, once they have ended."""

        async def listed(client: Any) -> list[tuple[str, bool]]:
            found = []
            async for batch in client.messages.batches.list(limit=PAGE):
                if batch.created_at.timestamp() < since - CLOCKS_APART_S:
                    break
                if sum(batch.request_counts.to_dict().values()) == n:
                    found.append((str(batch.id), batch.processing_status == "ended"))
            return found

        candidates = await self.provider.call(listed)
        for batch in (name for name, ended in candidates if ended):
            first = next(json_lines(await self._downloaded(batch)), {})
            if str(first.get("custom_id")).startswith(wave):
                return Found(batch)
        return Found(None, sure=all(ended for _, ended in candidates))

    async def ended(self, batch: str) -> bool:
        """See `Batches.ended`."""

        async def told(client: Any) -> bool:
            return bool((await client.messages.batches.retrieve(batch)).processing_status == "ended")

        return await self.provider.call(told)

    async def results(self, batch: str, ids: Iterable[str]) -> dict[str, Outcome]:
        """See `Batches.results`."""
        outcomes: dict[str, Outcome] = {}
        for line in json_lines(await self._downloaded(batch)):
            result = line.get("result")
            add(outcomes, line.get("custom_id"), self._outcome(result if isinstance(result, dict) else {}))
        return {name: outcomes.get(name) or self.missing() for name in ids}

    async def _downloaded(self, batch: str) -> bytes:
        # Not by the address in `results_url`: whatever host that names would be sent the key.
        return await self.provider.download(f"{PATH}/{batch}/results")

    def _outcome(self, result: Mapping[str, Any]) -> Outcome:
        kind = result.get("type")
        if kind == "succeeded":
            return self.provider.sort(Answer(200, {}, json.dumps(result.get("message")).encode()))
        if kind == "errored":
            error = result.get("error")
            inner = error.get("error") if isinstance(error, dict) else None
            word = inner.get("type") if isinstance(inner, dict) else None
            return self.unbilled(Answer(STATUS.get(str(word), 500), {}, json.dumps(error).encode()))
        return self.not_done(kind) if kind in {"expired", "canceled"} else self.missing()
