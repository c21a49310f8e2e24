"""Repays, but never again pulls one that took its pull and did not answer (Friedman 1971, the grim trigger)."""

from di_assets.agents.scripted.draws import Random
from di_assets.agents.scripted.history import SILENCE, givers, my_pulls, pull
from di_assets.game.types import Observation, Reply


def grudger(observation: Observation, *, rng: Random) -> Reply:
    """Crosses out every neighbour that it pulled and that did not pull it in the round after."""
    if observation.turn.phase == "message":
        return SILENCE
    me, near = observation.seat.me, observation.seat.near
    crossed = {
        pulled
        for pulled, after in zip(my_pulls(observation), observation.rounds[1:], strict=False)
        if pulled is not None and after.get(pulled) != me
    }
    trusted = [label for label in near if label not in crossed] or near
    return pull(rng.choice([label for label in givers(observation) if label in trusted] or trusted))
