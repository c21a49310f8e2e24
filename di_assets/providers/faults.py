"""Decides what an answer without a reply means, by its status and its words: a fault of some kind, or a refusal.

402, or words about credit                        no_credit         the run stops
429                                               rate_limit        asked again after a while
400, 403, 422 and words about content             a refusal         of this seat, as if the model had declined
401, 403, or words about a key                    no_key            the run stops
408, 409, 5xx                                     server_error      asked again
any other, 3xx among them                         request_refused   the run stops
"""

import email.utils
import re
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Literal

from di_assets.providers.said import Said
from di_assets.providers.types import Cause, Completion, FatalFault, FaultKind, ProviderError, TransportFault

SLOWER = {429, 503, 529}
# Statuses besides 5xx that may pass: a timeout, a conflict, a failed server behind a gateway, a closed connection.
_PASSING = {408, 409, 424, 425, 499}
# Statuses with which servers refuse a prompt. With other statuses, words about content mean something else.
_OF_PROMPTS = {200, 400, 403, 406, 422, 446, 451}

_SPENT_CODE = re.compile(
    r"insufficient_(?:quota|credit|balance|fund)|exceeded_current_quota|spend_limit|billing|budget_exceeded|credit"
    r"|payment_required|arrearage"
)
_SPENT = re.compile(
    r"credit balance|credit limit"
    r"|balance (?:is |has |was )?(?:too low|insufficient|not enough|run out|used up|exhausted|negative|zero|empty)"
    r"|(?:insufficient|not enough|out of|no|any|more|used all available) (?:account )?(?:balance|credits?|funds)\b"
    r"(?! (?:is|are|was|were|has|have|will)\b[^.]{0,20} (?:charged|used|deducted|consumed|spent))"
    r"|credits? (?:has|have|is|are|was|were) (?:been )?(?:exhausted|depleted|used up|required)"
    r"|spend(?:ing)? limit|billing (?:hard )?limit|budget has been exceeded|key limit exceeded|payment required"
    r"|(?:specified|monthly) (?:\w+ )?(?:api )?usage limits?|monthly included credits|in arrears|overdue"
    r"|arrearage|unpaid|enable billing|billing (?:is |account )?(?:is )?(?:not|in)[ -]?(?:enabled|active)"
    r"|余额不足|欠费"
)
# With status 429, Google says this of a quota a minute.
_QUOTA = re.compile(r"exceeded (?:your|the) (?:current |monthly )?quota|insufficient quota")
_KEY = re.compile(
    r"invalid_api_key|api_key_invalid|authentication_error|unauthenticated|permission_(?:error|denied)|unauthorized"
    r"|(?:invalid|incorrect|wrong|missing|expired|revoked|disabled|no)\W+(?:or missing )?"
    r"(?:api|access|auth|bearer|x-api)[ _-]?(?:key|token)"
    r"|(?:api[ _-]?key|access token|credentials?) (?:is |was |are |has |have )?(?:been )?"
    r"(?:not valid|invalid|not found|missing|expired|revoked|required|disabled|incorrect)"
    r"|authentication (?:failed|is required)|not authenticated|api_key_(?:service|http|ip)\w*blocked"
    r"|login fail|log[ -]?in required"
)
# A code that says no more than 403 does.
_MAY_NOT = re.compile(r"permission[_-](?:error|denied)|forbidden")
_THIS_PROMPT = re.compile(r"\b(?:prompt|input|content|messages?|request|text|conversation)\b")
_ACCOUNT = re.compile(
    r"\b(?:account|organi[sz]ation|project|workspace|subscription|country|region|location|your access|ip address)\b"
    r"[^.]{0,60}\b(?:suspended|terminated|disabled|deactivated|banned|blocked|restricted|inactive|not supported"
    r"|not allowed)|(?:suspended|deactivated|inactive|unsupported)[ _](?:account|subscription|country|consumer)"
    r"|consumer_suspended"
)
_CONTENT_CODE = re.compile(
    r"content_?(?:filter|policy|moderation|management|violation)|responsibleaipolicyviolation|\bmoderation|data_?inspection"
    r"|prohibited_content|policy_violation|(?:usage|safety|cyber|bio)_(?:policy|violation)|guardrail|invalid_prompt"
    r"|\b(?:safety|blocklist|spii|recitation|jailbreak|flagged|filtered|sensitive|detected)\b|safety_check|sensitive_?(?:content|text|words?|info)|sensitive_"
    r"|(?:prompt|input|output|content)_?(?:blocked|filtered|flagged|rejected)|model_armor|image_safety|unsafe_|prompt_(?:injection|shield)|llama_?guard|hooks_failed"
)
_CONTENT = re.compile(
    r"content[ _-]?(?:management|filter|policy|policies|safety|moderation)|responsible ai|moderation|\bflagged\b"
    r"|safety (?:system|filter|setting|reason|guideline|polic|check|concern)|prohibited[ _](?:content|use)"
    r"|(?:usage|acceptable use|community|safety|content) (?:policy|policies|guidelines)|guardrail"
    r"|violat\w+ [^.]{0,60}(?:policy|policies|guidelines|terms)"
    r"|(?:inappropriate|sensitive|harmful|unsafe) (?:content|words?|information|text)|content exists risk"
    r"|considered high risk|potentially (?:harmful|unsafe|violating)|jailbreak|prompt (?:injection|shield)"
    r"|llama[ _]guard|\b(?:prompt|input|content|output|response|message)s? (?:was|is|has been|were|are)? ?"
    r"(?:blocked|filtered|rejected by|refused by)"
    r"|敏感|不安全|违规"
)
_OUTPUT = re.compile(r"\b(?:output|response|completion|generated|generation)\b")
_CONTEXT = re.compile(
    r"context[ _](?:length|window|size|limit)|prompt is too long|prompt_too_long|input is too long"
    r"|too many (?:input )?tokens|string_above_max_length|request_too_large|max_model_len"
    r"|maximum input length|reduce the length|request too large|tokens must be reduced"
    r"|(?:input|prompt)[^.]{0,40} tokens?[^.]{0,60}exceed|exceeds? [^.]{0,60}(?:maximum|limit)[^.]{0,30} tokens"
)
# Said with status 429 of a request that is larger than a minute's worth of tokens: no waiting mends it.
_TOO_LARGE = re.compile(r"request too large|tokens must be reduced")
_ROOM = re.compile(
    r"max_(?:completion_|output_)?tokens\b[^.]{0,60}"
    r"(?:too large|too high|>|exceeds?|at most|less than|maximum|range|up to)"
)
_SYSTEM = re.compile(
    r"developer instruction is not enabled|does(?: not|n't) support (?:the )?['\"`]?system|unsupported role"
    r"|unknown role|system[ _](?:role|prompt|message|instruction)s?\b[^.]{0,40}"
    r"(?:not (?:supported|enabled|allowed)|n't supported)"
    r"|roles must alternate|only user and assistant|role ['\"`]?system|unsupported (?:message )?system"
    r"|invalid value: ['\"`]system|input should be ['\"`]user['\"`] or"
)
_MODEL = re.compile(
    r"model_?_?not_?found|model [^.]{0,80}(?:does not exist|not found|not available|is not supported|no longer)"
    r"|no such model|unknown model|not a valid model|no endpoints found|deployment_?not_?found"
)
_PARAMETER = re.compile(
    r"(?:unsupported|unknown|unrecognized|missing)[_ ](?:required_|request )?(?:parameter|value|argument|field)"
    r"|invalid_(?:parameter|value)|extra inputs are not permitted|extra_forbidden|unknown name|cannot find field"
)
_WHY: Mapping[Cause, str] = {
    "context": "the prompt is longer than the model takes",
    "room": "`max_tokens` is more than the model writes",
    "system": "a system text is not taken",
    "model": "no such model",
    "account": "the account may not use it",
    "redirect": "the address has moved",
    "proxy": "the proxy wants a log-in",
}
# Servers report these with statuses 400, 403 or 429, so the status alone does not say it.
_WHY_BY_KIND: Mapping[str, str] = {
    "no_credit": "the account has no credit left",
    "no_key": "the key is not accepted",
}


