"""The table contract: every table by name."""

from collections.abc import Mapping

from di_assets.tables.by_batch import BATCH_TABLES
from di_assets.tables.contract import Table
from di_assets.tables.events import EVENT_TABLES
from di_assets.tables.over_all import OVERALL_TABLES

TABLES: Mapping[str, Table] = {table.name: table for table in (*EVENT_TABLES, *BATCH_TABLES, *OVERALL_TABLES)}
