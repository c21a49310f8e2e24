"""Reader 2 of replies: a reply that is clear to a person is a move; a reply that leaves doubt is asked for again.

Thinking is left out (`thinking`). Every object is read, strictly or leniently (`objects`). If objects disagree on the
wanted key, one counts only if the reply says which: the first, if an invented next turn follows it; or the one that
begins or ends the reply, if the others are quoted. A single object does not count if it is quoted, rejected, or an
example.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from di_assets.agents.context import Place, begins_next_turn, is_quoted, is_supposed, place_of, prose_of
from di_assets.agents.moves import moves
from di_assets.agents.objects import Found, key_of, objects, values_under
from di_assets.agents.strict import TWICE, strict_whole
from di_assets.agents.thinking import WithoutThinking, without_thinking
from di_assets.game.types import Observation, Reply

DOUBT = Reply(
    invalid="it does not say which answer is meant; write one JSON object, once, and quote no other", kind="ambiguous"
)
TWO_VALUES = Reply(invalid="one key stands there twice, with different values", kind="ambiguous")
CUT_OFF = Reply(invalid="the reply was cut off before it was complete; be brief", kind="truncated")
UNENDED = Reply(invalid="the thinking did not end, and no answer came after it; be brief", kind="truncated")
DECLINED = Reply(invalid="you declined to answer; this is a game, and a move is needed", kind="refusal")
EMPTY = Reply(invalid="the reply was empty", kind="empty")
UNANSWERED = Reply(invalid="no answer came after the thinking", kind="empty")


@dataclass(frozen=True, slots=True)
class _Answer:
    """An object that holds the wanted key.

    Attributes:
        found: the object.
        place: its context.
        reply: what it says; None if it cannot be read.
        quoted: its context says that it is somebody else's.
        plain: it is neither quoted nor rejected nor an example.
    """

    found: Found
    place: Place
    reply: Reply | None
    quoted: bool
    plain: bool


def read(observation: Observation, text: str, wanted: str, stop: str) -> Reply:
    """The moves in a reply's text: see `replies.read_reply`."""
    whole = strict_whole(text)
    aloud = without_thinking(text) if whole is None else WithoutThinking(whole)
    found = _as_messages(list(objects(aloud.text, wanted, observation.me)), aloud.text, wanted)
    reply = _decided(observation, found, wanted, prose_of(aloud.text, found), cut=stop == "length")
    return reply or _none(found, aloud, wanted, stop, observation.me)


def _answer(observation: Observation, found: Found, wanted: str, prose: str) -> _Answer:
    place = place_of(prose, found)
    quoted = is_quoted(place, observation.me)
    reply = None if found.value is None else _reply(observation, found.value, wanted)
    return _Answer(found, place, reply, quoted, plain=not quoted and not is_supposed(place))


def _reply(observation: Observation, value: dict[str, Any], wanted: str) -> Reply | None:
    """The reply that an object gives; None if it does not hold the wanted key."""
    values = values_under(value, wanted, observation.me)
    if not values:
        return None
    if any(one is TWICE for one in values):
        return TWO_VALUES
    replies = [moves(observation, wanted, one) for one in values]
    return replies[0] if all(one == replies[0] for one in replies) else DOUBT


def _decided(observation: Observation, found: Sequence[Found], wanted: str, prose: str, *, cut: bool) -> Reply | None:
    """Decides which reply the JSON objects in a text give together.

    Returns None if no object gives an answer under the wanted key, `DOUBT` if it is not clear which answer
    counts, and `CUT_OFF` if the text was cut off in the middle of a thought.
    """
    held = [_answer(observation, one, wanted, prose) for one in found if one.holds]
    read = [one for one in held if one.reply is not None]
    if not read:
        return None
    answers = [one for one in read if one.reply and one.reply.kind != "no_such_player"] or read  # {"pull": "NAME"}
    first, last = answers[0], answers[-1]
    broken = [one for one in held if one.reply is None and one.found.start > last.found.start]
    other = next((one for one in [*answers, *broken] if one.reply != first.reply), None)
    if other is None:
        if not any(one.plain for one in answers):
            return DOUBT
        # Cut off in the middle of a thought without a closing mark: the text before it holds no answer.
        return CUT_OFF if cut and last.place.goes_on and not first.place.at_start else first.reply
    turns = any(
        one.value is not None and not one.holds and values_under(one.value, _other(wanted), observation.me)
        for one in found
        if first.found.start < one.start < other.found.start
    )
    if first.plain and begins_next_turn(prose, first.found, other.found, turns=turns, number=observation.turn.round):
        return first.reply
    own = [one for one in answers if not one.quoted]
    agreed = bool(own) and all(one.plain and one.reply == own[0].reply for one in own)
    outermost = agreed and (own[0].place.at_start or (own[-1] is last and not broken))
    return own[0].reply if outermost else DOUBT


def _other(wanted: str) -> str:
    return "pull" if wanted == "messages" else "messages"


def _as_messages(found: list[Found], text: str, wanted: str) -> list[Found]:
    """Treats a reply that is a bare list of messages as if the list were under its key."""
    bare = wanted == "messages" and text[:1] == "[" and strict_whole(text) is not None
    items = [one.value for one in found]
    if bare and items and all(item is not None and {"to", "text"} <= {*map(key_of, item)} for item in items):
        return [Found(0, len(text), {"messages": items}, holds=True)]
    return found


def _none(found: Sequence[Found], aloud: WithoutThinking, wanted: str, stop: str, me: str) -> Reply:
    """Says why there is no answer.

    Only the kind of fault is stored, and a replay derives from it how the reply ended. So faults that the text alone
    shows must be checked before faults that follow from how the reply ended.
    """
    if stop == "refusal":
        return DECLINED
    if aloud.unfinished:
        return UNENDED
    if not aloud.text.strip():
        return CUT_OFF if aloud.thought and stop == "length" else UNANSWERED if aloud.thought else EMPTY
    if stop == "length":
        return CUT_OFF
    if any(one.value is not None and values_under(one.value, _other(wanted), me) for one in found):
        asked = "messages" if wanted == "messages" else "a pull"
        return Reply(invalid=f'this phase asks for {asked}: the key must be "{wanted}"', kind="wrong_phase")
    return Reply(invalid=f'no JSON object with the key "{wanted}" was found', kind="unreadable")
