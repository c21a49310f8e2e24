"""Two transcripts side by side, round by round."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from di_assets.report.compare import MAY_DIFFER, SAME_GAME
from di_assets.report.reader.transcript import Event, Transcript
from di_assets.tables.words import FOCAL, PULL, SCRIPTED


@dataclass(frozen=True, slots=True)
class RoundOfTwo:
    """One round of two transcripts.

    Attributes:
        number: number of the round.
        events: events of each side.
        pulls_differ: letters whose pull differs between the sides, sorted.
        scores: for each side, points by letter after the round; None if the side did not play it.
    """

    number: int
    events: tuple[tuple[Event, ...], tuple[Event, ...]]
    pulls_differ: tuple[str, ...]
    scores: tuple[Mapping[str, float] | None, Mapping[str, float] | None]


def rounds_of_two(left: Transcript, right: Transcript) -> list[RoundOfTwo]:
    """Every round that at least one transcript has, in order. Seats are compared by their letters."""
    return [
        RoundOfTwo(
            number,
            events=(_events(left, number), _events(right, number)),
            pulls_differ=_pulls_differ(left, right, number),
            scores=(_scores(left, number), _scores(right, number)),
        )
        for number in sorted({*left.rounds, *right.rounds})
    ]


def about_two(left: Transcript, right: Transcript) -> str:
    """Says whether two episodes are a matched pair, and how they differ."""
    one, other = left.episode, right.episode
    differences = [
        f"{name}: {one[key]} against {other[key]}"
        for key, name in (("seed", "seed"), *((key, key.removeprefix("n_")) for key in SAME_GAME), *MAY_DIFFER.items())
        if one[key] != other[key]
    ]
    rivals = [
        {(seat["label"], seat["seat"], seat["model"]) for seat in found.seats if seat["role"] != FOCAL}
        for found in (left, right)
    ]
    differences += ["rivals or where they sit"] if rivals[0] != rivals[1] else []
    if one["seed"] == other["seed"]:
        what = "A matched pair: the same seed" + ("" if rivals[0] != rivals[1] else ", seats, letters and rivals") + "."
    else:
        what = "Not a matched pair."
    return what + (f" They differ in {'; '.join(differences)}." if differences else "")


def facts_of(found: Transcript) -> dict[str, Any]:
    """Facts above one side: letter, model and points of the focal seat (None if there is none), and `scripted`."""
    focal = next((seat for seat in found.seats if seat["role"] == FOCAL), None)
    points = found.scores.get(found.rounds[-1]) if found.rounds else None
    return {
        "focal": None if focal is None else focal["label"],
        "model": None if focal is None else focal["model"],
        "points": None if focal is None or points is None else points[focal["seat"]],
        "scripted": any(seat["kind"] == SCRIPTED for seat in found.seats),
    }


def _events(found: Transcript, number: int) -> tuple[Event, ...]:
    return tuple(event for event in found.events if event.round == number)


def _pulls(found: Transcript, number: int) -> dict[str, str | None]:
    """Letter -> the letter that it pulled; None for a forfeit."""
    labels = found.labels
    return {
        labels[event.seat]: None if event.other is None else labels[event.other]
        for event in found.events
        if event.round == number and event.kind == PULL
    }


def _pulls_differ(left: Transcript, right: Transcript, number: int) -> tuple[str, ...]:
    one, other = _pulls(left, number), _pulls(right, number)
    if not one or not other:
        return ()
    return tuple(sorted(letter for letter in {*one, *other} if one.get(letter, "") != other.get(letter, "")))


def _scores(found: Transcript, number: int) -> Mapping[str, float] | None:
    points = found.scores.get(number)
    return None if points is None else dict(sorted(zip(found.labels, points, strict=True)))
