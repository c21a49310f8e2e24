"""What must hold of every batch before anything is made of it, and of what is published."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice

import dagster as dg
import polars as pl

from di_assets.arms import Configs, plan
from di_assets.assets.events import arm_of
from di_assets.assets.home import Home
from di_assets.measures.labels import LEXICAL
from di_assets.play.launches import launches
from di_assets.play.verify import verify
from di_assets.tables import TABLES, Warehouse

REPLAYED_SAMPLE = 3
NIGHTLY_SLACK = timedelta(hours=26)
CLOSE = 1e-9
KEYS = TABLES["promises"].keys

# A check of a batch: the warehouse and the batch in, what is wrong out (None when nothing is).
BatchCheck = Callable[[Home, str], str | None]


def keys_unique(home: Home, batch: str) -> str | None:
    """Every table's keys occur once, in every table of the batch."""
    for table in TABLES.values():
        if table.partitioned:
            rows = home.warehouse.scan(table.name, batch).select(table.keys).collect()
            if rows.is_duplicated().any():
                return f"{table.name} has a key twice"
    return None


def planned_equals_played(home: Home, batch: str) -> str | None:
    """Every planned episode of the batch is complete."""
    arm = home.configs.arm(arm_of(batch))
    planned = {p.episode_id for p in plan(arm, launches=launches(home.warehouse, arm)) if p.batch == batch}
    episodes = home.warehouse.read("episodes", batch).filter(pl.col("status") == "complete")
    missing = planned - set(episodes["episode_id"])
    return f"{len(missing)} of {len(planned)} planned episodes are not complete" if missing else None


def points_equal_pulls(home: Home, batch: str) -> str | None:
    """Pulls given are points received, in every episode, and every seat pulled once a round."""
    given = _complete(home.warehouse, "pulls", batch)
    got = home.warehouse.read("seat_measures", batch).group_by("episode_id").agg(points=pl.sum("points"))
    sums = given.group_by("episode_id").agg(
        valid=(pl.col("status") == "valid").sum(), owned=pl.len(), rounds=pl.max("round")
    )
    seats = home.warehouse.read("episodes", batch).select("episode_id", "n_seats", "n_rounds")
    joined = sums.join(got, on="episode_id", how="left").join(seats, on="episode_id")
    wrong = joined.filter(
        (pl.col("valid") != pl.col("points").fill_null(-1))
        | (pl.col("owned") != pl.col("n_seats") * pl.col("n_rounds"))
    )
    return None if wrong.is_empty() else f"{wrong['episode_id'][0]}: pulls given are not points received"


def capture_antisymmetric(home: Home, batch: str) -> str | None:
    """Net capture of i over j is minus that of j over i, so that every episode sums to zero."""
    pairs = home.warehouse.read("pair_capture", batch).select("episode_id", "seat", "other", "net_capture")
    both = pairs.join(pairs, left_on=["episode_id", "seat", "other"], right_on=["episode_id", "other", "seat"])
    wrong = both.filter((pl.col("net_capture") + pl.col("net_capture_right")).abs() > CLOSE)
    return None if wrong.is_empty() and both.height == pairs.height else "net capture is not antisymmetric"


def kinds_sum_to_one(home: Home, batch: str) -> str | None:
    """The shares of the three kinds of pull sum to one."""
    frame = home.warehouse.read("episode_measures", batch).drop_nulls("payback_rate")
    total = frame["payback_rate"] + frame["solicited_not_payback_rate"] + frame["unprompted_rate"]
    return None if ((total - 1).abs() < CLOSE).all() else "kinds of pull do not sum to one"


def messages_labelled(home: Home, batch: str) -> str | None:
    """The lexical rule labels every message, and every label is of a message."""
    event = ["episode_id", "event_id"]
    messages = home.warehouse.scan("messages", batch).select(event).collect().sort(event)
    labels = home.warehouse.read("message_labels", batch)
    by_rule = labels.filter(pl.col("labeller") == LEXICAL).select(event).sort(event)
    if not by_rule.equals(messages):
        return f"{by_rule.height:,} lexical labels of {messages.height:,} messages"
    loose = labels.join(messages, on=event, how="anti")
    return None if loose.is_empty() else f"{loose['episode_id'][0]}: a label of no message"


