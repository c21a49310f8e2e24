"""OpenAI's chat completions, at OpenAI or at any server that speaks the dialect."""

import json
from typing import Any

from di_assets.providers.answers import Reply
from di_assets.providers.dialect import Dialect
from di_assets.providers.ends import OPENAI
from di_assets.providers.openai_batches import OpenAIBatches
from di_assets.providers.parts import called, spoken, thought
from di_assets.providers.said import said_in
from di_assets.providers.sdk import SdkProvider
from di_assets.providers.types import Request
from di_assets.providers.usage import read_usage


class OpenAIProvider(SdkProvider):
    """One model over the `openai` SDK."""

    sdk = "openai"
    root_error = "OpenAIError"
    path = "/chat/completions"
    ends = OPENAI

    def _connect(self, key: str, http_client: Any) -> Any:
        return self._sdk.AsyncOpenAI(
            api_key=key, base_url=self.endpoint.base_url, max_retries=0, http_client=http_client
        )

    def messages(self, request: Request) -> bytes:
        """The rules are the first message."""
        turns = super().messages(request)
        if not self.endpoint.system:
            return turns
        system = json.dumps({"role": "system", "content": request.system}, ensure_ascii=False).encode()
        return b"%s,%s" % (system, turns)

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

    def read(self, data: dict[str, Any]) -> Reply:
        """Text, refusal, visible reasoning, a called tool's arguments and usage of the first choice."""
        choice = data["choices"][0]
        message = choice.get("message") or {}
        tool = message.get("function_call")  # the field before `tool_calls`
        arguments = called(message.get("tool_calls")) or called([{"function": tool}])
        refusal = message.get("refusal")
        text = "\n".join(filter(None, (spoken(message.get("content", choice.get("text"))), arguments)))
        reasoning = thought(message)
        filtered = not text and "filtered" in said_in(choice.get("content_filter_results")).codes
        return Reply(
            text=text or (refusal if isinstance(refusal, str) else ""),
            reasoning=reasoning,
            end_word=choice.get("finish_reason") or choice.get("native_finish_reason"),
            refused=bool(refusal) or filtered,
            error=choice.get("error"),
            usage=read_usage(data.get("usage") or choice.get("usage"), beside=False, spoke=bool(text or reasoning)),
        )


DIALECT = Dialect("openai", OpenAIProvider, key_variable="OPENAI_API_KEY", batches=OpenAIBatches)
