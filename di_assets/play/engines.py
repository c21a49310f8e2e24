"""What is left of an arm costs and takes by each engine: asked live, and in waves through batch interfaces."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from di_assets.arms import Arm, ModelConfig, PlannedEpisode
from di_assets.arms.settings import BatchSettings
from di_assets.tables.words import NO_MESSAGES

# Assumed for waves of a model that was never played in batches. Most end sooner, and all within a day.
WAVE_S = 3600.0
UNCACHED = "no batch was played yet: nothing read from a cache is assumed"


@dataclass(frozen=True, slots=True)
class EngineCost:
    """What is left of an arm, by one engine.

    Attributes:
        engine: `live` or `batch`.
        cost_usd: the likely cost, US dollars.
        hours: about how long it takes.
        cached: share of the tokens sent that are read from a cache; of models with a batch interface only.
        waves: number of waves one after the other; None where models are asked live.
        assumed: what is assumed and not measured, in words; None if all is measured.
    """

    engine: str
    cost_usd: float
    hours: float
    cached: float
    waves: int | None = None
    assumed: str | None = None

    def cheaper_than(self, other: "EngineCost") -> float:
        """The share of the other's cost that this saves; below 0 if this is dearer, 0 if the other is free."""
        return 1 - self.cost_usd / other.cost_usd if other.cost_usd else 0.0


def in_batches(config: ModelConfig, use: Mapping[str, Any]) -> dict[str, Any]:
    """What a seat would use in batches, by its use in live calls: the same tokens, none of them read from a cache.

    A prompt that is not read from a cache is written to it, which some providers charge for.

    Args:
        config: of the model at the price of batches (`ModelConfig.in_batches`).
        use: the use in live calls, see `use.measured`.
    """
    sent, received = round(use["input_tokens"]), round(use["output_tokens"])
    cost_usd = config.price.cost(sent, 0, received, sent if config.price.written is not None else 0)
    scale = cost_usd / use["cost_usd"] if use["cost_usd"] else 0.0
    return {
        **use,
        "cached_tokens": 0.0,
        "cost_usd": cost_usd,
        "low_usd": scale * use["low_usd"],
        "high_usd": scale * use["high_usd"],
        "seconds_per_call": WAVE_S,
        "basis": f"{use['basis']}; {UNCACHED}",
    }


def waves_left(arm: Arm, todo: Sequence[PlannedEpisode], seats: int, calls: float, settings: BatchSettings) -> int:
    """How many waves follow one another, if the partitions are played one after the other.

    Each turn of the game takes a wave. A turn takes another wave if one of its replies has to be asked for again.

    Args:
        arm: the arm.
        todo: the episodes that are left.
        seats: number of their seats that are asked in batches.
        calls: requests that these seats take, re-asks included.
        settings: how re-asks are sent.
    """
    turns = arm.rounds * (1 + (arm.exchanges if arm.channel != NO_MESSAGES else 0))
    partitions = Counter(planned.batch for planned in todo)
    if not seats:
        return 0
    again = max(0.0, calls / (seats * turns) - 1) if settings.reask == "wave" else 0.0
    total = 0
    for n in partitions.values():
        asked = n * seats / len(todo)
        total += math.ceil(turns * (1 + _any_of(asked, again) + _any_of(asked, again**2)) - 1e-9)
    return total


def shares(needs: Iterable[tuple[float, float]]) -> float:
    """The share of cached tokens, from pairs of cached tokens and tokens sent; 0 if nothing is sent."""
    cached, sent = (sum(column) for column in zip(*needs, strict=True)) if (needs := list(needs)) else (0.0, 0.0)
    return cached / sent if sent else 0.0


def _any_of(n: float, chance: float) -> float:
    """The probability that at least one of n independent events of this chance happens."""
    return float(1 - (1 - min(1.0, chance)) ** n)
