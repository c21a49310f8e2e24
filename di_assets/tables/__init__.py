"""The tables (grain, columns, types and meaning of each), and the warehouse that stores them."""

from di_assets.tables.contract import Column, ContractError, Table
from di_assets.tables.damage import Damage, DamageError
from di_assets.tables.episode_set import episode_set
from di_assets.tables.events import EVENT_TABLES
from di_assets.tables.schema import TABLES
from di_assets.tables.storage import StorageError, WarehouseError
from di_assets.tables.warehouse import Warehouse, open_warehouse

__all__ = [
    "EVENT_TABLES",
    "TABLES",
    "Column",
    "ContractError",
    "Damage",
    "DamageError",
    "StorageError",
    "Table",
    "Warehouse",
    "WarehouseError",
    "episode_set",
    "open_warehouse",
]
