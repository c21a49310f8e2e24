"""CPU seconds of reaction functions and of the nulls: `python bench/reactions.py [EPISODES...]`.

Synthetic episodes of the attack arm's shape, by default 225 and 10,000: five focal models that share seeds, five seats,
25 rounds, each asking each other one time in three, pulls drawn as reciprocators do four times in five. `choices` reads
events and is made batch by batch; `reactions`, `repayments` and `estimated_floors` read its counts alone.
"""

import sys
import time

import numpy as np
import polars as pl

from di_assets.measures.baseline import model_baseline, reciprocity_baseline
from di_assets.measures.choices import choices
from di_assets.measures.reactions import reactions
from di_assets.measures.repayments import estimated_floors, repayments
from di_assets.measures.shuffles import shuffles
from di_assets.measures.talkless import simulate

N_SEATS, N_ROUNDS, N_FOCAL, ASKING = 5, 25, 5, 1 / 3
PAIRS = [(a, b) for a in range(N_SEATS) for b in range(a + 1, N_SEATS)]


def tables(n):
    rng = np.random.default_rng(1)
    targets = simulate(np.broadcast_to(~np.eye(N_SEATS, dtype=bool), (n, N_SEATS, N_SEATS)), N_ROUNDS, rng=rng)
    # One pull in five is anyone's, so that no model is certain.
    targets = np.where(
        rng.random(targets.shape) < 0.2, (np.arange(N_SEATS) + rng.integers(1, 5, targets.shape)) % 5, targets
    )
    ids = pl.Series("episode_id", [f"e{k:06d}" for k in range(n)])
    numbers = np.arange(n)
    sizes = {"condition": "c", "n_seats": N_SEATS, "n_rounds": N_ROUNDS, "status": "complete", "scripted": True}
    focal_model = pl.Series([f"focal-{k % N_FOCAL}" for k in numbers])
    facts = pl.DataFrame({"episode_id": ids, "seed": numbers // N_FOCAL, "focal_model": focal_model, "focal_seat": 0})
    episodes = facts.with_columns(replicate=pl.col("seed"), **{name: pl.lit(value) for name, value in sizes.items()})
    seats = facts.select("episode_id", "focal_model").join(pl.DataFrame({"seat": range(N_SEATS)}), how="cross")
    rival = pl.format("rival-{}", "seat")
    model = pl.when(pl.col("seat") == 0).then(pl.col("focal_model")).otherwise(rival)
    edges = facts.select("episode_id").join(pl.DataFrame(PAIRS, schema=["seat_a", "seat_b"], orient="row"), how="cross")
    e, t, i = np.indices(targets.shape).reshape(3, -1)
    at = {"event_id": t * N_SEATS + i, "round": t + 1, "puller": i, "target": targets.ravel()}
    pulls = pl.DataFrame({"episode_id": ids.gather(e), **at}).with_columns(status=pl.lit("valid"))
    asked = (rng.random((n, N_ROUNDS, N_SEATS, N_SEATS)) < ASKING) & ~np.eye(N_SEATS, dtype=bool)
    e, t, sender, recipient = np.nonzero(asked)
    event = 1_000 + (t * N_SEATS + sender) * N_SEATS + recipient
    told = {"event_id": event, "round": t + 1, "sender": sender, "recipient": recipient}
    messages = pl.DataFrame({"episode_id": ids.gather(e), **told})
    labels = messages.select("episode_id", "event_id", asks_for_pull=pl.lit(True), labeller=pl.lit("lexical"))
    return episodes, seats.with_columns(model=model), edges, messages, pulls, labels


def measures(episodes, pulls):
    """What `episode_measures` holds of them, made up but for the points: the nulls' work does not depend on it."""
    points = pulls.filter(pl.col("target") == 0).group_by("episode_id").agg(focal_points=pl.len())
    rates = ("focal_floor_points", "focal_capture", "cascades", "gini", "payback_rate", "unprompted_rate")
    made = episodes.select("episode_id", "condition", "focal_model").join(points, on="episode_id", how="left")
    return made.with_columns(
        pl.col("focal_points").fill_null(0), pl.lit(125).alias("n_pulls"), *(pl.lit(0.5).alias(r) for r in rates)
    )


def timed(measure, *frames):
    start = time.process_time()
    made = measure(*frames)
    print(f"    {measure.__name__:22}{time.process_time() - start:8.2f} s CPU   {made.height:,} rows", flush=True)
    return made


def main():
    for n in [int(argument) for argument in sys.argv[1:]] or [225, 10_000]:
        print(f"{n:,} episodes, {n * N_SEATS * N_ROUNDS:,} pulls")
        episodes, seats, edges, messages, pulls, labels = tables(n)
        whole = measures(episodes, pulls)
        counted = timed(choices, episodes, seats, edges, messages, pulls, labels)
        timed(reactions, episodes, counted)
        repaid = timed(repayments, episodes, counted)
        timed(estimated_floors, episodes, whole, counted, repaid)
        orders = timed(shuffles, episodes, edges, pulls)
        timed(reciprocity_baseline, episodes, edges, whole, orders)
        timed(model_baseline, episodes, edges, whole, orders)


if __name__ == "__main__":
    main()