_KINDS: Mapping[int, re.Pattern[str]] = {
    402: re.compile(rf"{_SPENT_CODE.pattern}|{_SPENT.pattern}"),
    429: re.compile(r"rate[ _-]?limit|too[ _]many[ _]requests|resource_?exhausted|throttl|slow_?down"),
    401: _KEY,
    400: re.compile(rf"{_CONTENT_CODE.pattern}|{_CONTENT.pattern}"),
    503: re.compile(r"overloaded|unavailable|at capacity|no capacity|server is busy|try again later"),
    500: re.compile(r"internal|server[ _]error|api_error|bad gateway|time[d]?[ _-]?out|provider returned error"),
}

Verdict = FaultKind | Literal["refusal", "wrote"]


def fault_of(
    name: str, status: int, said: Said, headers: Mapping[str, str], *, inside: bool = False
) -> ProviderError | Completion:
    """Decides what an answer without a reply means.

    Args:
        name: the model's name.
        status: the HTTP status of the answer, or a status that stands in its body.
        said: the error in the body.
        headers: the headers of the answer.
        inside: the error was in an answer with a success status.

    Returns:
        The fault. Or a completion: without text, if the prompt was refused because of its content; with the model's
        text, if the server rejected that text.
    """
    cause = _cause(status, said)
    verdict = next(verdict for verdict, holds in _RULES if holds(status, said, cause))
    if verdict == "wrote":
        return Completion(text=said.wrote or "")
    if verdict == "refusal":
        # If a filter stopped the model's output, tokens were made and may be charged.
        made = _OUTPUT.search(said.prose) or (inside and said.number is None)
        return Completion(text="", stop="refusal", billed=bool(made))
    if verdict in {"no_credit", "rate_limit"}:
        cause = None  # the kind says everything
    why = _WHY.get(cause) if cause else _WHY_BY_KIND.get(verdict)
    text = f"{name}: {_line(status, said, cause, inside=inside)}{f': {why}' if why else ''}"
    if verdict not in {"rate_limit", "server_error"}:
        return FatalFault(text, kind=verdict, cause=cause, param=said.param)
    return TransportFault(
        text,
        kind=verdict,
        retryable=True,
        retry_after_s=retry_after(headers) or said.retry_after_s,
        perhaps_paid=verdict == "server_error" and status not in {409, 425},
        cause=cause,
    )


