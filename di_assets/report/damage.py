"""Which damaged file an error came of: one of the tables, or the summary."""

from di_assets.report.published import damaged_summary, read_summary
from di_assets.tables import DamageError, StorageError, Warehouse


def damage_behind(warehouse: Warehouse, error: BaseException) -> DamageError | None:
    """The damaged files that an error came of, the summary among them; None where there are none."""
    blamed = warehouse.blamed(error)
    if blamed is not None or hasattr(error, "exit_code"):
        return blamed
    # It loads every question, which takes a second, and every verb loads this file: only those that failed pay for it.
    from di_assets.report.schema import flaw_in  # noqa: PLC0415

    try:
        summary = read_summary(warehouse)
    except DamageError as damage:
        return damage
    except (OSError, StorageError):
        return None
    flaw = None if summary is None else flaw_in(summary)
    return None if flaw is None else damaged_summary(warehouse, f"is not what was written ({flaw})")
