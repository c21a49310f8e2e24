"""Finds the damaged file that caused an error: one of the tables, or the summary."""

from di_assets.report.published import damaged_summary, read_summary
from di_assets.tables import DamageError, StorageError, Warehouse


def damage_behind(warehouse: Warehouse, error: BaseException) -> DamageError | None:
    """The damaged files that caused an error, including the summary; None if there are none."""
    blamed = warehouse.blamed(error)
    if blamed is not None or hasattr(error, "exit_code"):
        return blamed
    # Imported here because it loads every question, which takes a second. Every verb loads this file, but only a verb that
    # failed needs the import.
    from di_assets.report.schema import flaw_in  # noqa: PLC0415

    try:
        summary = read_summary(warehouse)
    except DamageError as damage:
        return damage
    except (OSError, StorageError):
        return None
    flaw = None if summary is None else flaw_in(summary)
    return None if flaw is None else damaged_summary(warehouse, f"is not what was written ({flaw})")
