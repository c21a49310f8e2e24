"""Names that become parts of files, addresses and records: refused where they are written, before anything is paid."""

import hashlib
import json
import re

# What is named by it adds a suffix, a number or a mark of its own to it; a file's name takes 255 bytes.
MOST_BYTES, MOST_ID_BYTES = 100, 200
# An id stands in a record of fixed length too, as JSON, where a letter that is not ASCII takes more room.
MOST_ID_JSON = 300
# What no file's name, no partition of Dagster's and no pattern of ids can hold.
NOT_IN_NAMES = frozenset("/\\|,[]{}")
LONGEST_LAUNCH = "2026-06-27T14-43-44-00-00"


def name_problem(name: str) -> str | None:
    """What is wrong with the name of an arm or a model; None where nothing is."""
    if not name or name[0] in ".-" or name != name.strip() or not name.isprintable() or NOT_IN_NAMES & set(name):
        return f"{name!r} is no name: none of / \\ | , [ ] {{ }} in it, no dot or dash first, no space at an end"
    return _too_long(name, MOST_BYTES)


def plain_name(name: str) -> str:
    """The name in letters, digits and underscores, which is what Dagster calls things by; two names stay two."""
    plain = re.sub(r"[^A-Za-z0-9_]", "_", name)
    return plain if plain == name else f"{plain}_{hashlib.sha256(name.encode()).hexdigest()[:6]}"


def id_problem(episode_id: str) -> str | None:
    """What is wrong with an episode's id; None where nothing is."""
    if len(json.dumps(episode_id)) > MOST_ID_JSON:
        return f"{episode_id[:40]!r}... is too long for a record: at most {MOST_ID_BYTES} letters and digits"
    return _too_long(episode_id, MOST_ID_BYTES)


def _too_long(name: str, most: int) -> str | None:
    size = len(name.encode())
    return None if size <= most else f"{name[:40]!r}... is {size} bytes long; files are named by it: at most {most}"
