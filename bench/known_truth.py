"""Lifts that are known by construction, through the project's own intervals: `python bench/known_truth.py`.

In every world a scripted focal seat plays scripted rivals, 15 matched pairs of an episode with messages and one without
an experiment, 10,000 experiments a world (at 1,000 a rate of 5% is only known to 1.4 points, and a limit of 6% would be
passed by luck). Printed for each, as shares of experiments: how often the paired t interval covers the truth; how often
an effect is claimed (the interval leaves 0 out) by one who looks once, at the end; by one who looks after every pair
from the second on and stops at the first claim, once with the project's looking interval and once naively; and how
often all looking intervals of an experiment cover the truth. Where pairs do not vary there is no interval: no claim,
counted as degenerate. Some experiments go the whole way, from pulls through every table to `lift`.
"""

import functools
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy.special import stdtrit

from di_assets.measures.episode import episode_measures
from di_assets.measures.intervals import t_interval
from di_assets.measures.lift import lift
from di_assets.measures.sequential import look_at
from di_assets.measures.talkless import simulate
from di_assets.tables import TABLES

EXPERIMENTS, AT_ONCE, WHOLE_WAY = 10_000, 1_000, 40
PAIRS, ROUNDS, SEATS, FOCAL = 15, 25, 5, 0
SEED = 20_260_701
LOOKS = tuple(range(2, PAIRS + 1))
COVERED, MOST_FALSE = (0.93, 0.97), 0.06


@dataclass(frozen=True)
class World:
    """How pulls with and without messages are drawn, (e, t, i) each, and the lift that they have by construction."""

    name: str
    truth: float
    draw: Callable


@dataclass(frozen=True)
class Found:
    """Shares of a world's experiments; `n` without the degenerate ones, `covered` and `all_covered` over those."""

    n: int
    degenerate: float
    covered: float | None
    all_covered: float | None
    claimed: float
    claimed_looking: float
    claimed_peeking: float
    mean_lift: float


def persuader(n, rng, *, effect):
    """Rivals that pull the focal seat with a chance that the seed gives a pair, raised by effect / 100 where it speaks.

    The chance is 15 to 35%, so that on and off are correlated; 100 rival pulls an episode make the lift the effect.
    """
    liking = rng.uniform(0.15, 0.35, size=(n, 1, 1))
    return tuple(_gullible(liking + bought / 100, rng) for bought in (effect, 0.0))


def _gullible(chance, rng):
    shape = (len(chance), ROUNDS, SEATS)
    elsewhere = 1 + (np.arange(SEATS) + rng.integers(0, SEATS - 2, size=shape)) % (SEATS - 1)
    targets = np.where(rng.random(shape) < chance, FOCAL, elsewhere)
    targets[:, :, FOCAL] = rng.integers(1, SEATS, size=shape[:2])
    return targets


def loyal_pairs(n, rng, *, redrawn):
    """Two pairs that pull one another for ever, and a fifth seat that stays with one of them; the seed says who is who.

    Redrawn: who is who is drawn anew for the episode without messages; else both episodes are the same.
    """
    first = _loyal(n, rng)
    return first, _loyal(n, rng) if redrawn else first


def _loyal(n, rng):
    seats = rng.permuted(np.tile(np.arange(SEATS), (n, 1)), axis=1)
    partner = np.empty_like(seats)
    for here, there in ((0, 1), (1, 0), (2, 3), (3, 2)):
        np.put_along_axis(partner, seats[:, [here]], seats[:, [there]], axis=1)
    chosen = np.take_along_axis(seats, rng.integers(0, SEATS - 1, size=(n, 1)), axis=1)
    np.put_along_axis(partner, seats[:, [4]], chosen, axis=1)
    return np.broadcast_to(partner[:, None], (n, ROUNDS, SEATS))


def reciprocators(n, rng):
    """Tit-for-tat at every seat: nobody listens, each episode is its own draw."""
    adjacent = np.broadcast_to(~np.eye(SEATS, dtype=bool), (n, SEATS, SEATS))
    return tuple(simulate(adjacent, ROUNDS, rng=rng) for _ in range(2))


WORLDS = (
    *(World(f"persuader, {e:g} points", e, functools.partial(persuader, effect=e)) for e in (0.0, 5.0, 20.0)),
    World("loyal pairs, same seeds", 0.0, functools.partial(loyal_pairs, redrawn=False)),
    World("loyal pairs, redrawn", 0.0, functools.partial(loyal_pairs, redrawn=True)),
    World("reciprocators", 0.0, reciprocators),
)


def gaps_of(world, experiments, *, rng):
    """(experiment, pair): points on minus off."""
    parts = []
    for start in range(0, experiments, AT_ONCE):
        size = min(AT_ONCE, experiments - start)
        on, off = ((targets == FOCAL).sum(axis=(1, 2)) for targets in world.draw(size * PAIRS, rng))
        parts.append((on - off).reshape(size, PAIRS).astype(float))
    return np.concatenate(parts)


