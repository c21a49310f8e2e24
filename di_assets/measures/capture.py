"""Who takes more from whom than blind reciprocation explains: residuals and net capture of every ordered pair."""

import numpy as np
import polars as pl

from di_assets.measures.dense import NEEDED, dense_groups, forecast, net_capture, residuals
from di_assets.measures.measure import Measure
from di_assets.tables.by_batch import PAIR_CAPTURE


def pair_capture(episodes: pl.DataFrame, edges: pl.DataFrame, pulls: pl.DataFrame) -> pl.DataFrame:
    """One row per ordered pair of distinct seats of a complete episode; zeros if no edge joins them.

    net_capture(i over j) = (r(j->i) - r(i->j)) / 2, in [-1, 1], antisymmetric.
    """
    parts = []
    for group in dense_groups(episodes, edges, pulls):
        residual = residuals(group.targets, forecast(group.targets, group.adjacent))
        net = net_capture(residual)
        e, i, j = np.nonzero(np.broadcast_to(~np.eye(group.n_seats, dtype=bool), net.shape))
        parts.append(
            pl.DataFrame(
                {
                    "episode_id": pl.Series(group.ids, dtype=pl.String).gather(e),
                    "seat": i,
                    "other": j,
                    "adjacent": group.adjacent[e, i, j],
                    "residual_in": residual[e, j, i],
                    "residual_out": residual[e, i, j],
                    "net_capture": net[e, i, j],
                }
            )
        )
    return PAIR_CAPTURE.conform(pl.concat([PAIR_CAPTURE.empty(), *parts]))


MEASURE = Measure(pair_capture, PAIR_CAPTURE, reads=NEEDED)
