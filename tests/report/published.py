"""The published page's episode table as frames. What it does not list is made up, and said so here."""

from pathlib import Path

import polars as pl

from di_assets.tables import TABLES

FOCAL = ("gemma-3-4b", "gpt-5.4-mini", "opus-4.8", "qwen3-235b-thinking", "sonnet-4.6")
BACKGROUND = ("w", "x", "y", "z")
# The page prints each model's mean points and their interval, not the episodes'. These are integers that have both.
POINTS = {
    "sonnet-4.6": (56, 70, 74, 79, 82),
    "gemma-3-4b": (20, 46, 57, 63, 73),
    "opus-4.8": (43, 44, 47, 47, 53),
    "qwen3-235b-thinking": (26, 31, 32, 44, 48),
    "gpt-5.4-mini": (2, 5, 6, 11, 19),
}
MIRRORS = {"05_attack_nomsg": "04_attack_complete"}


def frames():
    """Tables of the 40 episodes: ids, conditions, focal models, capture, cascades and gini are the page's own."""
    table = pl.read_csv(Path(__file__).with_name("published.csv")).sort("episode_id")
    table = table.with_columns(focal_model=pl.when(pl.col("focal_model") != "").then("focal_model"))
    replicate = pl.col("episode_id").str.extract(r"_[rs](\d+)$").cast(pl.Int64)
    calibration = pl.col("focal_model").is_not_null()
    rank = pl.col("focal_capture").rank("ordinal").over("focal_model")
    points = [POINTS[m][r - 1] if m else None for m, r in table.select("focal_model", rank.alias("r")).iter_rows()]
    table = table.with_columns(
        arm=pl.col("episode_id").str.split("--").list.first(),
        launch=pl.col("episode_id").str.extract(r"ring--(.+)--"),
        topology=pl.col("condition").str.split("/").list.first(),
        seed=pl.when(calibration).then(replicate + 100).otherwise(replicate),
        replicate=pl.when(calibration).then(replicate).otherwise(replicate - 41),
        focal_seat=pl.when(calibration).then(0),
        focal_points=pl.Series(points, dtype=pl.Int64),
    ).with_columns(focal_floor_points=pl.col("focal_points") - 200 * pl.col("focal_capture"))
    same = {"payoff": "pure", "channel": "open", "n_seats": 5, "n_rounds": 25, "scripted": False, "status": "complete",
            "rules_version": "1", "prompt_hash": "one", "n_pulls": 125, "n_forfeits": 0}  # fmt: skip
    table = table.with_columns(**{name: pl.lit(value) for name, value in same.items()})
    return {
        "episodes": _filled("episodes", table),
        "episode_measures": _filled("episode_measures", table),
        "seats": _seats(table),
        "pair_capture": _pairs(table),
    }


def _filled(name, table):
    """Columns that the page has, null in all others."""
    schema = TABLES[name].schema
    return table.select(
        pl.col(c).cast(t) if c in table.columns else pl.lit(None, t).alias(c) for c, t in schema.items()
    )


def _seats(table):
    rows = [
        (
            episode,
            seat,
            "ABCDE"[seat],
            model,
            "focal" if focal and seat == 0 else "background" if focal else "mixed",
            "llm",
        )
        for episode, focal in table.select("episode_id", "focal_model").iter_rows()
        for seat, model in enumerate((focal, *BACKGROUND) if focal else FOCAL)
    ]
    return TABLES["seats"].frame(rows)


def _pairs(table):
    """The focal seat captures as much over each rival, so that its mean is the printed capture; all else is even."""
    rows = []
    for episode, capture in table.select("episode_id", "focal_capture").iter_rows():
        for i in range(5):
            for j in range(5):
                net = 0.0 if capture is None or 0 not in (i, j) else capture if i == 0 else -capture
                rows += [(episode, i, j, True, net, -net, net)] if i != j else []
    return TABLES["pair_capture"].frame(rows)
