"""Words in, words out; nothing here knows the game. Dialects by name, each declared in a file of `dialects/`."""

from di_assets.declared import declared_in
from di_assets.providers import dialects
from di_assets.providers.dialect import Dialect
from di_assets.providers.types import Endpoint, Provider, SlowDown

DIALECTS = declared_in([dialects], "DIALECT", Dialect)


def connect(endpoint: Endpoint, slow_down: SlowDown = lambda _: None) -> Provider:
    """Makes a client for this endpoint.

    Args:
        endpoint: the endpoint.
        slow_down: called when the server asks for fewer calls, with the seconds to wait.

    Raises:
        FatalFault: the endpoint's key is not in the environment.
    """
    return DIALECTS[endpoint.provider].client(endpoint, slow_down)
