"""What a field of a request asks for, by its name. Servers write one name in several ways: `maxTokens`, `max_tokens`.

The names are those of OpenAI, Anthropic, Google, AI21, MiniMax, llama.cpp, vLLM, Ollama, KoboldAI, LiteLLM and Portkey.
A name that none of them uses is taken by its words, so that a limit is rather found where none is than missed.
"""

import re
from typing import Literal

Kind = Literal["limit", "thinking", "replies", "retries", "stream"]

_REPLY = "(?:sequence|completion|cmpl|generation|candidate|choice|sample|output|response|replie|reply|result)"
_MADE = "(?:out(?:put)?|new|gen(?:erated|eration)?|compl(?:etion)?|resp(?:onse)?|reply|answer)"
_TOKENS = "(?:tok(?:en)?s?)"

# Names without underscores and in lower case. The first line that fits counts.
_KINDS: tuple[tuple[re.Pattern[str], Kind], ...] = (
    (re.compile(r"(?:is)?stream(?:ing)?"), "stream"),
    (re.compile(rf"n|bestof|ncmpl|{_REPLY}count"), "replies"),
    (re.compile(rf"(?:n|num|numberof)?(?:return)?{_REPLY}s"), "replies"),
    (re.compile(r"(?:n|num|numberof|max|.*error)?(?:retry|retries|attempts)(?:count|per.*)?"), "retries"),
    (re.compile(r".*(?:think|reason).*budget(?!.*(?:message|text)).*|budgettok.*|max(?:think|reason).*"), "thinking"),
    (re.compile(r".*max.*(?:tok|gen|len|(?<!time)out|compl|new|repl|resp|answer|words).*|n(?:um)?predict"), "limit"),
    (re.compile(rf"{_MADE}.*(?:limit|budget|max)"), "limit"),
    (re.compile(rf"(?:n|num|numberof)?{_MADE}(?:{_TOKENS}|len(?:gth)?|size|words)"), "limit"),
    (re.compile(rf"(?:n|num|numberof){_TOKENS}|{_TOKENS}togenerate|{_TOKENS}limit|limit{_TOKENS}|genamt"), "limit"),
)
# Limits of something else than the reply, unless the name says that it is about what is made, too.
_NO_LIMIT = re.compile(r"input|prompt|context|content|model|image|source|history|search|tool|query|logprob")
_OF_REPLY = re.compile(r"(?<!time)out|compl|gen|new|repl|resp|answer")
# Limits of speed, as of text-generation-webui.
_OF_SPEED = re.compile(r"(?:tok|token)s?(?:per)?(?:second|minute)")
# Objects whose keys are no settings: JSON schemas, notes that the server only keeps, values put into a prompt.
_NO_SETTINGS = {"properties", "patternproperties", "$defs", "definitions", "schema", "inputschema", "jsonschema"}
_NO_SETTINGS |= {"guidedjson", "json", "format", "metadata", "litellmmetadata", "labels", "trace", "logitbias"}
_NO_SETTINGS |= {"variables", "promptvariables", "templatevars"}


def kind_of(name: str) -> Kind | None:
    """What a field of this name asks for; None if it is none of the kinds that are checked."""
    plain = _plain(name)
    kind = next((kind for pattern, kind in _KINDS if pattern.fullmatch(plain)), None)
    elsewhere = _OF_SPEED.search(plain) or (_NO_LIMIT.search(plain) and not _OF_REPLY.search(plain))
    return None if kind == "limit" and elsewhere else kind


def holds_settings(name: str) -> bool:
    """Whether an object under this name may hold settings of the server."""
    return _plain(name) not in _NO_SETTINGS


def _plain(name: str) -> str:
    return re.sub(r"[\s_.-]", "", name).lower()