def kept_promises_were_pulls(home: Home, batch: str) -> str | None:
    """Whoever kept a promise pulled its recipient in the promise's window, and nobody else did."""
    made = home.warehouse.read("promises", batch)
    pulls = _complete(home.warehouse, "pulls", batch).filter(pl.col("status") == "valid").rename({"round": "pulled_in"})
    paid = made.join(
        pulls.select("episode_id", "pulled_in", sender="puller", recipient="target"),
        on=["episode_id", "sender", "recipient"],
    ).filter(pl.col("pulled_in").is_between(pl.col("round"), pl.col("last")))
    wrong = made.with_columns(paid=pl.struct(KEYS).is_in(paid.select(pl.struct(KEYS)).to_series().implode())).filter(
        pl.col("paid") != (pl.col("outcome") == "kept")
    )
    return None if wrong.is_empty() else f"{wrong['episode_id'][0]}: outcome of a promise and pulls disagree"


def sample_replays(home: Home, batch: str) -> str | None:
    """A few episodes, replayed from their stored replies, give the stored events."""
    ids = home.warehouse.read("episodes", batch).filter(pl.col("status") == "complete")["episode_id"].sort()
    step = max(1, len(ids) // REPLAYED_SAMPLE)
    sample = list(islice(ids.gather_every(step), REPLAYED_SAMPLE))
    broken = [v for v in verify(home.configs, home.warehouse, episodes=sample) if v.status == "broken"]
    return f"{broken[0].episode_id}: {broken[0].problem}" if broken else None


def control_mirrors_arm(home: Home, batch: str) -> str | None:
    """Every episode of a control has the seats, letters and seed of its pair, as far as that is played."""
    mirrored = home.configs.arm(arm_of(batch)).mirrors
    if mirrored is None:
        return None
    keys, facts = ["focal_model", "replicate"], ["seed", "focal_seat", "n_seats", "n_rounds", "topology", "payoff"]
    off = home.warehouse.read("episodes", batch).select(*keys, *facts)
    on = home.warehouse.read("episodes").filter(pl.col("arm") == mirrored).select(*keys, *facts)
    pairs = off.join(on, on=keys)
    differs = pairs.filter(pl.any_horizontal(pl.col(f).ne_missing(pl.col(f"{f}_right")) for f in facts))
    return None if differs.is_empty() else f"replicate {differs['replicate'][0]} differs from {mirrored}'s"


def batch_checks(definition: dg.StaticPartitionsDefinition) -> list[dg.AssetChecksDefinition]:
    """Multi-checks of a batch: of events and labels (which block the measures), of promises, and of measures."""
    return [
        _multi_check("event_checks", EVENT_CHECKS, definition),
        _multi_check("label_checks", LABEL_CHECKS, definition),
        _multi_check("promise_checks", PROMISE_CHECKS, definition),
        _multi_check("measure_checks", MEASURE_CHECKS, definition),
    ]


def _multi_check(
    name: str, checks: tuple[tuple[BatchCheck, str], ...], definition: dg.StaticPartitionsDefinition
) -> dg.AssetChecksDefinition:
    specs = [
        dg.AssetCheckSpec(
            check.__name__,
            asset=asset,
            description=check.__doc__,
            blocking=check is not planned_equals_played,
            partitions_def=definition,
        )
        for check, asset in checks
    ]

    @dg.multi_asset_check(name=name, specs=specs)
    def run(context: dg.AssetCheckExecutionContext, home: dg.ResourceParam[Home]) -> Iterator[dg.AssetCheckResult]:
        for check, asset in checks:
            problems = [p for batch in context.partition_keys if (p := check(home, batch)) is not None]
            yield dg.AssetCheckResult(
                check_name=check.__name__,
                asset_key=asset,
                passed=not problems,
                severity=dg.AssetCheckSeverity.WARN if check is planned_equals_played else dg.AssetCheckSeverity.ERROR,
                description=problems[0] if problems else None,
                metadata={"problems": len(problems)},
            )

    return run


def freshness_checks(configs: Configs) -> list[dg.AssetChecksDefinition]:
    """What is published is not older than what it was made from; nightly arms were materialised since yesterday."""
    published = [_fresh_table(name) for name in PUBLISHED]
    return [*published, *(_fresh_arm(name) for name, arm in configs.arms.items() if arm.nightly)]


def _fresh_table(name: str) -> dg.AssetChecksDefinition:
    @dg.asset_check(asset=name, name=f"{name}_is_fresh", description="Not older than the newest measured batch.")
    def fresh(home: dg.ResourceParam[Home]) -> dg.AssetCheckResult:
        made = [p.stat().st_mtime for p in PUBLISHED[name](home.warehouse)]
        above = [p.stat().st_mtime for p in home.warehouse.paths("episode_measures")]
        late = bool(above) and (not made or min(made) < max(above))
        return dg.AssetCheckResult(passed=not late, description="older than the newest batch" if late else None)

    return fresh


def _fresh_arm(name: str) -> dg.AssetChecksDefinition:
    @dg.asset_check(
        asset="episodes", name=f"{name}_is_fresh", description=f"{name} was materialised within {NIGHTLY_SLACK}."
    )
    def fresh(context: dg.AssetCheckExecutionContext, home: dg.ResourceParam[Home]) -> dg.AssetCheckResult:
        records = context.instance.fetch_materializations(dg.AssetKey("episodes"), limit=1_000).records
        times = [r.timestamp for r in records if r.partition_key and arm_of(r.partition_key) == name]
        done = not any(planned_equals_played(home, b) for b in {r.partition_key for r in records if r.partition_key})
        newest = datetime.fromtimestamp(max(times), tz=UTC) if times else None
        late = not done and (newest is None or datetime.now(tz=UTC) - newest > NIGHTLY_SLACK)
        return dg.AssetCheckResult(
            passed=not late,
            severity=dg.AssetCheckSeverity.WARN,
            description=f"last materialised {newest or 'never'}" if late else None,
        )

    return fresh


def _complete(warehouse: Warehouse, table: str, batch: str) -> pl.DataFrame:
    complete = warehouse.read("episodes", batch).filter(pl.col("status") == "complete")["episode_id"]
    return warehouse.read(table, batch).filter(pl.col("episode_id").is_in(complete.implode()))


PUBLISHED: dict[str, Callable[[Warehouse], list]] = {  # type: ignore[type-arg]
    "model_points": lambda w: w.paths("model_points"),
    "lift": lambda w: w.paths("lift"),
    "reciprocity_baseline": lambda w: w.paths("reciprocity_baseline"),
    "promise_ledger": lambda w: w.paths("promise_ledger"),
    "summary": lambda w: list(w.report.glob("summary.json")),
}
EVENT_CHECKS: tuple[tuple[BatchCheck, str], ...] = (
    (keys_unique, "episodes"),
    (planned_equals_played, "episodes"),
    (control_mirrors_arm, "episodes"),
    (sample_replays, "calls"),
)
# Each apart, so that labels can be brought up to date without the measures that do not hang on them.
LABEL_CHECKS: tuple[tuple[BatchCheck, str], ...] = ((messages_labelled, "message_labels"),)
PROMISE_CHECKS: tuple[tuple[BatchCheck, str], ...] = ((kept_promises_were_pulls, "promises"),)
MEASURE_CHECKS: tuple[tuple[BatchCheck, str], ...] = (
    (points_equal_pulls, "episode_measures"),
    (capture_antisymmetric, "episode_measures"),
    (kinds_sum_to_one, "episode_measures"),
)
