"""What must be true of every batch before anything is made of it. Each check names the rows that break it."""

from collections.abc import Callable, Iterable
from itertools import islice

import polars as pl

from di_assets.arms import arm_of, planned_ids
from di_assets.assets.home import Home
from di_assets.assets.problems import Problem, problem
from di_assets.measures.declared import by_batch
from di_assets.measures.promises import KEPT
from di_assets.play.launches import launches
from di_assets.play.verify import verify
from di_assets.tables import EVENT_TABLES, TABLES, Warehouse
from di_assets.tables.words import COMPLETE, LEXICAL, LIVE, VALID

REPLAYED_SAMPLE = 3
CLOSE = 1e-9
KEYS = TABLES["promises"].keys
# The check of all measures' keys is shown at this measure; the measures after it have a check of their own.
MEASURED, CHECKED_APART = "episode_measures", ("message_labels", "promises")

# Columns in which an episode of a control may differ from its pair. All others, also new ones, must be equal.
OWN_TO_EPISODES = {"episode_id", "arm", "batch", "launch", "condition", "channel", "status", "failure", "started_at"}
OWN_TO_EPISODES |= {"finished_at", "rules_version", "reader_version", "prompt_hash", "config_hash", "journal_sha256"}
OWN_TO_EPISODES |= {"n_calls", "n_forfeits", "input_tokens", "output_tokens", "cost_usd"}

# A check of a batch: takes the installation and the batch, and returns what is wrong (None if nothing is).
BatchCheck = Callable[[Home, str], Problem | None]


def measured_together() -> tuple[str, ...]:
    """The tables of a batch's measures, without those that have a check of their own."""
    return tuple(measure.name for measure in by_batch() if measure.name not in CHECKED_APART)


def keys_unique(home: Home, batch: str) -> Problem | None:
    """In every event table, each key occurs once."""
    return _repeated(home, batch, [table.name for table in EVENT_TABLES])


def measured_keys_unique(home: Home, batch: str) -> Problem | None:
    """In every measure, each key occurs once. Labels and promises are checked separately."""
    return _repeated(home, batch, measured_together())


def planned_equals_played(home: Home, batch: str) -> Problem | None:
    """Every planned episode of the batch is complete."""
    arm = home.configs.arm(arm_of(batch))
    planned = set(planned_ids(arm, launches=launches(home.warehouse, arm), batch=batch))
    episodes = home.warehouse.read("episodes", batch).filter(pl.col("status") == COMPLETE)
    missing = pl.DataFrame(
        {"episode_id": sorted(planned - set(episodes["episode_id"]))}, schema={"episode_id": pl.String}
    )
    return problem(f"{missing.height} of {len(planned)} planned episodes are not complete", "episodes", missing)


def points_equal_pulls(home: Home, batch: str) -> Problem | None:
    """In every episode, the pulls given equal the points received, and every seat pulled once per round."""
    complete = home.warehouse.read("episodes", batch).filter(pl.col("status") == COMPLETE)
    got = home.warehouse.read("seat_measures", batch).group_by("episode_id").agg(points=pl.sum("points"))
    sums = (
        home.warehouse.read("pulls", batch)
        .group_by("episode_id")
        .agg(valid=(pl.col("status") == VALID).sum(), owned=pl.len())
    )
    joined = complete.join(sums, on="episode_id", how="left").join(got, on="episode_id", how="left")
    wrong = joined.filter(
        pl.col("valid").ne_missing(pl.col("points"))
        | pl.col("owned").ne_missing(pl.col("n_seats") * pl.col("n_rounds"))
    )
    return problem("pulls given are not points received", "seat_measures", wrong, "episode_id")


def capture_antisymmetric(home: Home, batch: str) -> Problem | None:
    """Net capture of i over j is minus that of j over i, so every episode sums to zero."""
    pairs = home.warehouse.read("pair_capture", batch).select("episode_id", "seat", "other", "net_capture")
    mirrored = pairs.select("episode_id", seat="other", other="seat", back="net_capture")
    both = pairs.join(mirrored, on=["episode_id", "seat", "other"], how="left")
    holds = (pl.col("net_capture") + pl.col("back")).abs() <= CLOSE
    wrong = both.filter(~holds.fill_null(value=False))
    return problem("net capture is not antisymmetric", "pair_capture", wrong, "episode_id", "seat", "other")


def kinds_sum_to_one(home: Home, batch: str) -> Problem | None:
    """The shares of the three kinds of pull sum to one."""
    frame = home.warehouse.read("episode_measures", batch).drop_nulls("payback_rate")
    total = pl.col("payback_rate") + pl.col("solicited_not_payback_rate") + pl.col("unprompted_rate")
    wrong = frame.filter(~((total - 1).abs() < CLOSE).fill_null(value=False))
    return problem("kinds of pull do not sum to one", "episode_measures", wrong, "episode_id")


