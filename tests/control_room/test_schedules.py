"""Schedules of nightly arms: what a tick requests, why it skips, and a month of nights, each really played."""

import asyncio
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import dagster as dg
import polars as pl
import pytest

from di_assets.arms import Nightly, load_configs
from di_assets.assets.definitions import PLAY, build
from di_assets.assets.home import Home
from di_assets.assets.outcome import Outcome
from di_assets.assets.playing import playing
from di_assets.control_room.code_location import location
from di_assets.control_room.instance import instance_of
from di_assets.control_room.runs import QUIET
from di_assets.control_room.schedules import description
from di_assets.play.nights import coming_nights
from di_assets.play.spent import spent_so_far
from di_assets.tables import EVENT_TABLES, Warehouse
from tests.conftest import ROOT
from tests.providers.server import answer, good, serving

FIRST = datetime(2026, 3, 15, 1, tzinfo=UTC)
EVENTS = [dg.AssetKey(table.name) for table in EVENT_TABLES]
SCRIPTED = """title: Scripted
id: free--{focal}_r{replicate}
focal: [promiser, con_artist]
background: [gullible, tit_for_tat, bandwagon, loyal]
episodes: 20
rounds: 3
batch_size: 16
nightly: {cron: "0 3 * * *", timezone: Europe/Berlin, episodes: 3}
"""
PAID = """title: Paid
id: paid--{focal}_r{replicate}
focal: [m]
background: [random, random, random, random]
episodes: 20
rounds: 2
channel: none
batch_size: 8
in_flight: 1
budget_usd: 0.21
nightly: {cron: "0 1 * * *", episodes: 3, budget_usd: 0.04}
"""


def write(folder, url):
    (folder / "prompts").symlink_to(ROOT / "configs" / "prompts")
    (folder / "models.yaml").write_text(
        f"models:\n  m: {{provider: openai, id: x, base_url: '{url}/v1', key: none, price: {{input: 10, output: 10}}, max_tokens: 50}}\n"
    )
    (folder / "free.yaml").write_text(SCRIPTED)
    (folder / "paid.yaml").write_text(PAID)
    return load_configs(folder)


class Nights:
    """Ticks of a home's schedules, by a clock of its own, against an instance."""

    def __init__(self, home, instance):
        self.home, self.instance, self.outcome, self.definitions = home, instance, Outcome(), location(home)
        self.job = build(home, outcome=self.outcome, pool=None).resolve_job_def(PLAY)

    def tick(self, arm, at):
        """What the schedule says at this moment: a run request, or the reason why there is none."""
        schedule = next(one for one in self.definitions.schedules if one.name == f"nightly_{arm}")
        context = dg.build_schedule_context(
            scheduled_execution_time=at, repository_def=self.definitions.get_repository_def()
        )
        # Dagster hands over only an instance on disk, on which a run takes five times as long.
        context._instance, context._instance_ref = self.instance, True
        told = schedule.evaluate_tick(context)
        return told.run_requests[0] if told.run_requests else told.skip_message

    def run(self, request):
        """Plays what a tick requested; the measures, which cost most of the time, are left out."""
        return self.job.execute_in_process(
            asset_selection=EVENTS,
            partition_key=request.partition_key,
            tags=request.tags,
            run_config={**request.run_config, **QUIET},
            instance=self.instance,
        )


@pytest.fixture
def home(tmp_path):
    folder = tmp_path / "configs"
    folder.mkdir()
    return Home(warehouse=Warehouse(tmp_path / "warehouse"), configs=write(folder, "http://127.0.0.1:1"))


@pytest.fixture
def nights(home):
    with dg.DagsterInstance.ephemeral() as instance:
        yield Nights(home, instance)


def test_a_tick_requests_the_batch_its_limits_and_tags_and_another_tick_another_run(nights):
    request = nights.tick("paid", FIRST)
    assert request.partition_key == "paid--b00"
    assert request.run_config["ops"]["play"]["config"] == {"limit": 3, "budget_usd": 0.04}
    tags = {name: request.tags[name] for name in ("arm", "batch", "night")}
    assert tags == {"arm": "paid", "batch": "paid--b00", "night": "2026-03-15"}
    later = nights.tick("paid", FIRST + timedelta(days=1))
    assert request.run_key != later.run_key
    assert nights.tick("paid", FIRST).run_key == request.run_key


