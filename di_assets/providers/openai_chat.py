"""OpenAI's chat completions, at OpenAI or at any server that speaks the dialect."""

import json
from types import ModuleType
from typing import Any

from di_assets.providers.body import BadBodyError
from di_assets.providers.sdk import SdkProvider, count
from di_assets.providers.types import Completion, Request

STOPS = {"stop": "end", "length": "length", "content_filter": "refusal"}


class OpenAIProvider(SdkProvider):
    """One model over the `openai` SDK."""

    root_error = "OpenAIError"
    path = "/chat/completions"

    def _import(self) -> ModuleType:
        import openai  # noqa: PLC0415 -- takes over a second: only those who play pay for it

        return openai

    def _connect(self, key: str, http_client: Any) -> Any:
        endpoint = self.endpoint
        return self._sdk.AsyncOpenAI(api_key=key, base_url=endpoint.base_url, max_retries=0, http_client=http_client)

    def messages(self, request: Request) -> bytes:
        """The rules are the first message."""
        system = json.dumps({"role": "system", "content": request.system}, ensure_ascii=False).encode()
        return b",".join((system, *request.encoded))

    def fields(self, request: Request) -> dict[str, Any]:
        """OpenAI's own newest models want `max_completion_tokens`; compatible servers know `max_tokens`."""
        endpoint = self.endpoint
        own = endpoint.base_url is None
        body: dict[str, Any] = {
            "model": endpoint.id,
            "max_completion_tokens" if own else "max_tokens": endpoint.max_tokens,
        }
        if endpoint.json_schema and request.schema is not None:
            schema = {"name": "reply", "strict": True, "schema": request.schema}
            body["response_format"] = {"type": "json_schema", "json_schema": schema}
        if endpoint.send_seed:
            body["seed"] = request.seed
        if own:  # compatible servers may refuse a field they do not know
            body["prompt_cache_key"] = request.cache_key
        return {**body, **endpoint.params}

    def read(self, data: dict[str, Any]) -> Completion:
        """Text, refusal, visible reasoning and usage of the first choice."""
        choice = data["choices"][0]
        message = choice["message"]
        text = message.get("content") or ""
        if not isinstance(text, str):
            raise BadBodyError("status 200 with content that is no text")
        refusal = message.get("refusal")
        reasoning = message.get("reasoning_content") or message.get("reasoning")
        stop = choice.get("finish_reason")
        usage = data.get("usage")
        return Completion(
            text=text or (refusal if isinstance(refusal, str) else ""),
            reasoning=reasoning if isinstance(reasoning, str) else None,
            stop="refusal" if refusal else "end" if stop is None else STOPS.get(stop, str(stop)),
            input_tokens=count(usage, "prompt_tokens"),
            cached_tokens=count(usage, "prompt_tokens_details", "cached_tokens"),
            output_tokens=count(usage, "completion_tokens"),
            request_id=data["id"] if isinstance(data.get("id"), str) else None,
        )
