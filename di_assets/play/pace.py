"""How many calls an episode takes if every first reply is valid. The estimate of the remaining time is based on it."""

from di_assets.arms import Arm, Configs
from di_assets.arms.arm import SELF
from di_assets.tables.words import FOCAL_MUTED, NO_MESSAGES, RIVALS_MUTED


def calls_an_episode(configs: Configs, arm: Arm) -> float:
    """Mean calls to models per episode, over the arm's focal models, without re-asks; 0 for scripted agents."""
    if arm.lineup:
        return float(_calls(configs, arm, arm.lineup))
    casts = [(focal,) * arm.seats if arm.background == SELF else (focal, *arm.background) for focal in arm.focal]
    return sum(_calls(configs, arm, cast) for cast in casts) / len(casts)


def _calls(configs: Configs, arm: Arm, cast: tuple[str, ...]) -> int:
    """Calls to models in one episode of this cast. If there is a focal model it comes first.

    A seat that may not write is only asked for its pulls.
    """

    def may_write(place: int) -> bool:
        if arm.channel in {FOCAL_MUTED, RIVALS_MUTED}:
            return (place == 0) == (arm.channel == RIVALS_MUTED)
        return arm.channel != NO_MESSAGES

    return sum(
        arm.rounds * (1 + (arm.exchanges if may_write(place) else 0))
        for place, model in enumerate(cast)
        if not configs.is_scripted(model)
    )
