"""The configuration and the warehouse that the options name."""

from di_assets.assets.home import Home, Progress, open_home
from di_assets.cli.command import look_for_damage


def open_home_of(
    options: dict[str, str], *, writing: bool = False, looking: bool = True, progress: Progress | None = None
) -> Home:
    """Opens the configuration and the warehouse that the options name.

    Args:
        options: options of `di` itself.
        writing: the warehouse is about to be written.
        looking: report damaged files when the command has ended.
        progress: called while batches are played.

    Raises:
        ConfigError: the configuration is wrong.
        StorageError: the warehouse can't be used.
    """
    home = open_home(options["warehouse"], options["configs"], progress=progress)
    home.warehouse.check(writing=writing)
    if looking:
        look_for_damage(home.warehouse)
    return home
