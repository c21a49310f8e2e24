"""Anthropic's messages, at Anthropic or at any server that speaks the dialect."""

from types import ModuleType
from typing import Any

from di_assets.providers.sdk import SdkProvider, count
from di_assets.providers.types import Completion, Request

STOPS = {"end_turn": "end", "stop_sequence": "end", "max_tokens": "length", "refusal": "refusal"}


class AnthropicProvider(SdkProvider):
    """One model over the `anthropic` SDK."""

    root_error = "AnthropicError"
    path = "/v1/messages"

    def _import(self) -> ModuleType:
        import anthropic  # noqa: PLC0415 -- takes seconds: only those who play pay for it

        return anthropic

    def _connect(self, key: str, http_client: Any) -> Any:
        endpoint = self.endpoint
        return self._sdk.AsyncAnthropic(api_key=key, base_url=endpoint.base_url, max_retries=0, http_client=http_client)

    def fields(self, request: Request) -> dict[str, Any]:
        """The prompt is marked for caching: what a seat has seen is appended, so its prefix is found again."""
        endpoint = self.endpoint
        body: dict[str, Any] = {
            "model": endpoint.id,
            "max_tokens": endpoint.max_tokens,
            "system": request.system,
            "cache_control": {"type": "ephemeral"},
        }
        if endpoint.json_schema and request.schema is not None:
            body["output_config"] = {"format": {"type": "json_schema", "schema": request.schema}}
        merged = {**body, **endpoint.params}
        if "output_config" in body and "output_config" in endpoint.params:  # effort beside the format
            merged["output_config"] = {**body["output_config"], **endpoint.params["output_config"]}
        return merged

    def read(self, data: dict[str, Any]) -> Completion:
        """All text blocks; thinking blocks apart; input tokens are the fresh, the cached and the newly cached ones."""
        blocks = [block for block in data["content"] if isinstance(block, dict)]
        text = "".join(block["text"] for block in blocks if block.get("type") == "text")
        thinking = "\n".join(str(block.get("thinking", "")) for block in blocks if block.get("type") == "thinking")
        usage = data.get("usage")
        fresh = count(usage, "input_tokens")
        cached = count(usage, "cache_read_input_tokens")
        written = count(usage, "cache_creation_input_tokens")
        stop = data.get("stop_reason")
        return Completion(
            text=text,
            reasoning=thinking or None,
            stop=STOPS.get(stop, str(stop)) if stop is not None else "end",
            input_tokens=None if fresh is None else fresh + (cached or 0) + (written or 0),
            cached_tokens=cached,
            written_tokens=written,
            output_tokens=count(usage, "output_tokens"),
            request_id=data["id"] if isinstance(data.get("id"), str) else None,
        )
