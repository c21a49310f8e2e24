"""Links between events: messages that asked for a pull, pulls that a message brought, and pulls that repay a pull.

The windows are the same as for counting paybacks and solicited pulls, so the reader links what the figures count.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from di_assets.tables.words import PAYBACK_WINDOW, VALID


@dataclass(frozen=True, slots=True)
class Answers:
    """Numbers of the events that are linked with one event, ascending.

    Attributes:
        asked_in: for a valid pull, the messages in which its target asked the puller for one, in the same round or the
            `payback_window` - 1 rounds before it.
        repays: for a valid pull, the pulls of its target for the puller in the `payback_window` rounds before it.
        brought: for a message that asks, the pulls it asked for that were made in its round or in the following rounds
            of the window. Paybacks are included, because a payback can also have been asked for.
    """

    asked_in: tuple[int, ...] = ()
    repays: tuple[int, ...] = ()
    brought: tuple[int, ...] = ()


def answers(
    asking: Sequence[dict[str, Any]], pulls: Sequence[dict[str, Any]], *, payback_window: int = PAYBACK_WINDOW
) -> dict[int, Answers]:
    """By event, the events linked with it; events without links are left out.

    Args:
        asking: rows of `messages` that ask for a pull, of one episode.
        pulls: the episode's rows of `pulls`.
        payback_window: rounds after which a pull can no longer be paid back, nor a request be answered.
    """
    # (who asked or pulled, whom) -> [(round, event)]
    asked: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for message in asking:
        asked.setdefault((message["sender"], message["recipient"]), []).append((message["round"], message["event_id"]))
    valid = [pull for pull in pulls if pull["status"] == VALID]
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
