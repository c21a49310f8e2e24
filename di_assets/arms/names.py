"""Checks names that become parts of files, addresses and records, before anything is paid for."""

import hashlib
import json
import re

# Files add a suffix, a number or a mark to the name, and a file name has at most 255 bytes.
MOST_BYTES, MOST_ID_BYTES = 100, 200
# An id is also stored in a record of fixed length, as JSON, where a non-ASCII letter needs more space.
MOST_ID_JSON = 300
# Characters that file names, Dagster partitions or id patterns cannot contain.
NOT_IN_NAMES = frozenset("/\\|,[]{}")
LONGEST_LAUNCH = "2026-06-27T14-43-44-00-00"


def name_problem(name: str) -> str | None:
    """What is wrong with the name of an arm or a model; None if it is valid."""
    if not name or name[0] in ".-" or name != name.strip() or not name.isprintable() or NOT_IN_NAMES & set(name):
        return f"{name!r} is no name: none of / \\ | , [ ] {{ }} in it, no dot or dash first, no space at an end"
    return _too_long(name, MOST_BYTES)


def plain_name(name: str) -> str:
    """The name with only letters, digits and underscores, as Dagster requires; different names stay different."""
    plain = re.sub(r"[^A-Za-z0-9_]", "_", name)
    return plain if plain == name else f"{plain}_{hashlib.sha256(name.encode()).hexdigest()[:6]}"


def id_problem(episode_id: str) -> str | None:
    """What is wrong with an episode's id; None if it is valid."""
    if len(json.dumps(episode_id)) > MOST_ID_JSON:
        return f"{episode_id[:40]!r}... is too long for a record: at most {MOST_ID_BYTES} letters and digits"
    return _too_long(episode_id, MOST_ID_BYTES)


def _too_long(name: str, most: int) -> str | None:
    size = len(name.encode())
    return None if size <= most else f"{name[:40]!r}... is {size} bytes long; files are named by it: at most {most}"
