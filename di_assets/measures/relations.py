"""Who gives and who gets: the social relations model splits the variance of pulls into giver, receiver and dyad.

x[i,j] = mean + giver[i] + receiver[j] + dyad[i,j] is a random effects model of n members who each act on every other (a
round robin; the diagonal has no meaning). Givers are Kenny's actors, receivers his partners, dyads his relationships.
Effects and mean squares: Warner, Kenny & Stoto (1979), JPSP 37, 1742-1757; Kenny & La Voie (1984), Advances in
Experimental Social Psychology 18, 142-182; Kenny (1994), Interpersonal Perception, appendix B.

With one number per pair, dyad variance and measurement error cannot be separated: `dyad` contains both.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, field

import numpy as np
import polars as pl

from di_assets.measures.dense import NEEDED, Dense, Floats, dense_groups, given
from di_assets.measures.intervals import Interval, t_interval
from di_assets.measures.measure import Measure
from di_assets.tables.over_all import RELATIONS

COMPONENTS = ("giver", "receiver", "dyad", "giver_receiver", "reciprocity")
TOO_SMALL = "fewer than 4 members"
UNJOINED, SIZES = "not every pair is joined", "games of several sizes"
# Estimates of an episode are rounded to this many decimals, so that rounding errors are not taken for variance.
DECIMALS = 12


@dataclass(frozen=True, slots=True)
class Effects:
    """Effects of one round robin, or of a stack of them (leading axes). All rows and columns sum to 0.

    Attributes:
        mean: (...) over the n (n - 1) ordered pairs.
        giver: (..., n) how much more than the mean i gives, to any receiver.
        receiver: (..., n) how much more than the mean j receives, from any giver.
        dyad: (..., n, n) what i gives j beyond both effects; 0 on the diagonal.
    """

    mean: Floats
    giver: Floats
    receiver: Floats
    dyad: Floats


@dataclass(frozen=True, slots=True)
class Variances:
    """Unbiased estimates; negative ones are not changed to 0. All None, with the reason, if undefined.

    Attributes:
        giver: variance of givers.
        receiver: variance of receivers.
        dyad: variance of dyads, including measurement error.
        giver_receiver: covariance of a member's giver and receiver effects (Kenny's actor-partner covariance).
        reciprocity: covariance of the two dyad effects of a pair (dyadic reciprocity).
        reason: why there are no estimates.
    """

    giver: float | None
    receiver: float | None
    dyad: float | None
    giver_receiver: float | None
    reciprocity: float | None
    reason: str | None = field(default=None, kw_only=True)


@dataclass(frozen=True, slots=True)
class Shares:
    """Shares of the sum of the three variances, with negative ones counted as 0; None if none is positive."""

    giver: float | None
    receiver: float | None
    dyad: float | None


@dataclass(frozen=True, slots=True)
class Pooled:
    """Estimates pooled over round robins of one size.

    Attributes:
        n: number of round robins.
        estimates: means over them; negative ones are not changed to 0.
        intervals: component -> Student's t interval over them.
        shares: shares of the pooled variances.
    """

    n: int
    estimates: Variances
    intervals: Mapping[str, Interval]
    shares: Shares


def effects(x: Floats) -> Effects:
    """Giver, receiver and dyad effects of round robins x (..., n, n), where x[i,j] is from i to j.

    With row means r and column means c over the n - 1 others and the mean m:

        giver[i]    = (n-1)^2 / (n(n-2)) r[i] + (n-1) / (n(n-2)) c[i] - (n-1) / (n-2) m
        receiver[j] = (n-1)^2 / (n(n-2)) c[j] + (n-1) / (n(n-2)) r[j] - (n-1) / (n-2) m
        dyad[i,j]   = x[i,j] - m - giver[i] - receiver[j]

    The second term corrects for the missing diagonal: a row does not contain the giver's own attraction.

    Raises:
        ValueError: x is not square, has fewer than 3 members, or lacks a number off the diagonal.
    """
    if x.ndim < 2 or x.shape[-1] != x.shape[-2] or x.shape[-1] < 3:
        raise ValueError(f"a round robin is n x n with n >= 3, not {' x '.join(map(str, x.shape))}")
    n = x.shape[-1]
    itself = np.eye(n, dtype=bool)
    x = np.where(itself, 0.0, x)
    if not np.isfinite(x).all():
        raise ValueError("a round robin needs a number for every ordered pair")
    gave, got = x.sum(axis=-1) / (n - 1), x.sum(axis=-2) / (n - 1)
    mean = np.asarray(x.sum(axis=(-2, -1)) / (n * (n - 1)))
    own, other, grand = (n - 1) ** 2 / (n * (n - 2)), (n - 1) / (n * (n - 2)), (n - 1) / (n - 2) * mean[..., None]
    giver, receiver = own * gave + other * got - grand, own * got + other * gave - grand
    dyad = x - mean[..., None, None] - giver[..., :, None] - receiver[..., None, :]
    return Effects(mean=mean, giver=giver, receiver=receiver, dyad=np.where(itself, 0.0, dyad))


def variances(x: Floats) -> tuple[Variances, ...]:
    """Variances and covariances of each of the round robins x (e, n, n); undefined for n < 4.

    With S the sum over pairs of 2 ((dyad[i,j] + dyad[j,i]) / 2)^2 and D that of (dyad[i,j] - dyad[j,i])^2 / 2:

        between = S / ((n-1)(n-2)/2 - 1)        expected: dyad + reciprocity
        within  = D / ((n-1)(n-2)/2)            expected: dyad - reciprocity
        dyad, reciprocity = (between + within) / 2, (between - within) / 2
        giver          = sum giver[i]^2 / (n-1)            - ((n-1) dyad + reciprocity) / (n(n-2))
        receiver       = sum receiver[i]^2 / (n-1)         - ((n-1) dyad + reciprocity) / (n(n-2))
        giver_receiver = sum giver[i] receiver[i] / (n-1)  - ((n-1) reciprocity + dyad) / (n(n-2))

    The plain variance of the effects also contains dyad variance, and more of it in smaller groups; the subtraction
    removes it. So an estimate can be negative if the true variance is near 0. Negative values are not changed, because
    otherwise the mean over episodes would be biased.

    Raises:
        ValueError: as `effects`; or x is not a stack.
    """
    if x.ndim != 3:
        raise ValueError(f"a stack of round robins is e x n x n, not {' x '.join(map(str, x.shape))}")
    n = x.shape[-1]
    if n < 4:
        return (_undefined(TOO_SMALL),) * len(x)
    made = effects(x)
    a, b, g = made.giver, made.receiver, made.dyad
    mirrored, freedom = g.swapaxes(-2, -1), (n - 1) * (n - 2) / 2
    # Sums over all cells count each pair twice.
    between = ((g + mirrored) ** 2).sum(axis=(-2, -1)) / 4 / (freedom - 1)
    within = ((g - mirrored) ** 2).sum(axis=(-2, -1)) / 4 / freedom
    dyad, reciprocity = (between + within) / 2, (between - within) / 2
    excess = ((n - 1) * dyad + reciprocity) / (n * (n - 2))
    giver, receiver = (a**2).sum(axis=-1) / (n - 1) - excess, (b**2).sum(axis=-1) / (n - 1) - excess
    both = (a * b).sum(axis=-1) / (n - 1) - ((n - 1) * reciprocity + dyad) / (n * (n - 2))
    return tuple(Variances(*row) for row in np.stack([giver, receiver, dyad, both, reciprocity], axis=-1).tolist())


def shares(estimates: Variances) -> Shares:
    """The share of the variance of each of the three components; negative estimates count as 0."""
    parts = [max(0.0, part or 0.0) for part in (estimates.giver, estimates.receiver, estimates.dyad)]
    total = sum(parts)
    return Shares(*(part / total for part in parts)) if total > 0 else Shares(None, None, None)


def pooled(estimates: Sequence[Variances]) -> Pooled:
    """Means over independent round robins of one size, each with Student's t interval; None if none is defined."""
    defined = [one for one in estimates if one.reason is None]
    reason = next((one.reason for one in estimates if one.reason), "no episode")
    if not defined:
        none = _undefined(reason)
        return Pooled(0, none, dict.fromkeys(COMPONENTS, Interval(None, None, reason)), shares(none))
    values = {name: [float(getattr(one, name)) for one in defined] for name in COMPONENTS}
    means = Variances(*(sum(numbers) / len(numbers) for numbers in values.values()))
    intervals = {name: t_interval(numbers) for name, numbers in values.items()}
    return Pooled(len(defined), means, intervals, shares(means))


