"""What stands around an object in a reply: it begins the reply, is quoted, is supposed, or is a later turn's."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from di_assets.agents.objects import Found

# How far one looks to either side.
NEAR = 240

# Possessive: what opens a reply is never looked at twice.
_OPENING = re.compile(
    r"(?:\s|[\u200b\u200e\u200f\u2060\ufeff]|`{1,3}+[\w+.-]{0,20}+|~{3}|[*\[({｛]|<[^<>\n]{0,40}+>|json\b)*+",
    re.IGNORECASE,
)
_CLOSING = re.compile(r"[\s`~*\])}｝.,;!\"'”’]|<[^<>\n]{0,40}>")
_QUOTING = re.compile(
    r"""
      \b(?:wrote|writes|written|sa(?:id|ys|ying)|t(?:old|ells|elling)|ask(?:s|ed|ing)|answered|replie[ds]|message[ds]?
        |sent|claim(?:s|ed)|demand(?:s|ed)|want(?:s|ed)[ ](?:me|us)|begs?|instruct(?:s|ed)|suggest(?:s|ed)
        |quot(?:e|es|ed|ing)|request(?:s|ed)|insist(?:s|ed)|order(?:s|ed)|according[ ]to)\b
      (?!.*\b(?:I|my|so|but|therefore|then|hence)\b)[^.!?;]*$
    | (?:\b[Pp]layer[ ]|\b[Ff]rom[ ]|^[\s*>-]*)(?P<who>[A-Z])\b[^.!?\w]{0,8}:\s*["'`“]?\s*$
    """,
    re.VERBOSE,
)
_SUPPOSED = re.compile(
    r"\b(?:would be|would mean|could be|might be|maybe|perhaps|possibly|such as|like this|should i|what if|if i"
    r"|either|options?|consider\w*)\b[^.!?]*$",
    re.IGNORECASE,
)
_NEGATED = re.compile(
    r"\b(?:not|never|don't|don’t|won't|won’t|cannot|can't|instead of|rather than|refuse to)\s+(?:\w+\s+){0,2}[\"'`“]?$"
    r"|\b(?:e\.g\.|examples?|format|template|syntax|schema)\b[^.!?]*$",
    re.IGNORECASE,
)
_RETRACTED = re.compile(
    r"[`\"'”’)\]*_}]*[ \t]*(?:"
    r"\?|[.,;:!—–-]*[ \t]*(?:no\b|not\b|nope\b|but\b|or\b|wait\b|hmm|actually\b|however\b|instead\b|rather\b"
    r"|would\b|could\b|might\b|maybe\b|perhaps\b|is what\b|was (?:my first|what)\b"
    r"|is (?:one|an|the) (?:option|format|example)\b)"
    r"|[\s.]*(?:wait\b|hmm|actually\b|no,|no\.|on second thought|scratch that|correction)"
    r")",
    re.IGNORECASE,
)
_DOUBTS = re.compile(
    r"\b(?:wait|hmm|actually|no|instead|rather|correction|sorry|but|or|better|second thought|scratch that|however)\b",
    re.IGNORECASE,
)
_LATER = re.compile(
    r"""
      (?:\A|(?<=\n))[\s.;,\#*=>\[(|_-]{0,20}(?:round|turn)[ \#:*]{0,4}(?P<number>\d{1,6})\b
    | (?<=\n).{0,60}?\b(?:round|turn)[ \#:*]{0,4}(?P<named>\d{1,6})\b
    | (?:\A|(?<=\n))[\s.;,\#*=>\[(|_-]{0,20}(?:next|new)[ ](?:round|turn)\b
    | (?<=\n)[ \t\#*=>\[(|_-]{0,20}(?:user|human|assistant|system|game(?:[ ]master)?|moderator|host|instruction|input
        |player[ ][A-Z])\b[\s*\])]{0,4}:
    | <\|?(?:im_start|im_end|start|end|return|eot_id|eom_id|start_header_id|user|assistant|endoftext|end_of_turn
        |start_of_turn)[^<>]{0,20}>
    | \[/?INST\] | </?s>
    """,
    re.IGNORECASE | re.VERBOSE,
)
# Between an answer and the next turn no more is looked at.
MOST_BETWEEN = 2_000


# Stands for each character of an object.
BLANKED = "\u241a"


def prose_of(text: str, found: Sequence[Found]) -> str:
    """The text with its objects blanked out, as long as it was."""
    parts, at = [], 0
    for one in found:
        parts += [text[at : one.start], BLANKED * (one.end - one.start)]
        at = one.end
    return "".join([*parts, text[at:]])


class Place(NamedTuple):
    """What stands around an object.

    Attributes:
        before: the line up to it; where it begins a line, the line before that, if it leads on with a colon.
        after: what follows, a little.
        at_start: nothing stands before it in the reply but marks.
        alone: nothing stands before it in its line but marks.
        goes_on: words follow.
        open_quotes: it stands within quotation marks.
    """

    before: str
    after: str
    at_start: bool
    alone: bool
    goes_on: bool
    open_quotes: bool


def place_of(prose: str, found: Found) -> Place:
    """Where an object stands in a text in which all objects are blanked out."""
    everything = prose[: found.start]
    lines = everything[-4 * NEAR :].rsplit("\n", 1)
    own, alone = lines[-1], _OPENING.fullmatch(lines[-1]) is not None
    if alone and len(lines) > 1:
        previous = lines[0].rstrip("`~*_ \t\n").rsplit("\n", 1)[-1]
        own = previous if previous[-1:] in (":", "：", "“", '"') else own
    rest = prose[found.end : found.end + 4 * NEAR]
    return Place(
        before=own[-NEAR:].rstrip("`~*_[({｛ \t") + " ",
        after=rest[:NEAR],
        at_start=len(everything) < NEAR and _OPENING.fullmatch(everything) is not None,
        alone=alone,
        goes_on=bool(_CLOSING.sub("", rest)),
        open_quotes=everything.count('"') % 2 == 1 or everything.count("“") > everything.count("”"),
    )


def is_quoted(place: Place, me: str) -> bool:
    """It is said to be somebody else's words."""
    if place.open_quotes or place.before.lstrip().startswith(">"):
        return True
    quoting = _QUOTING.search(place.before)
    return quoting is not None and quoting["who"] != me


def is_supposed(place: Place) -> bool:
    """It is an example, rejected, or one of several thoughts; the one that ends a reply is no mere thought."""
    if _RETRACTED.match(place.after) or (not place.at_start and _NEGATED.search(place.before)):
        return True
    return place.goes_on and not place.at_start and bool(_SUPPOSED.search(place.before))


def begins_next_turn(prose: str, first: Found, other: Found, *, turns: bool, number: int) -> bool:
    """Whether the model wrote on after its answer, and the other object answers a turn that it invented.

    Args:
        prose: the text in which all objects are blanked out.
        first: the answer.
        other: the next object that says something else.
        turns: an object that answers the other phase stands between them.
        number: of this round.
    """
    place = place_of(prose, first)
    gap = prose[first.end : other.start][:MOST_BETWEEN].replace(BLANKED, "")
    mark = next((one for one in _LATER.finditer(gap) if _is_later(one, number)), None)
    if mark is None:
        return turns and place.at_start and not _DOUBTS.search(gap)
    told = gap[: mark.end()]
    return (place.at_start or (place.alone and mark["number"] is not None)) and not _DOUBTS.search(told)


def _is_later(mark: re.Match[str], number: int) -> bool:
    told = mark["number"] or mark["named"]
    return told is None or int(told) > number
