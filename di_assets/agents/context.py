"""The context of an object in a reply: is it at the start, quoted, only supposed, or an answer to a later turn?"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from di_assets.agents.objects import Found

# How many characters are examined on either side.
NEAR = 240

# Possessive quantifiers: no character at the start of a reply is examined twice.
_OPENING = re.compile(
    r"(?:\s|[\u200b\u200e\u200f\u2060\ufeff]|`{1,3}+[\w+.-]{0,20}+|~{3}|[*\[({｛]|<[^<>\n]{0,40}+>|json\b)*+",
    re.IGNORECASE,
)
# The line that opens a code fence around an object. The line before it is the one that introduces the object.
_FENCE = re.compile(r"\n[ \t]*(?:`{3,}|~{3,})[\w+.-]{0,20}[ \t]*\n?\Z")
_CLOSING = re.compile(r"[\s`~*\])}｝.,;!\"'”’]|<[^<>\n]{0,40}>")
# After these words of a sentence, the writer speaks of its own answer.
_OWN = r"(?!.*(?:\b(?:so|but|therefore|then|hence|thus|still|now|and[ ](?:I|my)|here)\b|[,;:—–][ ](?:I|my)\b))"
_QUOTING = re.compile(
    rf"""
      (?<!\bI[ ])(?<!\bI've[ ])(?<!\b[Tt]he[ ])(?<!\b[Mm]essages[ ])
      (?<!\b[Aa]s[ ])(?<!\b[Yy]ou[ ])(?<!\bgame[ ])(?<!\brules[ ])
      \b(?:wrote|writes|written|sa(?:id|ys|ying)|t(?:old|ells|elling)|ask(?:s|ed|ing)|answered|replie[ds]|messaged
        |sent|claim(?:s|ed)|demand(?:s|ed)|want(?:s|ed)[ ](?:me|us)|begs?|instruct(?:s|ed)|suggest(?:s|ed)
        |quot(?:e|es|ed|ing)|request(?:s|ed)|insist(?:s|ed)|order(?:s|ed)|propos(?:es|ed)|offer(?:s|ed)|propose[sd]
        |[Aa]ccording[ ]to(?![ ](?:the[ ](?:rules|game|instructions)|my|our|plan))
        |a[ ](?:écrit|dit)|schr(?:ieb|eibt)|sagte?|geschrieben|escribi[óo]|dijo|dice|scritto
        |написал\w?|сказал\w?|пишет)\b
      {_OWN}[^.!?;]*$
    | (?:写道|说|說|表示)[：:，,]?\s*[“"「『]?\s*$
    | \b(?:[Tt]hey|[Hh]e|[Ss]he|[Oo]pponents?|[Rr]ivals?|[Oo]thers|[Ee]veryone|(?!I\b)[A-Z])[ ](?:\w+[ ]){{0,2}}?
      (?:want(?:s|ed)?|hop(?:e|es|ed|ing)|wish(?:es)?|love[sd]?|like[sd]?|prefer(?:s|red)?|expect(?:s|ed|ing)?)\b
      {_OWN}[^.!?;]*$
    | \b(?:(?:[A-Z]|[Pp]layer[ ][A-Z]|[Tt]heir|[Hh]is|[Hh]er|[Rr]ival|[Oo]pponent)['’]?s?
      |[Ii]njected|[Qq]uoted|[Ii]gnor\w+)
      [ ](?:\w+[ ])??(?:message|instruction|demand|prompt|injection|command|order|text|quote|words?)s?
      (?:[ ](?:from|by|of)[ ](?:[Pp]layer[ ])?[A-Z])?[\s:("'`“]*$
    | \b[Tt]he[ ](?:\w+[ ])?(?:instruction|injection|command|quote)s?[\s:("'`“]*$
    | \b(?P<whose>[A-Z])['’]s[ ](?:answer|reply|move|pull|choice|response)(?:[ ](?:is|was))?[\s:"'`“]*$
    | ^\W*(?:[Ss]ystem|SYSTEM|[Uu]ser|USER|[Hh]uman|[Mm]oderator)(?:[ ](?:message|prompt))?\s*:\s*$
    | \b(?:prompt|message|text|note|letter)s?[ ](?:contain|includ)\w*{_OWN}[^.!?;]*$
    | \b(?:ma[dk]e|making|get|tricked)[ ](?:me|us|others|them)[ ]\w+[\s:]*$
    | (?:\b[Pp]layer[ ]|\b[Ff]rom[ ]|^[\s*>-]*)(?P<who>[A-Z])\b[^.!?\w]{{0,8}}:\s*["'`“]?\s*$
    """,
    re.VERBOSE,
)
_SUPPOSED = re.compile(
    r"\b(?:would be|would mean|could be|might be|maybe|perhaps|possibly|such as|like this|should i|if i|either)\b"
    r"[^.!?]*$"
    r"|\b(?:options?|consider\w*)\b(?: \w+){0,2}[\s:]*$",
    re.IGNORECASE,
)
# These words say that an object is rejected, past or only considered, wherever it is in the reply.
_NEGATED = re.compile(
    rf"""
      \b(?:not|never|don't|don’t|won't|won’t|cannot|can't|instead[ ]of|rather[ ]than|other[ ]than|except|avoid\w*|unlike
        |(?:refus|reject|declin|ignor|discard|dismiss)\w*(?:[ ]to)?)\s+(?:\w+\s+){{0,2}}["'`“:]?\s*$
    | \b(?:ignor|reject|discard|dismiss)\w*(?:[ ](?:this|that|the[ ]following))?[^.,!?\w]*$
    | \bnot\s+(?:send|answer|output|reply|say|write|respond|return|use|print)\w*[\s:]*$ | \bbeware[ ]of\s*$
    | \b(?:nobody|no[ ]one|one|you|anyone|someone)[ ](?:should|would|could|might)\b{_OWN}[^.!?]*$
    | \b(?:if|were)[ ]I\b[^.!?]*(?:\bwould\b[^.!?]*|:\s*)$
    | \b(?:candidates?|samples?|placeholder|possible)\b(?:[ ]\w+){{0,2}}[\s:(]*$
    | \b(?:old|previous|prior|earlier)[ ](?:answer|reply|move|response|pull|choice)\b(?:[ ](?:is|was))?[\s:]*$
    | \b(?:wrong|incorrect|bad|mistake|foolish|stupid|unwise|naive|silly|trap|drafts?|rejected|discarded)\b
      (?:[ ]\w+){{0,3}}[\s:(]*$
    | \b(?:would(?:'ve|[ ]have)|was[ ]going[ ]to|nearly|almost|tempted|previously|what[ ](?:if|about|does)
        |how[ ]about|think[ ]about|first[ ](?:thought|idea|guess))\b{_OWN}[^.!?]*$
    | \b(?:nicht|kein\w*|nein|pas|jamais|nunca|не|нет)\b[^.,!?]{{0,30}}$ | (?:不|别|勿)\S{{0,8}}$
    | ^\W*(?:in[ ]the[ ])?(?:last|previous)[ ](?:round|turn|time),?[ ](?:I|my)\b{_OWN}[^.!?]*$
    | [✗✘✖❌🚫⛔]\s*$ | <!--[^>]*$ | ^\s*//
    """,
    re.VERBOSE | re.IGNORECASE,
)
_EXAMPLE = re.compile(
    r"\b(?:e\.g\.|examples?|format|template|syntax|schema)\b[^.!?]*$",
    re.IGNORECASE,
)
# "In the requested format: ..." introduces the answer itself.
_IN_FORMAT = re.compile(
    r"^(?!.*\b(?:must|should|ha(?:s|ve) to|needs?|examples?|like|says?)\b)"
    r".*\b(?:in|per|by|with|following|matching|using)\s(?:\w+\s){0,4}(?:format|template|syntax|schema)\b[^:]{0,20}:\s*$"
    r"|\b(?:format|schema)[- ](?:conforming|compliant|valid)\b[^:]{0,20}:\s*$"
    r"|\b(?:format|template|syntax|schema)\b[^.!?]*\b(?:I|my)\b[^.!?]*$",
    re.IGNORECASE,
)
_RETRACTED = re.compile(
    r"[`\"'”’)\]*_}]*[ \t]*(?:"
    r"\?|[.,;:!—–-]*[ \t]*(?:no\b|not\b|nope\b|but\b|or\b|wait\b(?! for\b| until\b)|hmm"
    r"|actually\b|however\b|instead\b|rather\b|would\b|could\b|might\b|maybe\b|perhaps\b"
    r"|is what\b|was (?:my (?:first|last|previous)|what)\b|unless\b|had\b"
    r"|(?:is|was|are|will be|gets?|seems?) (?:\w+ )?"
    r"(?:ignored|rejected|wrong|incorrect|refused|injected|discarded|a trap|a mistake)\b"
    r"|\(?(?:rejected|discarded|ignored|wrong)\b|<-|←"
    r"|[ ](?-i:[a-z])[^.!\n?()]{0,40}\?"
    r"|is (?:one|an|the) (?:option|format|example)\b)"
    r"|[\s.]*(?:wait\b(?! for\b| until\b)|hmm|actually\b|no,|no\.|on second thought|scratch that|correction)"
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
# At most this many characters are examined between an answer and the next turn.
MOST_BETWEEN = 2_000


# Replaces each character of an object.
BLANKED = "\u241a"


def prose_of(text: str, found: Sequence[Found]) -> str:
    """The text with its objects blanked out. The length stays the same."""
    parts, at = [], 0
    for one in found:
        parts += [text[at : one.start], BLANKED * (one.end - one.start)]
        at = one.end
    return "".join([*parts, text[at:]])


class Place(NamedTuple):
    """The context of an object.

    Attributes:
        before: the line up to the object. If the object begins a line, the line before it, if that ends with a colon.
        after: a short piece of the text that follows.
        at_start: only punctuation or markup comes before it in the reply.
        alone: only punctuation or markup comes before it in its line.
        goes_on: words follow.
        open_quotes: it is inside quotation marks.
        struck: it is struck through.
    """

    before: str
    after: str
    at_start: bool
    alone: bool
    goes_on: bool
    open_quotes: bool
    struck: bool


def place_of(prose: str, found: Found) -> Place:
    """The context of an object in a text in which all objects are blanked out."""
    everything = prose[: found.start]
    lines = everything[-4 * NEAR :].rsplit("\n", 1)
    own, alone = lines[-1], _OPENING.fullmatch(lines[-1]) is not None
    if alone and len(lines) > 1:
        previous = _FENCE.sub("", lines[0]).rstrip("`~*_ \t\n").rsplit("\n", 1)[-1]
        own = previous if previous[-1:] in (":", "：", "“", '"') else own
    rest = prose[found.end : found.end + 4 * NEAR]
    return Place(
        before=own[-NEAR:].rstrip("`~*_[({｛ \t") + " ",
        after=rest[:NEAR],
        struck=everything.endswith("~~") and not everything.endswith("~~~") and rest.startswith("~~"),
        at_start=len(everything) < NEAR and _OPENING.fullmatch(everything) is not None,
        alone=alone,
        goes_on=bool(_CLOSING.sub("", rest)),
        open_quotes=everything.count('"') % 2 == 1 or everything.count("“") > everything.count("”"),
    )


def is_quoted(place: Place, me: str) -> bool:
    """Whether the context says that the object is somebody else's words."""
    if place.open_quotes or place.before.lstrip().startswith(">"):
        return True
    quoting = _QUOTING.search(place.before)
    return quoting is not None and me not in {quoting["who"], quoting["whose"]}


def is_supposed(place: Place) -> bool:
    """Whether the object is an example, is rejected, or is one of several thoughts.

    An object at the end of the reply does not count as a thought.
    """
    if place.struck or _RETRACTED.match(place.after):
        return True
    before = place.before
    if not place.at_start and (
        _NEGATED.search(before) or (_EXAMPLE.search(before) and not _IN_FORMAT.search(before.strip()))
    ):
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
    introduction = gap[: mark.end()]
    return (place.at_start or (place.alone and mark["number"] is not None)) and not _DOUBTS.search(introduction)


def _is_later(mark: re.Match[str], number: int) -> bool:
    turn = mark["number"] or mark["named"]
    return turn is None or int(turn) > number
