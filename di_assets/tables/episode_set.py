"""A hash that identifies a set of episodes. Two results with the same hash were made from the same episodes."""

import hashlib
from collections.abc import Iterable


def episode_set(ids: Iterable[str]) -> str:
    """sha256 (hex) of the distinct ids, sorted, one per line with a line break at the end, as `sort -u | sha256sum`.

    The order of `ids` does not matter. Without ids it is the hash of an empty text, `e3b0c442...`.
    """
    return hashlib.sha256("".join(f"{one}\n" for one in sorted(set(ids))).encode()).hexdigest()