def status_of(said: Said) -> int | None:
    """The HTTP status that fits the words of an error without a status; None if the words are not known."""
    return next((status for status, pattern in _KINDS.items() if pattern.search(said.all)), None)


def _is_spent(said: Said) -> bool:
    return bool(_SPENT_CODE.search(said.codes) or _SPENT.search(said.prose))


def _refuses_the_prompt(status: int, said: Said) -> bool:
    """Whether the error is about the content of the prompt, and not about the key, the account or a parameter."""
    if _CONTENT_CODE.search(said.codes):
        return not _KEY.search(said.codes)
    if status not in _OF_PROMPTS:
        return False
    if not _CONTENT.search(said.prose):
        return False
    who = said.all
    if _MAY_NOT.search(said.codes) and _THIS_PROMPT.search(said.prose):
        who = _MAY_NOT.sub("", who)
    return not any(other.search(who) for other in (_SPENT, _KEY, _ACCOUNT, _PARAMETER))


# The first rule that holds decides.
_RULES: tuple[tuple[Verdict, Callable[[int, Said, Cause | None], object]], ...] = (
    ("no_credit", lambda status, said, _: status == 402 or (status in {401, 429} and _is_spent(said))),
    ("request_refused", lambda status, said, _: status == 429 and _TOO_LARGE.search(said.prose)),
    ("rate_limit", lambda status, _, __: status == 429),
    ("wrote", lambda status, said, _: status in _OF_PROMPTS and said.wrote is not None),
    ("no_key", lambda status, _, __: status == 401),
    ("refusal", lambda status, said, _: _refuses_the_prompt(status, said)),
    ("server_error", lambda status, _, __: status in _PASSING or status >= 500),
    ("no_credit", lambda _, said, __: _is_spent(said) or _QUOTA.search(said.prose)),
    ("request_refused", lambda _, __, cause: cause in {"parameter", "context", "room", "system", "model", "redirect"}),
    ("no_key", lambda status, said, cause: status in {403, 407} or cause == "account" or _KEY.search(said.all)),
    ("request_refused", lambda _, __, ___: True),
)


def _cause(status: int, said: Said) -> Cause | None:
    """What was wrong with the request; None if the answer does not show it."""
    if status == 407 or 300 <= status < 400:
        return "proxy" if status == 407 else "redirect"
    for cause, pattern in _CAUSES.items():
        if pattern.search(said.all):
            return cause
    return "parameter" if said.param and status in {400, 422} and not _KEY.search(said.all) else None


_CAUSES: Mapping[Cause, re.Pattern[str]] = {
    "account": _ACCOUNT,
    "system": _SYSTEM,
    "context": _CONTEXT,
    "room": _ROOM,
    "parameter": _PARAMETER,
    "model": _MODEL,
}


def _line(status: int, said: Said, cause: Cause | None, *, inside: bool) -> str:
    """One line for a fault: the HTTP status, and at most a plain word and a field name of what the server said."""
    words = ": ".join(part for part in (said.word, said.param if cause == "parameter" else None) if part)
    where = f"HTTP 200 with an error{f' {said.number}' if said.number else ''}" if inside else f"HTTP {status}"
    return f"{where}{f' ({words})' if words else ''}"


def retry_after(headers: Mapping[str, str]) -> float:
    """Seconds that a server wants to be left alone: `retry-after-ms`, seconds, or a date; 0 where it says none of them.

    A date is held against the server's own clock, where it tells that too.
    """
    for name, per_second in (("retry-after-ms", 1000), ("retry-after", 1)):
        try:
            seconds = float(headers.get(name) or 0) / per_second
        except ValueError:
            seconds = _until(headers[name], headers.get("date")) if name == "retry-after" else 0.0
        if 0 < seconds < float("inf"):
            return seconds
    return 0.0


def _until(date: str, now: str | None) -> float:
    then, here = _time(date), _time(now or "")
    return 0.0 if then is None else max(0.0, then - (time.time() if here is None else here))


def _time(date: str) -> float | None:
    """Parses an HTTP date or an ISO 8601 date, UTC if it has no zone; seconds since 1970, None if it is neither."""
    for read in (email.utils.parsedate_to_datetime, datetime.fromisoformat):
        try:
            at = read(date.strip())
            return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
        except (ValueError, OverflowError):
            continue
    return None
