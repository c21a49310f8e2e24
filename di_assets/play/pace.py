"""How many calls an episode takes when every reply is right the first time: what the time that is left is told by."""

from di_assets.arms import Arm, Configs
from di_assets.arms.arm import SELF
from di_assets.tables.words import FOCAL_MUTED, NO_MESSAGES, RIVALS_MUTED


def calls_an_episode(configs: Configs, arm: Arm) -> float:
    """Mean calls of models over the arm's focal models; 0 where scripted agents play alone. Re-asks are left out."""
    if arm.lineup:
        return float(_calls(configs, arm, arm.lineup))
    casts = [(focal,) * arm.seats if arm.background == SELF else (focal, *arm.background) for focal in arm.focal]
    return sum(_calls(configs, arm, cast) for cast in casts) / len(casts)


def _calls(configs: Configs, arm: Arm, cast: tuple[str, ...]) -> int:
    """Of one cast, its focal model first where there is one; a seat that may not write is asked for its pulls alone."""

    def may_write(place: int) -> bool:
        if arm.channel in {FOCAL_MUTED, RIVALS_MUTED}:
            return (place == 0) == (arm.channel == RIVALS_MUTED)
        return arm.channel != NO_MESSAGES

    return sum(
        arm.rounds * (1 + (arm.exchanges if may_write(place) else 0))
        for place, model in enumerate(cast)
        if not configs.is_scripted(model)
    )
