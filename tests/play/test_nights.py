"""Nights: which batch is played, how many of its episodes, why none, and what the coming ones are expected to bring."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise, takewhile

import polars as pl
import pytest
from dagster._utils.schedules import schedule_execution_time_iterator
from hypothesis import given
from hypothesis import strategies as st

from di_assets.arms import Nightly
from di_assets.calls.budget import exceeded, of_arm
from di_assets.play.batch import play_batch
from di_assets.play.launches import add_launch
from di_assets.play.nights import Night, Rest, Standing, Tonight, coming_nights, preview, standing, starts, tonight
from di_assets.tables import Warehouse

NOON = datetime(2026, 3, 20, 12, tzinfo=UTC)
CRONS = (
    "0 1 * * *", "30 1 * * *", "0 2 * * *", "30 2 * * *", "0 3 * * *", "15 3 * * 1-5", "0 2 * * SUN", "30 2 1 * *", "30 2 29 3 *",
    "0 2 1 */3 *", "*/30 2 * * *", "0,30 1 * * *", "0 22 * * *", "0 0 * * *", "0 * * * *", "*/15 * * * *", "0 */2 * * *",
    "0 */6 * * *", "30 1,2,3 * * *", "30 1-4 * * *", "*/5 1-3 * * *", "0 3-23/5 * * *", "0 2 13 * 5", "0 2 */2 * *", "0 1,13 * * *",
)  # fmt: skip


@pytest.fixture
def warehouse(tmp_path):
    return Warehouse(tmp_path / "warehouse")


@pytest.fixture
def talk(small_configs):
    """Twelve episodes in three batches of five, five and two; three a night."""
    arm = small_configs.arm("talk")
    return arm.model_copy(update={"batch_size": 5, "nightly": Nightly(cron="0 1 * * *", episodes=3)})


def stands(*left, planned=12, charged=True, spent=False, spent_usd=0.0, ahead_usd=0.0):
    batches = tuple((f"talk--b{number:02d}", count) for number, count in left)
    return Standing(planned, batches, charged, spent, spent_usd, ahead_usd)


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Australia/Sydney"])
@pytest.mark.parametrize("cron", CRONS)
def test_nights_begin_when_dagster_begins_them_in_spring_and_autumn(cron, zone):
    for start in (datetime(2026, 3, 1, 0, 0, 1, tzinfo=UTC), datetime(2026, 9, 28, 0, 0, 1, tzinfo=UTC)):
        end = (start + timedelta(days=38)).timestamp()
        theirs = schedule_execution_time_iterator(start.timestamp(), cron, zone)
        told = [at.timestamp() for at in takewhile(lambda at: at.timestamp() <= end, theirs)]  # noqa: B023
        ours = takewhile(lambda at: at.timestamp() <= end, starts(Nightly(cron=cron, timezone=zone), after=start))  # noqa: B023
        assert [at.timestamp() for at in ours] == told


@pytest.mark.parametrize(
    ("zone", "after", "told"),
    [
        ("Europe/Berlin", datetime(2026, 3, 28, 12, tzinfo=UTC), "2026-03-29T03:00:00+02:00"),
        ("Europe/Berlin", datetime(2026, 10, 24, 12, tzinfo=UTC), "2026-10-25T02:30:00+01:00"),
        ("America/New_York", datetime(2026, 3, 7, 12, tzinfo=UTC), "2026-03-08T03:00:00-04:00"),
    ],
)
def test_a_time_that_is_skipped_is_the_end_of_its_hour_and_one_that_comes_twice_the_second(zone, after, told):
    assert next(starts(Nightly(cron="30 2 * * *", timezone=zone), after=after)).isoformat() == told


def test_the_night_that_begins_now_is_not_to_come():
    at = datetime(2026, 1, 1, 1, tzinfo=UTC)
    assert next(starts(Nightly(cron="0 1 * * *"), after=at)) == at + timedelta(days=1)


def test_an_untouched_arm_begins_with_its_first_batch(small_configs, talk, warehouse):
    now = standing(small_configs, talk, warehouse, spent_usd=0.0)
    assert now.left == (("talk--b00", 5), ("talk--b01", 5), ("talk--b02", 2))
    assert tonight(talk, now) == Tonight("talk--b00", 3)


def test_a_batch_left_half_way_is_continued_before_one_that_comes_earlier(small_configs, talk, warehouse):
    play_batch(small_configs, talk, "talk--b01", warehouse, limit=2)
    now = standing(small_configs, talk, warehouse, spent_usd=0.0)
    assert now.left == (("talk--b01", 3), ("talk--b00", 5), ("talk--b02", 2))


def test_a_batch_that_was_killed_before_its_first_episode_ended_was_begun_too(small_configs, talk, warehouse):
    journal = warehouse.journal / "talk--b02" / "talk--promiser_r5.jsonl"
    journal.parent.mkdir(parents=True)
    journal.write_text("")
    assert standing(small_configs, talk, warehouse, spent_usd=0.0).left[0] == ("talk--b02", 2)


def ended(warehouse, batch, *, complete=0, **values):
    """What the stored episodes of a batch came to, but for the first few, which stay complete."""
    frame = warehouse.read("episodes", batch)
    rest = pl.int_range(pl.len()) >= complete
    changed = [pl.when(rest).then(pl.lit(value)).otherwise(pl.col(name)).alias(name) for name, value in values.items()]
    warehouse.write("episodes", frame.with_columns(changed), batch)


def test_a_batch_of_which_only_failed_episodes_are_left_is_played_last(small_configs, talk, warehouse):
    play_batch(small_configs, talk, "talk--b00", warehouse)
    ended(warehouse, "talk--b00", complete=4, status="failed", failure="timeout")
    now = standing(small_configs, talk, warehouse, spent_usd=0.0)
    assert now.left == (("talk--b01", 5), ("talk--b02", 2), ("talk--b00", 1))


def test_a_night_goes_on_with_no_second_batch(talk):
    assert tonight(talk, stands((2, 2), (0, 5))) == Tonight("talk--b02", 2)


def test_a_night_without_a_number_of_episodes_plays_the_whole_batch(talk):
    whole = talk.model_copy(update={"nightly": Nightly(cron="0 1 * * *")})
    assert tonight(whole, stands((1, 5))) == Tonight("talk--b01", 5)


def test_where_nothing_is_played_the_reason_is_said(talk):
    rich = talk.model_copy(update={"budget_usd": 2.0})
    assert tonight(talk, stands()) == Rest("every planned episode of talk is complete")
    assert tonight(talk, stands(planned=0)).reason.startswith("talk was never launched")
    told = "the budget of talk is spent ($1.97 of $2.00); 7 of its episodes are left to play"
    assert tonight(rich, stands((0, 2), (1, 5), spent=True, spent_usd=1.97)) == Rest(told)
    assert tonight(rich, stands((0, 2), charged=False, spent=True)) == Tonight("talk--b00", 2)
    with pytest.raises(ValueError, match="not nightly"):
        tonight(talk.model_copy(update={"nightly": None}), stands((0, 2)))


def test_an_arm_that_may_be_launched_again_waits_for_its_launch(small_configs, warehouse):
    loop = small_configs.arm("loop").model_copy(update={"nightly": Nightly(cron="0 1 * * *")})
    assert isinstance(tonight(loop, standing(small_configs, loop, warehouse, spent_usd=0.0)), Rest)
    add_launch(warehouse, loop, "2026-06-27T14-43-44-00-00")
    assert tonight(loop, standing(small_configs, loop, warehouse, spent_usd=0.0)) == Tonight("loop--b00", 2)


def test_a_budget_that_ended_play_is_spent_until_it_is_raised(small_configs, talk, warehouse):
    play_batch(small_configs, talk, "talk--b00", warehouse)
    why = exceeded(of_arm("talk"), 2.0) + " ($1.97 spent)"
    ended(warehouse, "talk--b00", complete=3, status="stopped", failure=why, cost_usd=0.25)
    for budget, spent in ((2.0, True), (3.0, False), (1.9, True)):
        arm = talk.model_copy(update={"budget_usd": budget})
        now = standing(small_configs, arm, warehouse, spent_usd=1.97)
        assert (now.spent, now.left[0]) == (spent, ("talk--b00", 2))
    assert standing(small_configs, talk, warehouse, spent_usd=0.5).ahead_usd == 0.5


def nights(*days):
    return [NOON + timedelta(days=day) for day in days]


def test_the_preview_is_what_the_nights_choose_one_after_another(talk):
    seen = preview(talk, stands((1, 4), (0, 5), charged=False), nights(1, 2, 3, 4, 5, 6), episode_usd=0.0)
    assert [(night.at, night.batch, night.episodes, night.left) for night in seen.nights] == [
        (NOON + timedelta(days=1), "talk--b01", 3, 6),
        (NOON + timedelta(days=2), "talk--b01", 1, 5),
        (NOON + timedelta(days=3), "talk--b00", 3, 2),
        (NOON + timedelta(days=4), "talk--b00", 2, 0),
    ]
    assert seen.then == "every planned episode of talk is complete"
    assert preview(talk, stands((1, 4)), nights(1), episode_usd=0.0).then is None


def test_nights_that_are_short_of_money_complete_an_episode_together(talk):
    short = talk.model_copy(
        update={"nightly": Nightly(cron="0 1 * * *", episodes=3, budget_usd=1.5), "budget_usd": 4.0}
    )
    seen = preview(short, stands((0, 5)), nights(1, 2, 3, 4), episode_usd=1.0)
    why = "the night's budget of $1.50"
    assert seen.nights == (
        Night(NOON + timedelta(days=1), "talk--b00", 1, 1.5, why, 4),
        Night(NOON + timedelta(days=2), "talk--b00", 2, 1.5, why, 2),
        Night(NOON + timedelta(days=3), "talk--b00", 1, 1.0, "the arm's budget of $4.00", 1),
    )
    assert seen.then == "the budget of talk is spent ($4.00 of $4.00); 1 of its episodes are left to play"


def test_what_is_paid_for_of_an_episode_is_not_paid_again(talk):
    (night,) = preview(talk, stands((0, 2), ahead_usd=0.75), nights(1), episode_usd=1.0).nights
    assert (night.episodes, night.cost_usd) == (2, 1.25)


@given(
    left=st.lists(st.integers(1, 9), max_size=5),
    episodes=st.none() | st.integers(1, 5),
    night_usd=st.none() | st.floats(0.01, 5),
    arm_usd=st.none() | st.floats(0, 20),
    usd=st.floats(0, 2),
    ahead=st.floats(0, 3),
)
def test_no_night_passes_a_limit_and_no_episode_is_played_twice(
    small_configs, left, episodes, night_usd, arm_usd, usd, ahead
):
    schedule = Nightly(cron="0 1 * * *", episodes=episodes, budget_usd=night_usd)
    arm = small_configs.arm("talk").model_copy(update={"nightly": schedule, "budget_usd": arm_usd})
    now = replace(stands(*enumerate(left)), spent=arm_usd == 0, ahead_usd=ahead)
    seen = preview(arm, now, nights(*range(40)), episode_usd=usd)
    lefts = [sum(left), *(night.left for night in seen.nights)]
    assert [before - after for before, after in pairwise(lefts)] == [n.episodes for n in seen.nights]
    assert all(night.episodes <= (episodes or 9) and night.left >= 0 for night in seen.nights)
    assert all(night.cost_usd <= (night_usd or 1e9) + 1e-6 for night in seen.nights)
    assert sum(night.cost_usd for night in seen.nights) <= (1e9 if arm_usd is None else arm_usd) + 1e-6
    assert seen.then is not None or len(seen.nights) == 40


def test_every_nightly_arm_of_the_configuration_is_previewed_for_so_many_days(configs, warehouse):
    seen = {one.arm: one for one in coming_nights(configs, warehouse, now=NOON, days=3)}
    assert set(seen) == {"04_attack_complete", "05_attack_nomsg"}
    assert [night.at.hour for night in seen["05_attack_nomsg"].nights] == [4, 4, 4]
    assert all(night.cost_usd > 0 for one in seen.values() for night in one.nights)


def test_where_no_arm_is_nightly_no_night_is_coming(small_configs, warehouse):
    assert coming_nights(small_configs, warehouse, now=NOON, days=14) == []


def test_days_are_days_of_the_wall_though_clocks_change(small_configs, talk, warehouse):
    berlin = talk.model_copy(update={"nightly": Nightly(cron="0 12 * * *", timezone="Europe/Berlin")})
    configs = replace(small_configs, arms={"talk": berlin})
    now = datetime(2026, 10, 24, 10, tzinfo=UTC)  # noon in summer time
    (seen,) = coming_nights(configs, warehouse, now=now, days=1)
    assert [night.at.isoformat() for night in seen.nights] == ["2026-10-25T12:00:00+01:00"]
    assert len(list(islice(starts(berlin.nightly, after=now), 2))) == 2
