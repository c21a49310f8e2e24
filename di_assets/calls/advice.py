"""Advice on what to change if a model cannot play: one line for each cause that can be recognised."""

import re
from collections.abc import Iterable, Mapping

from di_assets.providers.types import Cause, Completion, FaultKind, ProviderError

# Fields of a request that hold the schema of the reply.
_SCHEMA = {"response_format", "output_config", "json_schema"}
BY_KIND: Mapping[FaultKind, str] = {
    "connection": "check `base_url`, and that the server runs",
    "timeout": "raise `timeout_s`, or lower `max_tokens`",
    "rate_limit": "lower `concurrency`, or set `requests_per_minute`; then try again",
    "server_error": "the server failed: try again later",
    "broken_reply": "check `base_url`, and that the server speaks the dialect of `provider`",
    "request_refused": "check `id`, `base_url`, `max_tokens` and `params`",
    "no_credit": "add credit at the provider, or raise the limit that is set there",
    "no_key": "check the key, and that `key` names its variable",
}
BY_CAUSE: Mapping[Cause, str] = {
    "certificate": "check `base_url`; for an authority of your own, let SSL_CERT_FILE name its certificate",
    "tls": "check whether `base_url` begins with https:// where the server speaks http://",
    "host": "check the host name in `base_url`, and that this machine can look it up",
    "proxy": "check HTTPS_PROXY and HTTP_PROXY; NO_PROXY names hosts that are reached without it",
    "refused": "check `base_url`, and that the server runs",
    "redirect": "check `base_url`: the server says that it has moved (https:// for http://, perhaps)",
    "system": "set `system: false`, which puts the rules at the head of the first user turn",
    "context": "the prompts of late rounds are longer than the model takes, and resuming won't help: raise the server's"
    " context, or play fewer `rounds`",
    "room": "lower `max_tokens`: the model does not write as much",
    "model": "check `id`: the server knows no such model, or the account may not use it",
    "account": "the provider has closed the account, or does not serve it from here: ask there",
}


def advice_for(fault: ProviderError) -> str:
    """What to change after a call that brought no reply."""
    if fault.cause == "parameter":
        name = re.split(r"[.\[]", fault.param or "NAME")[0]
        if name in _SCHEMA:
            return "set `json_schema: false`, or another form of it in `params`"
        if name == "messages":
            return "check the chat template of the server: it takes no such messages"
        return (
            f"leave the field out with `params: {{{name}: null}}`, or call it otherwise with `rename: {{{name}: ...}}`"
        )
    return BY_CAUSE.get(fault.cause, BY_KIND[fault.kind]) if fault.cause else BY_KIND[fault.kind]


def advice_on_replies(kinds: Iterable[str], completions: Iterable[Completion], max_tokens: int) -> str:
    """What to change after replies that were not valid moves.

    Args:
        kinds: the kinds of the invalid replies.
        completions: the replies.
        max_tokens: the model's configured `max_tokens`.
    """
    kinds = set(kinds)
    silent = [one for one in completions if not one.text.strip() and one.stop != "refusal"]
    if "refusal" in kinds:
        return "the model, or a filter before it, declines these prompts: expect forfeits"
    if any(one.stop == "length" for one in silent):
        return f"all tokens went into reasoning: raise `max_tokens` (now {max_tokens}), or lower its effort in `params`"
    if "empty" in kinds and any(one.reasoning for one in silent):
        return (
            "the server's reasoning parser took the reply for reasoning: turn the parser off, or thinking in `params`"
        )
    if "truncated" in kinds:
        return f"raise `max_tokens` (now {max_tokens}): thinking counts against it"
    if "empty" in kinds:
        return "the model ended its reply without a word: check its chat template, or another `id`"
    return "its replies are not valid by themselves: expect re-asks and forfeits"
