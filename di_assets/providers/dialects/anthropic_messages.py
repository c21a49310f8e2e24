"""Anthropic's messages, at Anthropic or at any server that speaks the dialect."""

from typing import Any

from di_assets.providers.answers import Reply
from di_assets.providers.anthropic_batches import AnthropicBatches
from di_assets.providers.body import BadBodyError
from di_assets.providers.dialect import Dialect
from di_assets.providers.ends import ANTHROPIC
from di_assets.providers.parts import called, spoken, thought
from di_assets.providers.sdk import SdkProvider
from di_assets.providers.types import Request, keeps_an_hour
from di_assets.providers.usage import read_usage


class AnthropicProvider(SdkProvider):
    """One model over the `anthropic` SDK."""

    sdk = "anthropic"
    root_error = "AnthropicError"
    path = "/v1/messages"
    ends = ANTHROPIC

    def _connect(self, key: str, http_client: Any) -> Any:
        return self._sdk.AsyncAnthropic(
            api_key=key, base_url=self.endpoint.base_url, max_retries=0, http_client=http_client
        )

    def fields(self, request: Request) -> dict[str, Any]:
        """The prompt is marked for caching: what a seat has seen is appended, so its prefix is found again."""
        endpoint = self.endpoint
        body: dict[str, Any] = {
            "model": endpoint.id,
            "max_tokens": endpoint.max_tokens,
            **({"system": request.system} if endpoint.system else {}),
            "cache_control": {"type": "ephemeral"},
        }
        if endpoint.json_schema and request.schema is not None:
            body["output_config"] = {"format": {"type": "json_schema", "schema": request.schema}}
        merged = {**body, **endpoint.params}
        if "output_config" in body and isinstance(endpoint.params.get("output_config"), dict):  # effort and format
            merged["output_config"] = {**body["output_config"], **endpoint.params["output_config"]}
        return merged

    def read(self, data: dict[str, Any]) -> Reply:
        """All text blocks, a called tool's arguments and usage; thinking blocks apart."""
        content = data["content"]
        if isinstance(content, dict):
            raise BadBodyError("status 200 with content that is no list of blocks")
        blocks = [block for block in content if isinstance(block, dict)] if isinstance(content, list) else []
        arguments = called([block for block in blocks if block.get("type") == "tool_use"])
        text = "\n".join(filter(None, (spoken(content), arguments)))
        reasoning = thought(data)
        usage = read_usage(
            data.get("usage"), beside=True, hour=keeps_an_hour(self.endpoint.params), spoke=bool(text or reasoning)
        )
        return Reply(text=text, reasoning=reasoning, end_word=data.get("stop_reason"), usage=usage)


DIALECT = Dialect(
    "anthropic",
    AnthropicProvider,
    key_variable="ANTHROPIC_API_KEY",
    written_against_input=1.25,
    written_hour_against_input=2.0,
    batches=AnthropicBatches,
)
