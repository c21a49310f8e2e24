"""Removes the thinking from a reply's text. It knows the marks that all model families use for thinking.

A thought with both marks is removed. A closing mark alone means that a template opened the thought before the reply
began, so everything before the mark is thinking. A thought that is opened and never closed holds no answer.
"""

import re
from typing import NamedTuple

from di_assets.agents.strict import strict_at, strict_whole

# After this many closing marks, the rest is no longer checked for being JSON as a whole, to bound the time.
MOST_WHOLE = 20

# Names of marks: <think>, <thinking>, <thought>, <reasoning>, <reflection>, <scratchpad>, <seed:think> ...
_NAMED = r"(?:think|thought|reason|reflect|scratch_?pad|monologue|analysis|deliberat|rationale|ponder|musing)"
_SQUARE = ("THINK", "THINKING", "THOUGHT", "THOUGHTS", "REASONING", "REFLECTION", "SCRATCHPAD")
_MARK = re.compile(
    rf"""
      <\s?(?P<shut>/?)\s?(?P<name>[\w:.-]{{0,24}}?{_NAMED}[\w:.-]{{0,24}})(?:\s[^<>]{{0,200}})?(?P<empty>/?)>
    | \[\s?(?P<shut_square>/?)(?P<square>{"|".join(_SQUARE)})\s?\]
    | ◁\s?(?P<shut_triangle>/?)(?P<triangle>think\w{{0,24}})\s?▷
    | <[|｜](?P<piped>[^<>|｜]{{0,40}}?(?:{_NAMED}|inner_(?:prefix|suffix))[^<>|｜]{{0,40}})[|｜]>
    | (?P<opened><unused94>(?:thought)?|<\|channel>thought)
    | (?P<closed><unused95>|<channel\|>)
    """,
    re.VERBOSE | re.IGNORECASE,
)
_SHUT_PIPED = re.compile(r"^\s*/|end|close|stop|suffix", re.IGNORECASE)
# gpt-oss: <|channel|>analysis<|message|>...<|end|><|start|>assistant<|channel|>final<|message|>...
_CHANNEL = "<|channel|>"
_FINAL = re.compile(r"<\|channel\|>\s{0,4}final(?:[^<]|<\|constrain\|>){0,80}<\|message\|>")
# The same with its marks lost on the way: analysisWe should ...assistantfinal{"pull": "B"}
_LOST_BEGIN = re.compile(r"\s*(?:analysis|commentary)", re.IGNORECASE)
_LOST_FIRST, _LOST_FINAL = re.compile(r"\s*analysis(?=[A-Z\"'{])"), "assistantfinal"
# Granite marks thinking with words.
_WORDS_FIRST, _WORDS_FINAL = (
    re.compile(r"\s*here is my thought process:?", re.I),
    re.compile(r"here is my response:?", re.I),
)


class WithoutThinking(NamedTuple):
    """A reply without its thinking.

    Attributes:
        text: the text without thinking.
        thought: some thinking was removed.
        unfinished: a thought was opened and never closed.
    """

    text: str
    thought: bool = False
    unfinished: bool = False


def without_thinking(text: str) -> WithoutThinking:
    """Removes the thinking. If the rest after a thought is strict JSON as a whole, it is left as it is."""
    for cut in (_channels, _lost_channels, _in_words):
        found = cut(text)
        if found is not None:
            return found
    return _marked(text)


def _channels(text: str) -> WithoutThinking | None:
    if _CHANNEL not in text:
        return None
    final = _FINAL.search(text)
    return (
        WithoutThinking(text[final.end() :], thought=True)
        if final
        else WithoutThinking(text.partition(_CHANNEL)[0], True, True)
    )


def _lost_channels(text: str) -> WithoutThinking | None:
    _, final, answer = text.partition(_LOST_FINAL)
    if not (final and _LOST_BEGIN.match(text)) and not _LOST_FIRST.match(text):
        return None
    return WithoutThinking(answer, thought=True, unfinished=not final)


def _in_words(text: str) -> WithoutThinking | None:
    first = _WORDS_FIRST.match(text)
    if first is None:
        return None
    final = _WORDS_FINAL.search(text, first.end())
    return (
        WithoutThinking(text[final.end() :], thought=True)
        if final
        else WithoutThinking("", thought=True, unfinished=True)
    )


def _marked(text: str) -> WithoutThinking:
    parts: list[str] = []
    open_marks: list[str] = []
    at, looked, thought = 0, 0, False
    inside = _objects(text)
    pairs = {name for name in _SQUARE if f"[/{name}]" in text.upper()}
    for mark in _MARK.finditer(text):
        name, shuts, empty = _kind(mark)
        if mark["square"] and mark["square"].upper() not in {"THINK", *pairs}:
            continue  # a heading
        if any(start < mark.start() < end for start, end in inside):
            continue  # it is part of a message
        thought = True
        if not open_marks:
            parts.append(text[at : mark.start()])
        if not shuts:
            if name not in open_marks and not empty:
                open_marks.append(name)  # the template and the model both opened it, but it is closed once
        elif not open_marks:
            parts.clear()  # everything before a lone closing mark is thinking
        elif name in open_marks:
            del open_marks[open_marks.index(name) :]
        else:
            open_marks.clear()  # <think> ... </thinking>
        at = mark.end()
        if shuts and not open_marks and looked < MOST_WHOLE:
            looked += 1
            if strict_whole(text[at:]) is not None:
                return WithoutThinking(text[at:], thought=True)
    if not open_marks:
        parts.append(text[at:])
    return WithoutThinking("".join(parts), thought, bool(open_marks))


def _objects(text: str) -> list[tuple[int, int]]:
    """Places of the first strict JSON objects. A mark inside a text of theirs is not a thinking mark."""
    spans: list[tuple[int, int]] = []
    at, tried = text.find("{"), 0
    while at >= 0 and tried < MOST_WHOLE:
        tried += 1
        found = strict_at(text, at)
        end = found[1] if found else at + 1
        spans += [(at, end)] if found else []
        at = text.find("{", end)
    return spans


def _kind(mark: re.Match[str]) -> tuple[str, bool, bool]:
    """The name of a mark, whether it closes a thought, and whether it opens and closes at once."""
    if mark["piped"]:
        return "piped", bool(_SHUT_PIPED.search(mark["piped"])), False
    if mark["opened"] or mark["closed"]:
        return "unused", bool(mark["closed"]), False
    name = mark["name"] or mark["square"] or mark["triangle"]
    return name.lower(), bool(mark["shut"] or mark["shut_square"] or mark["shut_triangle"]), bool(mark["empty"])