def relations(episodes: pl.DataFrame, edges: pl.DataFrame, pulls: pl.DataFrame) -> pl.DataFrame:
    """One row per arm and condition with a complete episode: pooled variances of pulls between its seats.

    x[i,j] = share of the rounds in which i made a valid pull for j, in [0, 1]. Only for graphs in which an edge joins
    every pair of at least 4 seats. Episodes of one seed are replicates of one block, whatever their focal model; `n`
    counts blocks.

    Each seat has exactly one pull per round, so the total that it gives is fixed. Only forfeits (and pulls kept for an
    outside payoff) vary it. So giver variance is nearly zero by construction, and no finding. Without forfeits, its
    estimate and the covariance follow exactly from the others; it is below 0 unless receivers differ far more than
    dyads:

        giver_receiver = (receiver - reciprocity) / (n - 1)
        giver          = (giver_receiver - dyad) / (n - 1)

    Pullers decide how much all of them give to the same receivers (receiver), and how much each prefers a receiver of
    its own (dyad). Uniformly random pulls are expected to give a dyad variance of 1 / (rounds x (n - 1)), a giver
    variance of -1 / (n - 1) of that, and 0 otherwise.
    """
    estimates = {key: one for group in dense_groups(episodes, edges, pulls) for key, one in _measured(group)}
    size = pl.struct("n_seats", "n_rounds")
    played = episodes.filter(pl.col("episode_id").is_in(list(estimates))).sort("arm", "condition", "seed", "episode_id")
    rows: list[tuple[object, ...]] = []
    for (arm, condition), part in played.group_by("arm", "condition", maintain_order=True):
        found = [(seed, estimates[key]) for key, seed in part.select("episode_id", "seed").iter_rows()]
        if part.select(size.n_unique()).item() > 1:
            found = [(seed, _undefined(SIZES)) for seed, _ in found]
        rows.append((arm, condition, *_row(found)))
    return RELATIONS.frame(rows)


