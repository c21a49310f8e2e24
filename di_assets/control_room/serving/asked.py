"""Checks what programs and pages ask Dagster. Dagster itself answers many mistakes with a traceback in its log."""

import json
from typing import Any


def query_problem(body: bytes) -> str | None:
    """What is wrong with the body of a query, in one line; None if it is an object with a query."""
    asked, problem = _parsed(body)
    return problem or _query_problem(asked)


def message_problem(text: str | None) -> str | None:
    """What is wrong with a message of the websocket, in one line; None if it is one of the protocol `graphql-ws`.

    Args:
        text: the message; None if it is binary.
    """
    if text is None:
        return "a message comes as text"
    message, problem = _parsed(text)
    if problem:
        return problem
    if not isinstance(message, dict) or not isinstance(message.get("type"), str):
        return "a message comes as a JSON object with the text `type`"
    if not isinstance(message.get("id"), str | None):
        return "`id` is no text"
    return _query_problem(message.get("payload")) if message["type"] == "start" else None


def _parsed(body: bytes | str) -> tuple[Any, str | None]:
    """The value in a JSON text and None, or None and what is wrong with the text."""
    try:
        asked = json.loads(body)
        json.dumps(asked, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return None, "this holds half a character (a lone surrogate)"
    except (ValueError, RecursionError):
        return None, "this is no JSON"
    return asked, None


def _query_problem(asked: Any) -> str | None:
    if not isinstance(asked, dict) or not isinstance(asked.get("query"), str):
        return "a query comes as a JSON object with the text `query`"
    if not isinstance(asked.get("variables"), dict | None):
        return "`variables` is no JSON object"
    # Dagster reads the second name on the websocket.
    if not all(isinstance(asked.get(name), str | None) for name in ("operationName", "operation_name")):
        return "`operationName` is no text"
    return None
