"""Decides what a server's answer is: a reply, a refused prompt, or a fault. It is pure and makes no request."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from di_assets.providers.body import BadBodyError
from di_assets.providers.ends import End, end_of
from di_assets.providers.faults import SLOWER, fault_of, status_of
from di_assets.providers.said import WORD, Said, said_in
from di_assets.providers.told_cost import told_cost
from di_assets.providers.types import BrokenReplyFault, Completion, ProviderError, TransportFault
from di_assets.providers.usage import Usage, read_usage

# Headers in which providers and gateways send the id of a request, if it is not in the body.
_ID_HEADERS = ("x-request-id", "request-id", "apim-request-id", "x-litellm-call-id", "x-amzn-requestid", "cf-ray")
_ID = re.compile(r"[\w.:/+=-]{1,200}", re.ASCII)
_BODY_CHARS = 2_000


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer: status, headers and decompressed body; the body is empty if it could not be read."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def succeeded(self) -> bool:
        """Whether the status is 2xx. The body may still hold an error."""
        return 200 <= self.status < 300


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply as a dialect finds it in a body.

    Attributes:
        text: the text of the reply.
        usage: the tokens of the call.
        end_word: the server's word for why the reply ended; any type.
        reasoning: the reasoning that the server shows; None if it shows none.
        refused: the body has a field that says that the model declined.
        error: an error in the same body as the reply; None if there is none.
    """

    text: str
    usage: Usage
    end_word: Any
    reasoning: str | None = None
    refused: bool = False
    error: Any = None


@dataclass(frozen=True, slots=True)
class Sorter:
    """Decides for each answer of one model's server whether it is a reply or a fault, and of which kind.

    Attributes:
        name: the model's name.
        unwrapped: takes the parsed body and returns the ordinary body in its envelope. If that is not found (the same
            errors as of `read`) or is no object with fields, the parsed body is taken as it stands.
        read: takes the ordinary body and returns the reply in it. If there is none, it raises KeyError, TypeError,
            IndexError, AttributeError or BadBodyError.
        ends: the dialect's words for the end of a reply, and what they mean.
        fields: names of the fields of the model's requests.
    """

    name: str
    unwrapped: Callable[[dict[str, Any]], Any]
    read: Callable[[dict[str, Any]], Reply]
    ends: Mapping[str, End]
    fields: frozenset[str] = frozenset()

    def sort(self, answer: Answer) -> tuple[Completion | ProviderError, bool]:
        """Returns the reply or the fault, and whether the server asks for fewer calls."""
        try:
            data = json.loads(answer.body)
        except (ValueError, RecursionError):
            data = answer.body[:_BODY_CHARS].decode(errors="replace")
        if isinstance(data, list) and len(data) == 1:  # as Google wraps its errors
            data = data[0]
        data = self._inner(data)
        outcome, status = self._sort(data, answer)
        request_id, told_usd = _request_id(data, answer.headers), told_cost(data, answer.headers)
        if isinstance(outcome, Completion):
            return replace(outcome, request_id=request_id, told_usd=told_usd), False
        outcome.request_id, outcome.told_usd = request_id, told_usd
        return outcome, outcome.kind == "rate_limit" or status in SLOWER

    def _inner(self, data: Any) -> Any:
        """The ordinary body in an envelope; the body as it stands if it is none, as errors often are."""
        if not isinstance(data, dict):
            return data
        try:
            inner = self.unwrapped(data)
        except (KeyError, TypeError, IndexError, AttributeError):
            return data
        return inner if inner and isinstance(inner, dict) else data

    def _sort(self, data: Any, answer: Answer) -> tuple[Completion | ProviderError, int]:
        """The outcome, and the HTTP status that decided it."""
        error = _error_in(data)
        if not answer.succeeded:
            said = said_in(data, fields=self.fields)
            outcome = fault_of(self.name, answer.status, said, answer.headers)
        elif not isinstance(data, dict):
            outcome = self.broken(f"status {answer.status} with a body that is no JSON object")
        elif error is not None:
            return self._failed(error, answer, data)
        elif _blocked(data):
            # Of a body without a reply nothing says how its usage counts the cache: the dearer way is taken.
            usage = read_usage(data.get("usage"), beside=True)
            outcome = Completion(
                text="",
                stop="refusal",
                input_tokens=usage.sent,
                cached_tokens=usage.cached,
                written_tokens=usage.written,
                written_hour_tokens=usage.written_hour,
                output_tokens=usage.received or 0,
                billed=bool(usage.sent or usage.received),
            )
        else:
            return self._read(data, answer)
        return outcome, answer.status

    def _read(self, data: dict[str, Any], answer: Answer) -> tuple[Completion | ProviderError, int]:
        try:
            reply = self.read(data)
        except BadBodyError as why:
            return self.broken(str(why)), answer.status
        except (KeyError, TypeError, IndexError, AttributeError, RecursionError):
            return self.broken(f"status {answer.status} with a body that holds no reply"), answer.status
        return self._failed(reply.error, answer, data) if reply.error else (self._completed(reply), answer.status)

    def _failed(self, error: Any, answer: Answer, data: dict[str, Any]) -> tuple[Completion | ProviderError, int]:
        """An error inside an answer that says it succeeded. It may be charged if tokens were told or text was made."""
        said = said_in(error, fields=self.fields)
        status = said.number or status_of(said)
        if status is not None:
            outcome = fault_of(self.name, status, said, answer.headers, inside=True)
            if isinstance(outcome, Completion):
                return replace(outcome, billed=outcome.billed or _worked(data)), status
            if outcome.kind != "request_refused" or outcome.cause:
                outcome.perhaps_paid = outcome.perhaps_paid or _worked(data)
                return outcome, status
        return self.broken(f"status {answer.status} with an error{_in_brackets(said)}"), answer.status

    def _completed(self, reply: Reply) -> Completion | ProviderError:
        end = "refusal" if reply.refused else end_of(self.ends, reply.end_word, spoke=bool(reply.text))
        word = reply.end_word if isinstance(reply.end_word, str) and WORD.fullmatch(reply.end_word) else None
        if end == "failed":
            return TransportFault(
                f"{self.name}: the server broke the reply off ({word})",
                kind="server_error",
                retryable=True,
                perhaps_paid=True,
            )
        if end is None:
            return self.broken(f"the reply ended for no reason that is known{f' ({word})' if word else ''}")
        usage = reply.usage
        return Completion(
            text=reply.text,
            reasoning=reply.reasoning,
            stop=end,
            input_tokens=usage.sent,
            cached_tokens=usage.cached,
            written_tokens=usage.written,
            written_hour_tokens=usage.written_hour,
            output_tokens=usage.received,
        )

    def broken(self, why: str) -> BrokenReplyFault:
        """The fault for a body that holds no usable reply; `why` goes into its message."""
        return BrokenReplyFault(f"{self.name}: {why}", kind="broken_reply", retryable=True, perhaps_paid=True)


