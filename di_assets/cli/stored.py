"""The warehouse, for commands that need no configuration."""

from di_assets.cli.command import look_for_damage
from di_assets.nearest import nearest
from di_assets.tables import Warehouse, open_warehouse

# The most episodes with which a misspelt id is compared, and the most characters of the resulting line.
MOST_COMPARED, MOST_CHARS = 2_000, 200


def warehouse_of(options: dict[str, str]) -> Warehouse:
    """The warehouse that the options name.

    Raises:
        StorageError: it can't be used.
    """
    warehouse = open_warehouse(options["warehouse"])
    warehouse.check()
    look_for_damage(warehouse)
    return warehouse


def no_episode(warehouse: Warehouse, episode: str) -> str:
    """A line that says that there is no such episode; it suggests the nearest id if there are few episodes."""
    known = warehouse.scan("episodes").select("episode_id").collect()["episode_id"].to_list()
    stored = f" ({len(known):,} are stored)"
    hint = nearest(episode, known) if 0 < len(known) < MOST_COMPARED else stored
    return f"no episode {episode!r} in {warehouse}" + (hint if len(hint) < MOST_CHARS else stored)