def messages_labelled(home: Home, batch: str) -> Problem | None:
    """The lexical rule labels every message once, and every label belongs to a message."""
    event = ["episode_id", "event_id"]
    messages = home.warehouse.scan("messages", batch).select(event).collect()
    labels = home.warehouse.read("message_labels", batch)
    by_rule = labels.filter(pl.col("labeller") == LEXICAL).select(event)
    unlabelled = messages.join(by_rule, on=event, how="anti")
    loose = labels.join(messages, on=event, how="anti")
    return (
        problem(f"{unlabelled.height:,} of {messages.height:,} messages have no label", "messages", unlabelled, *event)
        or problem("a label of no message", "message_labels", loose, *event, "labeller")
        or _repeated(home, batch, ["message_labels"])
    )


def kept_promises_were_pulls(home: Home, batch: str) -> Problem | None:
    """A promise counts as kept if and only if its maker pulled the recipient within the promise's window."""
    made = home.warehouse.read("promises", batch)
    pulls = _complete(home.warehouse, "pulls", batch).filter(pl.col("status") == VALID).rename({"round": "pulled_in"})
    paid = made.join(
        pulls.select("episode_id", "pulled_in", sender="puller", recipient="target"),
        on=["episode_id", "sender", "recipient"],
    ).filter(pl.col("pulled_in").is_between(pl.col("round"), pl.col("last")))
    wrong = made.with_columns(paid=pl.struct(KEYS).is_in(paid.select(pl.struct(KEYS)).to_series().implode())).filter(
        pl.col("paid") != (pl.col("outcome") == KEPT)
    )
    disagree = problem("outcome of a promise and pulls disagree", "promises", wrong, *KEYS)
    return disagree or _repeated(home, batch, ["promises"])


def sample_replays(home: Home, batch: str) -> Problem | None:
    """For a few episodes, replaying the stored replies gives the stored events."""
    ids = home.warehouse.read("episodes", batch).filter(pl.col("status") == COMPLETE)["episode_id"].sort()
    step = max(1, len(ids) // REPLAYED_SAMPLE)
    sample = list(islice(ids.gather_every(step), REPLAYED_SAMPLE))
    broken = [v for v in verify(home.configs, home.warehouse, episodes=sample, batch=batch) if v.status == "broken"]
    rows = pl.DataFrame({"episode_id": [v.episode_id for v in broken]}, schema={"episode_id": pl.String})
    return problem(f"{broken[0].problem}" if broken else "", "episodes", rows)


def control_mirrors_arm(home: Home, batch: str) -> Problem | None:
    """Every episode of a control equals the game of its pair except for the channel, as far as both are played."""
    mirrored = home.configs.arm(arm_of(batch)).mirrors
    if mirrored is None:
        return None
    keys = ["focal_model", "replicate"]
    facts = [name for name in TABLES["episodes"].schema if name not in {*keys, *OWN_TO_EPISODES}]
    live = pl.col("engine").fill_null(LIVE)  # older files do not have it, and were played live
    off = home.warehouse.read("episodes", batch).with_columns(live).select("episode_id", *keys, *facts)
    on = home.warehouse.read("episodes").filter(pl.col("arm") == mirrored).with_columns(live).select(*keys, *facts)
    differs = off.join(on, on=keys).filter(pl.any_horizontal(pl.col(f).ne_missing(pl.col(f"{f}_right")) for f in facts))
    return problem(f"not the game of its pair in {mirrored}", "episodes", differs, "episode_id", "replicate")


def _repeated(home: Home, batch: str, tables: Iterable[str]) -> Problem | None:
    for name in tables:
        rows = home.warehouse.scan(name, batch).select(TABLES[name].keys).collect()
        found = problem("a key occurs twice", name, rows.filter(rows.is_duplicated()))
        if found:
            return found
    return None


def _complete(warehouse: Warehouse, table: str, batch: str) -> pl.DataFrame:
    complete = warehouse.read("episodes", batch).filter(pl.col("status") == COMPLETE)["episode_id"]
    return warehouse.read(table, batch).filter(pl.col("episode_id").is_in(complete.implode()))


# Each check, and the asset that it blocks from being read further. They run before the batch is measured.
EVENT_CHECKS: tuple[tuple[BatchCheck, str], ...] = (
    (keys_unique, "episodes"),
    (planned_equals_played, "episodes"),
    (control_mirrors_arm, "episodes"),
    (sample_replays, "episodes"),
)
# Separate, so that labels can be updated without the measures that do not depend on them.
LABEL_CHECKS: tuple[tuple[BatchCheck, str], ...] = ((messages_labelled, "message_labels"),)
PROMISE_CHECKS: tuple[tuple[BatchCheck, str], ...] = ((kept_promises_were_pulls, "promises"),)
MEASURE_CHECKS: tuple[tuple[BatchCheck, str], ...] = (
    (measured_keys_unique, MEASURED),
    (points_equal_pulls, "seat_measures"),
    (capture_antisymmetric, "pair_capture"),
    (kinds_sum_to_one, "episode_measures"),
)