def test_a_night_is_named_by_the_date_where_the_arm_is(nights):
    assert nights.tick("free", datetime(2026, 3, 14, 23, 30, tzinfo=UTC)).tags["night"] == "2026-03-15"


def test_a_schedule_says_what_it_plays_and_may_spend(nights):
    said = {one.name: one.description for one in nights.definitions.schedules}
    assert said["nightly_paid"] == (
        "Paid: plays at most 3 episodes of its next unfinished batch, for at most $0.04 a night and $0.21 in all. "
        "What is coming: di schedule"
    )
    assert said["nightly_free"].startswith("Scripted: plays at most 3 episodes of its next unfinished batch. What")


def test_a_schedule_without_a_limit_says_that_it_plays_all_that_is_left(nights):
    arm = nights.home.configs.arm("free")
    whole = arm.model_copy(update={"nightly": arm.nightly.model_copy(update={"episodes": None})})
    assert description(whole).startswith("Scripted: plays all that is left of its next unfinished batch. What")


@pytest.mark.parametrize(
    "tags",
    [
        {"dagster/partition": "paid--b01"},
        {"arm": "free, paid"},
        {"dagster/asset_partition_range_start": "paid--b00", "dagster/asset_partition_range_end": "paid--b02"},
    ],
)
def test_a_night_is_skipped_while_a_run_of_its_arm_is_going(nights, tags):
    run = nights.instance.create_run_for_job(nights.job, tags=tags, status=dg.DagsterRunStatus.STARTED)
    assert nights.tick("paid", FIRST) == f"run {run.run_id[:8]} of paid is still going; end it if it is dead"
    nights.instance.report_run_failed(run)
    assert nights.tick("paid", FIRST).partition_key == "paid--b00"


def test_a_run_of_another_arm_keeps_no_night(nights):
    nights.instance.create_run_for_job(
        nights.job, tags={"dagster/partition": "free--b00"}, status=dg.DagsterRunStatus.STARTED
    )
    assert nights.tick("paid", FIRST).partition_key == "paid--b00"


@pytest.mark.parametrize("alive", [True, False])
def test_a_run_that_was_killed_while_it_played_keeps_no_night(nights, home, alive):
    tags = {"arm": "paid", "dagster/partition": "paid--b00"}
    run = nights.instance.create_run_for_job(nights.job, tags=tags, status=dg.DagsterRunStatus.STARTED)
    with playing(home.playing, run.run_id, in_turn=True) if alive else nullcontext():
        (home.playing / run.run_id).touch() if alive else left_behind(home, run)
        assert isinstance(nights.tick("paid", FIRST), str) == alive


def left_behind(home, run):
    """The file of a run whose process is gone: nobody holds its lock."""
    home.playing.mkdir(parents=True)
    (home.playing / run.run_id).touch()


def test_a_finished_arm_rests_and_says_so(nights, home):
    arms = {**home.configs.arms}
    arms["free"] = arms["free"].model_copy(update={"nightly": Nightly(cron="0 1 * * *"), "batch_size": 100})
    whole = Nights(replace(home, configs=replace(home.configs, arms=arms)), nights.instance)
    assert whole.run(whole.tick("free", FIRST)).success
    assert whole.tick("free", FIRST + timedelta(days=1)) == "every planned episode of free is complete"


def month(home):
    """Thirty nights of both arms: of each night and arm what was asked for, or why nothing; episodes; dollars."""
    played = []
    with dg.DagsterInstance.ephemeral() as instance:
        nights = Nights(home, instance)
        for day in range(30):
            for arm in ("free", "paid"):
                at = FIRST + timedelta(days=day)
                before = spent_so_far(home.warehouse, home.configs.arm(arm))
                asked = nights.tick(arm, at)
                done = 0
                if not isinstance(asked, str):
                    assert nights.run(asked).success
                    result = nights.outcome.results[-1]
                    assert result.batch == asked.partition_key == asked.tags["batch"]
                    done = result.played
                spent = spent_so_far(home.warehouse, home.configs.arm(arm)) - before
                played.append((arm, at, asked if isinstance(asked, str) else asked.partition_key, done, spent))
    return played


