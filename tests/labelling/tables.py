"""A warehouse with messages and nothing else that matters."""

import polars as pl

from di_assets.tables import TABLES, Warehouse

BLANK = {pl.String(): "x", pl.Int64(): 0, pl.Float64(): 0.0, pl.Boolean(): True}


def warehouse_with(folder, texts, *, batch="talk--b00"):
    """`texts` is episode id -> texts; an episode's arm and focal model stand before its id's dashes: arm-model-1."""
    warehouse = Warehouse(folder)
    row = {c.name: None if c.nullable else BLANK.get(c.dtype) for c in TABLES["episodes"].columns}
    episodes = pl.DataFrame(
        [
            {
                **row,
                "episode_id": key,
                "arm": key.split("-")[0],
                "focal_model": key.split("-")[1],
                "status": "complete",
                "batch": batch,
            }
            for key in texts
        ],
        schema=TABLES["episodes"].schema,
    ).with_columns(started_at=pl.datetime(2026, 1, 1, time_zone="UTC"))
    messages = [(key, k, 1, 1, 0, 1, text, False) for key, said in texts.items() for k, text in enumerate(said)]
    warehouse.write("episodes", episodes, batch)
    warehouse.write("messages", TABLES["messages"].frame(messages), batch)
    return warehouse
