"""Words in, words out: one module a dialect; none of them knows the game."""

from collections.abc import Callable, Mapping

from di_assets.providers.anthropic_messages import AnthropicProvider
from di_assets.providers.openai_chat import OpenAIProvider
from di_assets.providers.types import Endpoint, Provider, SlowDown


def connect(endpoint: Endpoint, slow_down: SlowDown = lambda _: None) -> Provider:
    """A client for this endpoint.

    Args:
        endpoint: how it is reached.
        slow_down: told when the server asks for fewer calls.

    Raises:
        FatalFault: its key is not in the environment.
    """
    return PROVIDERS[endpoint.provider](endpoint, slow_down)


PROVIDERS: Mapping[str, Callable[[Endpoint, SlowDown], Provider]] = {
    "anthropic": AnthropicProvider,
    "openai": OpenAIProvider,
}
