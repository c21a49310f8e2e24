"""OpenAI's batches: a file of requests is uploaded, a batch is made of it, and two files hold replies and errors."""

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from di_assets.providers.answers import Answer
from di_assets.providers.batches import CLOCKS_APART_S, PAGE, Batches, BatchLimits, Found, Outcome, add, json_lines
from di_assets.providers.types import FatalFault, ProviderError, Request, TransportFault

ENDPOINT, WINDOW = "/v1/chat/completions", "24h"
# Codes of a batch that was not begun because too much is queued already; it can be handed over again later.
QUEUE_FULL = {"token_limit_exceeded", "rate_limit_exceeded", "too_many_requests"}


class OpenAIBatches(Batches):
    """Batches over the SDK's `files` and `batches`. The wave's name is in the batch's metadata."""

    limits = BatchLimits(requests=50_000, bytes=200 * 2**20)

    async def submit(self, wave: str, requests: Sequence[tuple[str, Request]]) -> str:
        """See `Batches.submit`. A file that no batch was made of costs nothing."""
        body = self.provider.body
        head = b'{"custom_id":%s,"method":"POST","url":"' + ENDPOINT.encode() + b'","body":%s}\n'
        lines = b"".join(head % (json.dumps(name).encode(), body(request)) for name, request in requests)

        async def uploaded(client: Any) -> str:
            return str((await client.files.create(file=(f"{wave}.jsonl", lines), purpose="batch")).id)

        async def made(client: Any) -> str:
            metadata = {"wave": wave}
            batch = await client.batches.create(
                input_file_id=file, endpoint=ENDPOINT, completion_window=WINDOW, metadata=metadata
            )
            return str(batch.id)

        file = await self.provider.call(uploaded)
        return await self.provider.call(made)

    async def find(self, wave: str, n: int, *, since: float) -> Found:
        """See `Batches.find`; the metadata tell the wave."""
        del n

        async def looked(client: Any) -> str | None:
            async for batch in client.batches.list(limit=PAGE):
                if (batch.metadata or {}).get("wave") == wave:
                    return str(batch.id)
                if batch.created_at < since - CLOCKS_APART_S:
                    break
            return None

        return Found(await self.provider.call(looked))

    async def ended(self, batch: str) -> bool:
        """See `Batches.ended`."""
        return (await self._state(batch)).status in {"failed", "completed", "expired", "cancelled"}

    async def results(self, batch: str, ids: Iterable[str]) -> dict[str, Outcome]:
        """See `Batches.results`."""
        state = await self._state(batch)
        if state.status == "failed":
            return {name: self._refused(state.errors) for name in ids}
        outcomes: dict[str, Outcome] = {}
        for file in filter(None, (state.output_file_id, state.error_file_id)):
            for line in json_lines(await self.provider.download(f"/files/{file}/content")):
                add(outcomes, line.get("custom_id"), self._outcome(line))
        rest = self.missing if state.status == "completed" else partial(self.not_done, state.status)
        return {name: outcomes.get(name) or rest() for name in ids}

    async def _state(self, batch: str) -> Any:
        async def told(client: Any) -> Any:
            state = await client.batches.retrieve(batch)
            if not isinstance(state.status, str):
                raise TypeError("a batch without a status")
            return state

        return await self.provider.call(told)

    def _outcome(self, line: Mapping[str, Any]) -> Outcome:
        response = line.get("response")
        if not isinstance(response, dict) or not isinstance(response.get("status_code"), int):
            error = line.get("error")
            return self.not_done(_word(error.get("code") if isinstance(error, dict) else None))
        request_id = response.get("request_id")
        headers = {"x-request-id": request_id} if isinstance(request_id, str) else {}
        answer = Answer(response["status_code"], headers, json.dumps(response.get("body")).encode())
        return self.provider.sort(answer) if answer.succeeded else self.unbilled(answer)

    def _refused(self, errors: Any) -> ProviderError:
        """The fault of a batch whose file was not accepted; nothing in it was billed."""
        first = next(iter(getattr(errors, "data", None) or ()), None)
        code = _word(getattr(first, "code", None))
        name = self.provider.endpoint.name
        if code in QUEUE_FULL:
            text = f"{name}: the provider's queue of batches is full ({code})"
            return TransportFault(text, kind="rate_limit", retryable=True)
        body = json.dumps({"error": {"code": code, "message": str(getattr(first, "message", ""))}}).encode()
        outcome = self.unbilled(Answer(400, {}, body))
        fatal = FatalFault(f"{name}: the provider refused the batch ({code})", kind="request_refused")
        return self.provider.fault_without_key(outcome if isinstance(outcome, ProviderError) else fatal)


def _word(code: object) -> str:
    """The provider's word for an error, if it is one."""
    return code if isinstance(code, str) and code.isascii() and code.replace("_", "").isalnum() else "no reason given"
