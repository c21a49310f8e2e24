"""The limit of open files of this process: raises it if the system allows that, and otherwise plays fewer episodes.

Each episode keeps its journal open, and each of its seats may keep a connection open. macOS allows 256 files by
default.
"""

import logging
import os
import resource
from collections.abc import Collection, Mapping, Sequence

from di_assets.arms import PlannedEpisode
from di_assets.arms.models import ModelConfig

# Files kept free for other use: tables, Dagster's history, libraries that are still to be loaded.
RESERVE = 64

log = logging.getLogger(__name__)


def at_once(
    episodes: Sequence[PlannedEpisode], models: Mapping[str, ModelConfig], *, in_flight: int, own_files: int
) -> int:
    """How many of these episodes may be played at once: `in_flight` or fewer, as open files allow.

    Args:
        episodes: the episodes to play.
        models: configuration of each model, by name, without scripted agents.
        in_flight: how many episodes to play at once if open files allow it.
        own_files: how many files each episode keeps open, connections not counted.
    """
    wanted = min(in_flight, len(episodes))
    seats = max((sum(model in models for model in one.models) for one in episodes), default=0)
    pools = sum(models[name].endpoint(name).connections for name in _named(episodes, models))
    return _places(wanted, each=own_files, connections=seats, most_connections=pools, what="episodes are played")


def calls_at_once(wanted: int) -> int:
    """How many calls may be in flight at once: `wanted` or fewer, as open files allow; two files per call."""
    return _places(wanted, each=2, connections=0, most_connections=0, what="calls are in flight")


def _named(episodes: Sequence[PlannedEpisode], models: Mapping[str, ModelConfig]) -> Collection[str]:
    return {model for one in episodes for model in one.models if model in models}


def _places(wanted: int, *, each: int, connections: int, most_connections: int, what: str) -> int:
    def needed(n: int) -> int:
        return n * each + min(n * connections, most_connections)

    open_now = len(os.listdir("/dev/fd"))  # noqa: PTH208 -- these are no paths
    allowed = _allow(open_now + RESERVE + needed(wanted))
    room = allowed - open_now - RESERVE
    places = wanted
    while places > 1 and needed(places) > room:
        places -= 1
    if places < wanted:
        log.warning(
            "%d files may be open at once, so %d %s at once instead of %d; `ulimit -n` allows more",
            allowed,
            places,
            what,
            wanted,
        )
    return places


def _allow(files: int) -> int:
    """Raises the limit to `files`, or as far as the system allows; returns the limit that holds then."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= files:
        return files if soft == resource.RLIM_INFINITY else soft
    most = files if hard == resource.RLIM_INFINITY else min(files, hard)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    except (ValueError, OSError):  # the system's real limit is lower than the one it reports
        return soft
    return most
