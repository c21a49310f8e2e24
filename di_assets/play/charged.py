"""All calls that a provider may have charged for: those in the tables, and those in journals not yet in the tables."""

from collections.abc import Iterable, Set
from typing import Any

import polars as pl

from di_assets.arms import Arm, Configs, plan
from di_assets.calls.call import Call
from di_assets.calls.salvage import held_and_cut
from di_assets.play.launches import launches
from di_assets.play.spent import owed
from di_assets.tables import TABLES, Warehouse
from di_assets.tables.words import COMPLETE, SCRIPTED

WHAT = ("request_id", "started_at", "input_tokens", "output_tokens", "cost_usd", "bound_usd", "retried")
SCHEMA = {"model": pl.String(), **{name: TABLES["calls"].schema[name] for name in WHAT}}


def charged_calls(configs: Configs, warehouse: Warehouse) -> pl.DataFrame:
    """All calls of episodes to models, one row per call, with the columns of `SCHEMA`; no calls to scripted agents.

    If an episode has a journal, its calls are taken from there: the journal holds at least what the tables hold.
    """
    complete = set(
        warehouse.scan("episodes").filter(pl.col("status") == COMPLETE).select("episode_id").collect()["episode_id"]
    )
    folders = [(arm, f) for arm in configs.arms.values() for f in sorted(warehouse.journal.glob(f"{arm.name}--b*/"))]
    kept = [_of_journals(arm, folder.name, warehouse, complete) for arm, folder in folders]
    journals = pl.concat([_frame([]), *kept])
    stored = warehouse.scan("calls").filter(pl.col("provider") != SCRIPTED).select("episode_id", *SCHEMA).collect()
    return pl.concat([stored.join(journals, on="episode_id", how="anti"), journals]).select(list(SCHEMA))


def as_charged(model: str, calls: Iterable[Call]) -> pl.DataFrame:
    """Calls to one model as a frame with the columns of `SCHEMA`, one row per call."""
    return _frame([("", model, *_values(call)) for call in calls]).drop("episode_id")


def _of_journals(arm: Arm, batch: str, warehouse: Warehouse, complete: Set[str]) -> pl.DataFrame:
    """Calls in the journals of a batch. Requests that are in flight, or in a provider's batch, count as calls too."""
    folder = warehouse.journal / batch
    planned = plan(arm, launches=launches(warehouse, arm), batch=batch)
    models = {(one.episode_id, seat): model for one in planned for seat, model in enumerate(one.models)}
    rows: list[tuple[Any, ...]] = []
    for episode, (held, cut) in held_and_cut(folder).items():
        charged = (call for call in (*held, *cut) if call.cost_usd or call.bound_usd is not None)
        rows += [(episode, models.get((episode, call.seat)), *_values(call)) for call in charged]
    for one in owed(folder, complete=complete):
        if one.cost_usd:
            rows.append(
                (one.asked.episode_id, one.wave.model, None, one.wave.at, None, None, one.cost_usd, one.cost_usd, None)
            )
    return _frame(rows)


def _values(call: Call) -> tuple[Any, ...]:
    return tuple(getattr(call, name) for name in WHAT)


def _frame(rows: list[tuple[Any, ...]]) -> pl.DataFrame:
    schema = {"episode_id": pl.String(), **SCHEMA, "started_at": pl.Float64()}
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    return frame.with_columns((pl.col("started_at") * 1_000_000).round().cast(pl.Int64).cast(SCHEMA["started_at"]))
