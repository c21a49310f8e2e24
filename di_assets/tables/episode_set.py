"""The name of a set of episodes: what two numbers share when they were made from the same ones."""

import hashlib
from collections.abc import Iterable


def episode_set(ids: Iterable[str]) -> str:
    """sha256 (hex) of the distinct ids, sorted, each with a line break behind it: what `sort -u | sha256sum` gives.

    Whatever the order of the ids; of none it is the hash of nothing, `e3b0c442...`.
    """
    return hashlib.sha256("".join(f"{one}\n" for one in sorted(set(ids))).encode()).hexdigest()
