"""Which episodes may be aggregated together, and which differ only in their graph."""

import polars as pl

from di_assets.tables.words import OPEN


def one_rules_version(episodes: pl.DataFrame) -> pl.DataFrame:
    """The episodes by the newest rules, chosen separately for scripted agents and models.

    Other rules are another game.
    """
    kinds = episodes.partition_by("scripted", maintain_order=True)
    newest = [kind.filter(rules_version=max(kind["rules_version"].unique(), key=_order)) for kind in kinds]
    return pl.concat(newest).sort("episode_id") if newest else episodes


def models_first(episodes: pl.DataFrame) -> pl.DataFrame:
    """For each condition the models' episodes; if it has none, those of scripted agents. Never both in one mean."""
    return episodes.filter(pl.col("scripted") == pl.col("scripted").all().over("condition"))


def lineups_of(seats: pl.DataFrame) -> pl.DataFrame:
    """(episode_id, lineup): the models of an episode's seats, sorted, with spaces between them."""
    models = seats.group_by("episode_id").agg("model")
    return models.select("episode_id", lineup=pl.col("model").list.sort().list.join(" "))


def ring_and_complete(
    episodes: pl.DataFrame, lineups: pl.DataFrame, episode_measures: pl.DataFrame, *, measure: str = "gini"
) -> pl.DataFrame:
    """One row per seed block that the same models played on a ring and on the complete graph, with messages on.

    Args:
        episodes: episodes.
        lineups: who sat in them, see `lineups_of`.
        episode_measures: their measures.
        measure: the measure to compare; episodes in which it is undefined do not count.

    Returns:
        seed, MEASURE_ring, MEASURE_complete (means over the block's episodes), n_ring, n_complete.
    """
    talking = episodes.filter(pl.col("channel") == OPEN)
    keys = ("seed", "lineup", "focal_model", "payoff", "n_seats", "n_rounds")
    whole = (
        talking.select("episode_id", "topology", "seed", "focal_model", "payoff", "n_seats", "n_rounds")
        .join(episode_measures.select("episode_id", measure).drop_nulls(), on="episode_id")
        .join(lineups, on="episode_id")
        .sort("episode_id")
    )
    means = {
        graph: whole.filter(topology=graph)
        .group_by(keys, maintain_order=True)
        .agg(pl.mean(measure).alias(f"{measure}_{graph}"), pl.len().alias(f"n_{graph}"))
        for graph in ("ring", "complete")
    }
    both = means["ring"].join(means["complete"], on=keys, nulls_equal=True)
    # Episodes of one seed are replicates of its block, whatever their focal model.
    blocks = both.sort(keys).group_by("seed", maintain_order=True)
    return blocks.agg(pl.mean(f"{measure}_ring", f"{measure}_complete"), pl.sum("n_ring", "n_complete"))


def _order(version: str) -> tuple[tuple[int, str], ...]:
    """Sort key for versions: `2` before `10`, `1.9` before `1.10`; words after all numbers."""
    return tuple((int(part), "") if part.isdigit() else (2**31, part) for part in version.split("."))
