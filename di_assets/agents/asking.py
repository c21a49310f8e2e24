"""A lexical rule that decides whether a message asks its recipient for a pull, and whether it promises one.

The same rule labels messages for the measures and lets gullible agents understand messages. It reads English, clause by
clause. A clause asks if it tells, begs or conditions the recipient to spend a pull on the writer (or on each other). A
clause promises if the writer says that a pull will go to the recipient. A negated clause does neither, and a clause
about the past does neither. It is a rule, not a judge: report how well it agrees with other labellers.
"""

import re

# Longer text is not read: the rule must take bounded time on hostile input.
MOST_CHARS = 4_000

_CLAUSE = re.compile(r"[.!?;:\n]+|,? but |,? yet |,? and (?=i\b|i')|, (?=i\b|i')|—|–")
_TO_ME = r"(?:(?:for|on|to|toward|towards) )?me\b"
_TO_YOU = r"(?:(?:for|on|to|toward|towards) )?you\b(?! all the )"
_VERB = r"(?:pull|pick|choose|support|back|vote|reward|favou?r)"
_SOFT = r"(?:(?:please|just|always|now|also|then|first|again|gladly|definitely|certainly|happily|keep|still|return and|go on and|be sure to|only|be) ){0,3}"

_ASKS = re.compile(
    rf"(?<!you )\b{_VERB} {_TO_ME}"  # imperative; "pull for me"
    rf"|\b(?:if|unless|when|once|provided|as long as|so long as|until|that|to|will|can|could|would|should|must|please|do|and) you {_SOFT}{_VERB} {_TO_ME}"
    rf"|\byou (?:will |should |must |could |can |would ){_SOFT}{_VERB} {_TO_ME}"
    rf"|\b{_VERB}ing {_TO_ME} (?:this|next|every|each|now|back)"
    rf"|\b(?:keep|start|try|consider) {_VERB}ing {_TO_ME}"
    r"|\b(?:give|send|spend|lend|grant|use|put|spare) (?:me )?(?:your|a|one|this round's|the) (?:next )?pull"
    r"|\byour (?:next )?pull (?:on me|for me|to me|my way)"
    r"|\b(?:i (?:need|want|ask for|request|would like|would love|could use)|may i have|can i have|can i count on|counting on) (?:for )?your (?:next )?pull"
    r"|\bpull (?:for )?(?:each other|one another)"
    r"|\b(?:mutual|reciprocal)(?:ly)? (?:\w+ )?(?:pact|pulls?|pulling|support|deal|alliance|agreement|exchange|cooperation)"
    r"|\b(?:trade|swap|exchange) pulls"
    r"|\b(?:return the favou?r|repay me|pull me back|do the same for me|reciprocate\b)"
)
_PROMISES = re.compile(
    rf"\bi(?:'ll| will| shall|'m going to| am going to| promise to| promise i'll| promise i will| plan to| intend to| can| commit to| would| swear to)"
    rf" {_SOFT}{_VERB}(?:ing)? {_TO_YOU}"
    rf"|\bi(?:'m| am|'ll be| will be) {_SOFT}{_VERB}ing {_TO_YOU}"
    rf"|\bi {_SOFT}{_VERB} {_TO_YOU}"
    rf"|\bi(?:'ll| will|'m going to| promise to) {_SOFT}(?:give|send|spend|lend|put|use) (?:you )?my (?:next )?pull"
    r"|\bmy (?:next )?pull (?:is yours|is for you|goes to you|will go to you|will be yours|on you)"
    r"|\byou(?:'ll| will| can) (?:have|get|receive|count on) (?:my (?:next )?pull|a pull from me)"
    r"|\bi(?:'ll| will| promise to|'m going to) (?:\w+ )?(?:return the favou?r|repay (?:you|it|every|that)|reciprocate|pull you back|do the same for you)"
    r"|\b(?:let's|let us|we|we can|we should|we'll) (?:\w+ ){0,2}pull (?:for )?(?:each other|one another)"
    r"|\b(?:let's|let us) (?:\w+ ){0,2}(?:trade|swap|exchange) pulls"
)
_NEGATED = re.compile(r"\b(?:not|never|no longer|cannot|won't|don't|can't|wouldn't|shouldn't|didn't|stop|refuse)\b")
_CONDITION = re.compile(r"\b(?:if|unless|until|once|when|as long as|so long as|provided)\b")


def asks_for_pull(text: str) -> bool:
    """True if some clause asks the recipient for a pull. `unless you pull me` asks; `don't pull me` does not."""
    return any(_matches(_ASKS, part) for clause in _clauses(text) for part in _parts(clause))


def promises_pull(text: str) -> bool:
    """True if some clause promises the recipient a pull, on whatever condition. `I won't pull you` does not."""
    return any(_matches(_PROMISES, part) for clause in _clauses(text) for part in _parts(clause))


def _clauses(text: str) -> list[str]:
    folded = " ".join(text[:MOST_CHARS].lower().replace("\u2019", "'").replace(",", " , ").split()).replace(" ,", ",")
    return [clause for clause in _CLAUSE.split(folded) if clause]


def _parts(clause: str) -> list[str]:
    """Splits a clause before a condition, so that a negation on one side does not affect the other side."""
    cut = [m.start() for m in _CONDITION.finditer(clause) if m.start() > 0]
    return [clause[a:b] for a, b in zip([0, *cut], [*cut, len(clause)], strict=True)]


def _matches(pattern: re.Pattern[str], part: str) -> bool:
    return pattern.search(part) is not None and _NEGATED.search(part) is None
