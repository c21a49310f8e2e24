"""A request's body as a model's server wants it: fields left out, renamed, the rules inside the first turn."""

import json
from typing import Any

from di_assets.providers.types import Endpoint, Request, encode_turn


def shaped(endpoint: Endpoint, fields: dict[str, Any], messages: bytes) -> bytes:
    """Builds the JSON body of a request.

    Args:
        endpoint: the model's configuration; its `rename` gives fields other names.
        fields: the fields of the body without the messages; a field that is None is left out.
        messages: the messages as JSON objects, separated by commas.
    """
    rename = endpoint.rename
    kept = {rename.get(name, name): value for name, value in fields.items() if value is not None}
    head = json.dumps(kept, ensure_ascii=False)[1:-1].encode()
    name = json.dumps(rename.get("messages", "messages")).encode()
    return b"{%s%s%s:[%s]}" % (head, b"," if head else b"", name, messages)


def turns(endpoint: Endpoint, request: Request) -> bytes:
    """The turns, JSON objects separated by commas; the rules at the head of the first where no system text is taken."""
    encoded = request.encoded
    if endpoint.system or not request.system:
        return b",".join(encoded)
    first = json.loads(encoded[0])
    if first["role"] != "user":
        return b",".join((encode_turn("user", request.system), *encoded))
    return b",".join((encode_turn("user", f"{request.system}\n\n{first['content']}"), *encoded[1:]))
