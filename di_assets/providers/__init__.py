"""Words in, words out: one module a dialect; none of them knows the game."""

from collections.abc import Callable, Mapping

from di_assets.providers.anthropic_messages import AnthropicProvider
from di_assets.providers.openai_chat import OpenAIProvider
from di_assets.providers.types import Endpoint, Provider


def connect(endpoint: Endpoint) -> Provider:
    """A client for this endpoint.

    Raises:
        FatalFault: its key is not in the environment.
    """
    return PROVIDERS[endpoint.provider](endpoint)


PROVIDERS: Mapping[str, Callable[[Endpoint], Provider]] = {
    "anthropic": AnthropicProvider,
    "openai": OpenAIProvider,
}
