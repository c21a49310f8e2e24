"""The table contract: `TABLES` has every table by name."""

from collections.abc import Mapping

from di_assets.tables import by_batch, over_all
from di_assets.tables.contract import Table, tables_of
from di_assets.tables.events import EVENT_TABLES

# Tables of measures are declared in this room and not beside the functions that make them. So all files of a warehouse
# are known without loading a measure, and a measure that cannot be loaded does not prevent reading.
TABLES: Mapping[str, Table] = {
    table.name: table for table in (*EVENT_TABLES, *tables_of(by_batch), *tables_of(over_all))
}
