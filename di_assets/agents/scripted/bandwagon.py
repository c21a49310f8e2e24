"""Pulls whoever got most last round: following the majority (Asch 1951; Bikhchandani, Hirshleifer & Welch 1992)."""

from di_assets.agents.scripted.draws import Random
from di_assets.agents.scripted.history import SILENCE, anyone, pull
from di_assets.game.types import Observation, Reply


def bandwagon(observation: Observation, *, rng: Random) -> Reply:
    """Pulls the neighbour with most pulls last round, as far as it learned of them; ties by lot."""
    if observation.turn.phase == "message":
        return SILENCE
    targets = list(observation.rounds[-1].values()) if observation.rounds else []
    near = observation.seat.near
    counts = [targets.count(label) for label in near]
    most = max(counts)
    if most == 0:
        return anyone(observation, rng=rng)
    return pull(rng.choice([label for label, count in zip(near, counts, strict=True) if count == most]))