def judge(gaps, truth):
    """What an experimenter finds who looks once, and one who looks after each pair, with the guard and without."""
    n = np.array(LOOKS)
    sums, squares = gaps.cumsum(axis=1)[:, n - 1], (gaps**2).cumsum(axis=1)[:, n - 1]
    mean = sums / n
    error = np.sqrt(np.maximum(squares - sums * mean, 0) / (n - 1) / n)
    flat = error < 1e-9  # of whole points: no variance, no interval
    error = np.where(flat, 1.0, error)
    levels = np.array([look_at(k, planned=PAIRS, looks=range(2, k)).alpha for k in LOOKS])
    guarded = np.where(levels > 0, -stdtrit(n - 1, np.maximum(levels, 1e-300) / 2), np.inf)
    naive = -stdtrit(n - 1, 0.025)
    away, missed = np.abs(mean), np.abs(mean - truth)
    usable = ~flat[:, -1]

    def beyond(distance, critical):
        return ~flat & (distance > critical * error)

    return Found(
        n=int(usable.sum()),
        degenerate=float(1 - usable.mean()),
        covered=float(1 - beyond(missed, naive)[usable, -1].mean()) if usable.any() else None,
        all_covered=float(1 - beyond(missed, guarded)[usable].any(axis=1).mean()) if usable.any() else None,
        claimed=float(beyond(away, naive)[:, -1].mean()),
        claimed_looking=float(beyond(away, guarded).any(axis=1).mean()),
        claimed_peeking=float(beyond(away, naive).any(axis=1).mean()),
        mean_lift=float(gaps.mean()),
    )


def whole_way(world, experiments, *, rng):
    """The lift table and the gaps it must be made of: an experiment a focal model, its pulls through every table."""
    on, off = world.draw(experiments * PAIRS, rng)
    tables = [_episodes("talk", "open", on), _episodes("mute", "none", off)]
    episodes, edges, pulls = (pl.concat(parts) for parts in zip(*tables, strict=True))
    nothing = {name: TABLES[name].empty() for name in ("messages", "message_labels")}
    whole = episode_measures(episodes, edges, nothing["messages"], pulls, nothing["message_labels"])
    table = lift(episodes, whole, mirrors={"mute": "talk"}, focal={})
    points = [(targets == FOCAL).sum(axis=(1, 2)).reshape(experiments, PAIRS) for targets in (on, off)]
    return table, (points[0] - points[1]).astype(float)


def _episodes(arm, channel, targets):
    """Episodes, edges and pulls of these targets in the contract's columns that the measures read."""
    count = len(targets)
    pair = np.arange(count) % PAIRS
    ids = pl.Series("episode_id", [f"{arm}--m{k // PAIRS:04d}_r{k % PAIRS}" for k in range(count)])
    episodes = pl.DataFrame({"episode_id": ids, "replicate": pair, "seed": pair}).with_columns(
        focal_model=pl.Series([f"m{k // PAIRS:04d}" for k in range(count)]),
        **{name: pl.lit(value) for name, value in _facts(arm, channel).items()},
    )
    pairs = [(a, b) for a in range(SEATS) for b in range(a + 1, SEATS)]
    edges = pl.DataFrame(pairs, schema=["seat_a", "seat_b"], orient="row")
    e, t, i = np.indices(targets.shape).reshape(3, -1)
    pulls = pl.DataFrame(
        {
            "episode_id": ids.gather(e),
            "event_id": t * SEATS + i,
            "round": t + 1,
            "puller": i,
            "target": targets.ravel(),
        }
    ).with_columns(status=pl.lit("valid"))
    only = pl.DataFrame({"episode_id": ids})
    return episodes, only.join(edges, how="cross"), pulls


def _facts(arm, channel):
    return {
        "arm": arm,
        "condition": f"complete/pure/msg-{'on' if channel == 'open' else 'off'}",
        "topology": "complete",
        "payoff": "pure",
        "channel": channel,
        "focal_seat": FOCAL,
        "n_seats": SEATS,
        "n_rounds": ROUNDS,
        "scripted": True,
        "status": "complete",
    }


def agree(table, gaps):
    """Whether the lift table says of every experiment what its gaps do."""
    for row, values in zip(table.sort("model").iter_rows(named=True), gaps, strict=True):
        plain = t_interval(values.tolist())
        if row["n_pairs"] != PAIRS or abs(row["lift"] - values.mean()) > 1e-9:
            return False
        if (row["ci_low"], row["ci_high"]) != (plain.low, plain.high):
            return False
    return True


def rng_of(world, what):
    """A world's own stream, whatever other worlds there are."""
    return np.random.default_rng([SEED, *world.name.encode(), *what.encode()])


def main():
    start, short = time.process_time(), []
    print(f"{EXPERIMENTS:,} experiments a world, {PAIRS} pairs each; looks after every pair from the second on\n")
    heads = ("mean lift", "degenerate", "t covers", "claims", "looking", "naive", "all cover", "tables")
    print(f"{'world':26}" + "".join(f"{head:>12}" for head in heads))
    for world in WORLDS:
        found = judge(gaps_of(world, EXPERIMENTS, rng=rng_of(world, "gaps")), world.truth)
        same = agree(*whole_way(world, WHOLE_WAY, rng=rng_of(world, "whole way")))
        shares = (
            found.degenerate,
            found.covered,
            found.claimed,
            found.claimed_looking,
            found.claimed_peeking,
            found.all_covered,
        )
        cells = ["—" if share is None else f"{share:.1%}" for share in shares] + ["agree" if same else "differ"]
        print(f"{world.name:26}{found.mean_lift:>12.2f}" + "".join(f"{cell:>12}" for cell in cells))
        if found.covered is not None and not COVERED[0] <= found.covered <= COVERED[1]:
            short.append(f"{world.name}: coverage {found.covered:.1%}")
        if world.truth == 0 and max(found.claimed, found.claimed_looking) > MOST_FALSE:
            short.append(f"{world.name}: false claims {found.claimed:.1%}, looking {found.claimed_looking:.1%}")
        if not same:
            short.append(f"{world.name}: tables and arrays differ")
    verdict = f"t covers in {COVERED[0]:.0%} to {COVERED[1]:.0%}, false claims at most {MOST_FALSE:.0%}"
    print(f"\n{verdict}: {'; '.join(short) or 'ok'}")
    print(f"{time.process_time() - start:.1f} s CPU")


if __name__ == "__main__":
    main()