def _in_brackets(said: Said) -> str:
    return f" ({said.word})" if said.word else ""


def _error_in(data: Any) -> Any:
    """The error in the body of an answer with a success status; None if there is none."""
    if not isinstance(data, dict):
        return None
    if data.get("error") or data.get("type") == "error" or data.get("object") == "error":
        return data
    base = data.get("base_resp")
    if isinstance(base, dict) and base.get("status_code"):
        return base
    if data.get("errors") and not data.get("choices") and not data.get("content"):
        return data["errors"]
    return None


def _worked(data: dict[str, Any]) -> bool:
    """Whether a body shows that the model worked: tokens in its usage, or a beginning of a reply."""
    usage = read_usage(data.get("usage"), beside=False)
    if usage.sent or usage.received or data.get("content"):
        return True
    choices = data.get("choices")
    messages = [one.get("message") for one in choices if isinstance(one, dict)] if isinstance(choices, list) else []
    return any(isinstance(one, dict) and one.get("content") for one in messages)


def _blocked(data: dict[str, Any]) -> bool:
    """Whether a filter stopped the prompt, so that the body has no reply."""
    if data.get("choices") or data.get("content"):
        return False
    for name in ("prompt_feedback", "promptFeedback"):
        told = data.get(name)
        if isinstance(told, dict) and (told.get("block_reason") or told.get("blockReason")):
            return True
    results = data.get("prompt_filter_results") or data.get("prompt_annotations")
    return bool(results) and any(word in {"filtered", "detected"} for word in said_in(results).codes.split())


def _request_id(data: Any, headers: Mapping[str, str]) -> str | None:
    """The id of the request, as a bill shows it: from the body, or else from a header; None if there is none."""
    error = data.get("error") if isinstance(data, dict) else None
    told = [data.get("id"), data.get("request_id")] if isinstance(data, dict) else []
    told += [error.get("request_id")] if isinstance(error, dict) else []
    told += [headers.get(name) for name in _ID_HEADERS]
    return next((text for text in told if isinstance(text, str) and _ID.fullmatch(text)), None)