@pytest.mark.slow
async def test_a_month_of_nights_plays_each_episode_once_within_every_limit_as_the_preview_said(tmp_path):
    """Forty scripted episodes, three a night; and twenty paid ones of two calls, each 0.603 cents."""
    usage = {"prompt_tokens": 600, "completion_tokens": 3}
    async with serving(answer(body=good("openai", '{"pull": "Player A"} {"pull": "B"}', usage=usage))) as (
        url,
        received,
    ):
        (tmp_path / "configs").mkdir()
        home = Home(warehouse=Warehouse(tmp_path / "w"), configs=write(tmp_path / "configs", url))
        evening = FIRST - timedelta(hours=2)
        coming = await asyncio.to_thread(coming_nights, home.configs, home.warehouse, now=evening, days=31)
        seen = {one.arm: one for one in coming}
        played = await asyncio.to_thread(month, home)

    # Scripted: night by night what the preview said, then rest; clocks that changed meanwhile cost no night.
    free = [(batch, done) for arm, _, batch, done, _ in played if arm == "free"]
    said = [(night.batch, night.episodes) for night in seen["free"].nights]
    assert free[: len(said)] == said
    assert set(free[len(said) :]) == {(seen["free"].then, 0)}
    assert [done for _, done in said] == [3, 3, 3, 3, 3, 1, 3, 3, 3, 3, 3, 1, 3, 3, 2]
    assert [night.at.utcoffset() for night in seen["free"].nights][13:] == [timedelta(hours=1), timedelta(hours=2)]

    # Paid: no night above its episodes or its money, the arm not above its budget, and rest once that is spent.
    paid = [(batch, done, spent) for arm, _, batch, done, spent in played if arm == "paid"]
    nights = [(batch, done, spent) for batch, done, spent in paid if batch.startswith("paid--")]
    assert all(done <= 3 and 0 <= spent <= 0.04 for _, done, spent in nights)
    total = sum(spent for *_, spent in paid)
    assert total == pytest.approx(0.00603 * len(received))
    assert total <= 0.21
    assert {batch for batch, *_ in paid[len(nights) :]} == {paid[-1][0]}
    assert paid[-1][0].startswith(f"the budget of paid is spent (${total:.2f} of $0.21)")
    assert sorted(batch for batch, *_ in nights) == [batch for batch, *_ in nights]

    stored = home.warehouse.read("episodes")
    complete = stored.filter(status="complete")
    assert complete.height == sum(done for *_, done, _ in played)
    assert stored["episode_id"].is_unique().all()
    assert complete.filter(arm="free").height == 40
    # A night that its money ended left an episode half-way, and another went on with it: no call was made twice.
    asked = home.warehouse.read("calls").filter(pl.col("model") == "m")
    assert len(received) == asked.height
    assert any(not done or spent < done * 2 * 0.00603 - 1e-9 for _, done, spent in nights)


def test_every_nightly_arm_has_a_schedule(configs, tmp_path):
    home = Home(warehouse=Warehouse(tmp_path), configs=configs)
    definitions = location(home)
    schedules = {s.name: s for s in definitions.schedules}
    assert set(schedules) == {"nightly_04_attack_complete", "nightly_05_attack_nomsg", "prune_history"}
    schedule = schedules["nightly_04_attack_complete"]
    assert (schedule.cron_schedule, schedule.job_name) == ("0 1 * * *", PLAY)
    at, repository = datetime(2026, 1, 1, tzinfo=UTC), definitions.get_repository_def()
    with (
        instance_of(home) as instance,
        dg.build_schedule_context(instance=instance, scheduled_execution_time=at, repository_def=repository) as context,
    ):
        (request,) = schedule.evaluate_tick(context).run_requests
    assert request.partition_key == "04_attack_complete--b00"
    assert request.run_config["ops"]["play"]["config"] == {"limit": 25, "budget_usd": 50.0}
