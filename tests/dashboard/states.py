"""The states that the report can be in, as warehouses: what scripted agents played, told as models' or turned around;
contradicted by one model alone, as six pairs are too few for two."""

import shutil

import polars as pl

from di_assets.assets.home import Home
from di_assets.assets.measured import measure_all
from di_assets.assets.published import publish_figure, publish_summary
from di_assets.measures.declared import over_all
from di_assets.report.questions.registry import QUESTIONS
from di_assets.tables import TABLES, Warehouse

STATES = ("nothing", "messages-on", "both", "contradicted")
TALK, MUTE = "talk--b00", "mute--b00"


def in_state(state, played, folder):
    """A warehouse in this state, measured and published by the code that publishes any."""
    home = Home(warehouse=Warehouse(folder), configs=played.configs)
    if state != "nothing":
        # Before anything looks at the warehouse, and takes what is there into its record.
        left_out = shutil.ignore_patterns(f"{MUTE}.parquet" if state == "messages-on" else "")
        shutil.copytree(played.warehouse.root / "tables", folder / "tables", ignore=left_out)
        for file in (folder / "tables").glob("*.parquet"):
            file.unlink()
        _keep_played(home.warehouse, "promiser" if state == "contradicted" else "")
    if state == "contradicted":
        _turned_around(home.warehouse)
    for measure in over_all():
        measure_all(home, measure)
    summary = publish_summary(home)
    for question in QUESTIONS.values():
        publish_figure(home, question, summary)
    return home.warehouse


def _keep_played(warehouse, model):
    """The tables of batches told as models', and of them the episodes of this model."""
    for name, table in TABLES.items():
        for file in warehouse.files(name) if table.partitioned else ():
            frame = warehouse.read(name, file.stem).filter(pl.col("episode_id").str.contains(model))
            told = {"scripted": pl.lit(value=False)} if "scripted" in frame.columns else {}
            told |= {"kind": pl.lit("llm")} if name == "seats" else {}
            warehouse.write(name, frame.with_columns(**told), file.stem)


def _turned_around(warehouse):
    """Who writes gets less than who is silent, repays more than reciprocators would, and keeps no promise."""
    at = pl.int_range(pl.len())
    measures = warehouse.read("episode_measures", TALK)
    repaid = 0.94 + 0.004 * at
    worse = measures.with_columns(
        focal_points=(1 + at % 3).cast(pl.Int64),
        focal_capture=-0.2 - 0.01 * at,
        payback_rate=repaid,
        solicited_not_payback_rate=0.5 * (1 - repaid),
        unprompted_rate=0.5 * (1 - repaid),
    )
    warehouse.write("episode_measures", worse, TALK)
    promises = warehouse.read("promises", TALK)
    warehouse.write("promises", promises.with_columns(outcome=pl.lit("broken")), TALK)