def _measured(group: Dense) -> Iterator[tuple[str, Variances]]:
    unjoined = ~group.adjacent & ~np.eye(group.n_seats, dtype=bool)
    made = variances(given(group.targets) / group.n_rounds)
    for key, one, apart in zip(group.ids, made, unjoined, strict=True):
        yield key, _undefined(UNJOINED) if apart.any() else one


def _row(found: Sequence[tuple[int, Variances]]) -> tuple[object, ...]:
    blocks: dict[int, list[Variances]] = {}
    for seed, one in found:
        if one.reason is None:
            blocks.setdefault(seed, []).append(one)
    reasons = sorted({one.reason for _, one in found if one.reason})
    n_episodes = sum(map(len, blocks.values()))
    why = "; ".join(reasons) or None
    made = pooled([_settled(pooled(block).estimates) for block in blocks.values()])
    cells: list[object] = [made.n, n_episodes, len(found) - n_episodes, why]
    share = dict(zip(COMPONENTS, astuple(made.shares), strict=False))
    for name in COMPONENTS:
        interval = made.intervals[name]
        cells += [getattr(made.estimates, name), interval.low, interval.high]
        cells += [share[name]] if name in share else []
    return (*cells, _method(made.intervals) if made.n else why)


def _undefined(reason: str) -> Variances:
    return Variances(None, None, None, None, None, reason=reason)


def _settled(one: Variances) -> Variances:
    return Variances(*(round(float(getattr(one, name)), DECIMALS) + 0.0 for name in COMPONENTS))


def _method(intervals: Mapping[str, Interval]) -> str:
    """The method, if all components share it; else that of most bounds, and which components have none and why."""
    methods = {interval.method for interval in intervals.values()}
    if len(methods) == 1:
        return methods.pop()
    return "; ".join(["t", *(f"{name}: {i.method}" for name, i in intervals.items() if i.low is None)])


MEASURE = Measure(relations, RELATIONS, reads={**NEEDED, "episodes": (*NEEDED["episodes"], "arm", "condition", "seed")})
