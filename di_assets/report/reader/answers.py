"""Which messages asked for a pull, which pulls a message brought, and which pulls another one pays back.

The windows are those by which pulls are counted as payback or solicited, so that what the reader links is what the
figures count.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from di_assets.measures.kinds import PAYBACK_WINDOW


@dataclass(frozen=True, slots=True)
class Answers:
    """Numbers of the events that one event answers or is answered by, ascending.

    Attributes:
        asked_in: of a valid pull: messages of its target that asked the puller for one, in its round or the
            `payback_window` - 1 rounds before it.
        repays: of a valid pull: pulls of its target for the puller, in the `payback_window` rounds before it.
        brought: of a message that asks: the pulls it asked for that came, in its round or the rounds after it within
            the window; also those that are counted as paybacks, for a payback can have been asked for besides.
    """

    asked_in: tuple[int, ...] = ()
    repays: tuple[int, ...] = ()
    brought: tuple[int, ...] = ()


def answers(
    asking: Sequence[dict[str, Any]], pulls: Sequence[dict[str, Any]], *, payback_window: int = PAYBACK_WINDOW
) -> dict[int, Answers]:
    """By event, what it answers or is answered by; events with neither are left out.

    Args:
        asking: rows of `messages` that ask for a pull, of one episode.
        pulls: its rows of `pulls`.
        payback_window: rounds back in which a pull can still be paid back, or a request still be heard.
    """
    # (who asked or pulled, whom) -> [(round, event)]
    asked: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for message in asking:
        asked.setdefault((message["sender"], message["recipient"]), []).append((message["round"], message["event_id"]))
    valid = [pull for pull in pulls if pull["status"] == "valid"]
    pulled: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for pull in valid:
        pulled.setdefault((pull["puller"], pull["target"]), []).append((pull["round"], pull["event_id"]))
    found: dict[int, Answers] = {}
    brought: dict[int, list[int]] = {}
    for pull in valid:
        back, now = (pull["target"], pull["puller"]), pull["round"]
        asks = [event for number, event in asked.get(back, ()) if now - payback_window < number <= now]
        repays = [event for number, event in pulled.get(back, ()) if now - payback_window <= number < now]
        if asks or repays:
            found[pull["event_id"]] = Answers(asked_in=tuple(sorted(asks)), repays=tuple(sorted(repays)))
        for event in asks:
            brought.setdefault(event, []).append(pull["event_id"])
    return found | {event: Answers(brought=tuple(sorted(those))) for event, those in brought.items()}
