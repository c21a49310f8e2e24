"""How often a batch tells of itself, on a clock that the test turns."""

from collections import Counter

from di_assets.assets.home import Home
from di_assets.assets.live import Live, Standing
from di_assets.play.tally import Tally
from di_assets.runs import instance_of, materialise_batches
from di_assets.tables import Warehouse


def test_nothing_is_told_before_ten_seconds_and_then_a_line_every_thirty():
    now, told, when = [100.0], [], []

    def tell(standing):
        told.append(standing)
        when.append(now[0] - 100)

    live, tally = Live("talk--b00", tell, clock=lambda: now[0]), Tally()
    for second in range(100):
        now[0] = 100.0 + second
        for _ in range(50):  # however often it is heard
            tally.calls += 1
            live(second, 99, tally)
    assert when == [10, 40, 70]
    assert [standing.done for standing in told] == [10, 40, 70]


def test_a_batch_that_is_quick_tells_nothing():
    told = []
    live = Live("talk--b00", told.append, clock=lambda: 5.0)
    live(6, 6, Tally(calls=900))
    assert told == []


def test_a_line_gives_episodes_calls_rate_cost_and_faults():
    told, now = [], [0.0]
    live = Live("talk--b00", told.append, clock=lambda: now[0])
    now[0] = 20.0
    live(2, 6, Tally(calls=250, cost_usd=1.25, faults=Counter(invalid=2, timeout=1)))
    assert told == [Standing("talk--b00", 2, 6, calls=250, calls_per_s=12.5, cost_usd=1.25, faults=3)]
    assert told[0].line() == (
        "progress batch=talk--b00 episodes=2/6 calls=250 calls_per_s=12.5 cost_usd=1.2500 faults=3"
    )


def test_lines_stand_in_the_log_of_the_run_that_plays(small_configs, tmp_path, monkeypatch):
    monkeypatch.setattr("di_assets.assets.live.FIRST_S", 0.0)
    heard = []
    home = Home(
        warehouse=Warehouse(tmp_path), configs=small_configs, progress=lambda done, total: heard.append((done, total))
    )
    materialise_batches(home, ["talk--b00"], limit=3)
    with instance_of(home) as instance:
        (run,) = instance.get_runs()
        lines = [e.user_message for e in instance.all_logs(run.run_id) if e.user_message.startswith("progress ")]
    assert len(lines) == 1  # the next is due in half a minute
    assert lines[0].startswith("progress batch=talk--b00 episodes=1/3 calls=")
    assert heard == [(1, 3), (2, 3), (3, 3)]
