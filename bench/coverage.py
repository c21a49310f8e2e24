"""How often each interval covers the true mean where 95% is claimed: `python bench/coverage.py [EXPERIMENTS]`.

Normal, lognormal and beta(1, 4) data at n = 5, 15 and 75, each method on the same experiments; then episodes in blocks
of one seed, of five blocks, where taking each episode for an independent one shows what pseudo-replication does.
A lognormal's skew grows with sigma without bound: 0.75 spreads like the points of one model (its standard deviation is
0.87 of its mean, its skewness 3.3); 1 is printed besides, as what no interval of five numbers withstands.
"""

import sys

import numpy as np

from di_assets.measures.intervals import clustered_t, percentile_bootstrap, studentized_bootstrap, t_interval

SIZES = (5, 15, 75)
WORLDS = {
    "normal": (lambda rng, shape: rng.normal(size=shape), 0.0),
    "lognormal, sigma 0.75": (lambda rng, shape: rng.lognormal(0, 0.75, size=shape), np.exp(0.75**2 / 2)),
    "beta(1, 4)": (lambda rng, shape: rng.beta(1, 4, size=shape), 0.2),
    "lognormal, sigma 1": (lambda rng, shape: rng.lognormal(0, 1, size=shape), np.exp(0.5)),
}
METHODS = {"t (primary)": t_interval, "studentized": studentized_bootstrap, "percentile": percentile_bootstrap}
GOALS = {"normal": 0.93, "lognormal, sigma 0.75": 0.86, "beta(1, 4)": 0.86}
BLOCKS, REPLICATES = 5, 4


def covered(interval, truth):
    return interval.low is not None and interval.low <= truth <= interval.high


def share(intervals, truth):
    return float(np.mean([covered(interval, truth) for interval in intervals]))


def in_blocks(rng, experiments):
    """Coverage of the clustered interval, and of one that takes replicates of a seed for independent episodes."""
    seeds = np.repeat(np.arange(BLOCKS), REPLICATES).tolist()
    effects = rng.normal(size=(experiments, BLOCKS)).repeat(REPLICATES, axis=1)
    data = (effects + 0.5 * rng.normal(size=effects.shape)).tolist()
    return share((clustered_t(x, seeds) for x in data), 0.0), share((t_interval(x) for x in data), 0.0)


def main():
    experiments = int(sys.argv[1]) if len(sys.argv) > 1 else 2_000
    print(
        f"{experiments:,} experiments; standard error of a coverage of 0.95: {np.sqrt(0.95 * 0.05 / experiments):.4f}"
    )
    print(f"{'':24}{'n':>4}" + "".join(f"{name:>14}" for name in METHODS))
    rng, short = np.random.default_rng(20_26), []
    for world, (draw, truth) in WORLDS.items():
        for n in SIZES:
            data = draw(rng, (experiments, n)).tolist()
            rates = {name: share((method(x) for x in data), truth) for name, method in METHODS.items()}
            goal = GOALS.get(world) if n == min(SIZES) else None
            reached = goal is None or rates["t (primary)"] >= goal
            note = "" if goal is None else f"   goal of the primary >= {goal}: {'ok' if reached else 'short'}"
            short += [] if reached else [world]
            print(f"{world:24}{n:4}" + "".join(f"{rate:14.3f}" for rate in rates.values()) + note)
    clustered, naive = in_blocks(rng, experiments)
    print(f"{BLOCKS} seeds, {REPLICATES} relaunches of each: clustered {clustered:.3f}, as if independent {naive:.3f}")
    return 1 if short else 0


if __name__ == "__main__":
    sys.exit(main())
