"""Comparisons of arms and models, and of two transcripts, over worlds made by hand."""

import pytest
from scipy import stats

from di_assets.report.compare import Side, caption, compare, drawing, read_known, sentence
from di_assets.report.reader.side_by_side import about_two, rounds_of_two
from di_assets.report.reader.transcript import read_transcript
from tests.report.worlds import episode, stored, world

ON, OFF, RING = "04_attack_complete", "05_attack_nomsg", "ring_arm"
POINTS = {"m": (40, 44, 47), "n": (30, 31, 29)}
MUTE = {"m": (30, 32, 40), "n": (31, 30, 30)}


def played(**more):
    return [
        episode(model, seed, channel=channel, focal_points=points[model][seed], **more)
        for channel, points in (("open", POINTS), ("none", MUTE))
        for model in points
        for seed in range(3)
    ]


def test_what_can_be_compared_begins_with_an_arm_and_its_silent_control(tmp_path):
    ring = [episode("m", seed, topology="ring") for seed in range(30)]
    more = [episode("m", seed) for seed in range(3, 30)]
    known = read_known(stored(tmp_path, world([*played(), *more, *ring])))
    assert known.models == {ON: ["m", "n"], OFF: ["m", "n"], RING: ["m"]}
    assert known.shared[0] == (ON, OFF)
    assert set(known.shared) == {(ON, OFF), (ON, RING), (RING, OFF)}


def test_two_arms_are_compared_seed_by_seed(tmp_path):
    found = compare(stored(tmp_path, world(played())), Side(ON), Side(OFF))
    gaps = [((40 - 30) + (30 - 31)) / 2, ((44 - 32) + (31 - 30)) / 2, ((47 - 40) + (29 - 30)) / 2]
    assert (found.pairs.height, found.n_seeds, found.most_points) == (6, 3, 100)
    assert found.gap == pytest.approx(sum(gaps) / 3)
    low, high = stats.ttest_1samp(gaps, 0).confidence_interval()
    assert (found.interval.low, found.interval.high) == pytest.approx((low, high))
    assert found.differences == ("channel: open against none",)
    assert sentence(found).startswith(
        f"{ON} gets more points than {OFF}: +4.67 points an episode on 3 matched seeds (95% CI ["
    )


def test_two_models_of_one_arm_are_compared_on_the_same_seeds(tmp_path):
    found = compare(stored(tmp_path, world(played())), Side(OFF, "n"), Side(OFF, "m"))
    assert found.pairs.select("focal_points_left", "focal_points_right").rows() == [(31, 30), (30, 32), (30, 40)]
    assert found.differences == ()
    assert sentence(found).startswith(f"No difference between n in {OFF} and m in {OFF} is shown: -3.67 points")


def test_other_rivals_are_counted(tmp_path):
    warehouse = stored(tmp_path, world(played()))
    seats = warehouse.read("seats", "b")
    there = (seats["episode_id"] == f"{OFF}--m_s1") & (seats["seat"] == 3)
    warehouse.write("seats", seats.with_columns(model=seats["model"].set(there, "another")), "b")
    assert "rivals, or where they sit: in 1 of 6 pairs" in compare(warehouse, Side(ON), Side(OFF)).differences


@pytest.mark.parametrize(
    ("sides", "told"),
    [
        ((Side(ON), Side(ON)), "Both sides are the same"),
        ((Side(ON), Side("nothing")), "No episode of nothing has been measured yet."),
        ((Side(ON, "m"), Side(RING, "m")), "rounds 25 against 5"),
        ((Side(OFF), Side("late")), "No seed of one model has been played by both yet."),
    ],
)
def test_what_cannot_be_compared_says_why_and_gives_no_number(tmp_path, sides, told):
    others = [episode("m", 0, topology="ring", n_rounds=5), episode("m", 99, arm="late", episode_id="late--m")]
    found = compare(stored(tmp_path, world([*played(), *others])), *sides)
    assert told in sentence(found)
    assert (found.gap, found.interval) == (None, None)


def test_one_seed_gives_a_gap_and_no_interval(tmp_path):
    one = [each for each in played() if each["seed"] == 0 and each["focal_model"] == "m"]
    found = compare(stored(tmp_path, world(one)), Side(ON), Side(OFF))
    assert sentence(found).startswith(f"{ON} against {OFF}: +10.00 points an episode on 1 matched seed; no interval")


def test_scripted_agents_are_said_to_be_scripted(tmp_path):
    found = compare(stored(tmp_path, world(played(scripted=True))), Side(ON), Side(OFF))
    assert found.scripted
    assert "scripted agents" in drawing(found).download


def test_every_pair_is_a_line_and_two_dots_that_lead_to_it(tmp_path):
    found = compare(stored(tmp_path, world(played())), Side(ON), Side(OFF))
    figure = drawing(found)
    assert figure.wide.count('href="transcript?episode=') == 12
    assert figure.wide.count('href="compare?left=') == 6
    assert "href" not in figure.download
    assert sentence(found) in figure.download


def test_of_many_pairs_a_hundred_are_drawn_and_it_is_said(tmp_path):
    many = [
        episode("m", seed, channel=channel, focal_points=seed % 90)
        for channel in ("open", "none")
        for seed in range(150)
    ]
    found = compare(stored(tmp_path, world(many)), Side(ON), Side(OFF))
    assert found.pairs.height == 150
    assert drawing(found).wide.count('href="compare?left=') == 100
    assert "100 of 150 marks are drawn" in caption(found)


def test_two_transcripts_are_read_round_by_round(tmp_path):
    warehouse = stored(tmp_path, world(played()))
    pulls = warehouse.read("pulls", "b")
    there = (pulls["episode_id"] == f"{OFF}--m_s0") & (pulls["puller"] == 2)
    warehouse.write("pulls", pulls.with_columns(target=pulls["target"].set(there, 1)), "b")
    left, right, other = (
        read_transcript(warehouse, f"{arm}--m_s{seed}") for arm, seed in ((ON, 0), (OFF, 0), (OFF, 1))
    )
    [one] = rounds_of_two(left, right)
    assert (one.number, one.pulls_differ) == (1, ("C",))
    assert [len(side) for side in one.events] == [4, 3]
    assert one.scores[0] == {"A": 2, "B": 1, "C": 0, "D": 0, "E": 0}
    assert one.scores[1]["B"] == 2
    assert about_two(left, right).startswith(
        "A matched pair: the same seed, seats, letters and rivals. They differ in channel: open against none"
    )
    assert about_two(left, other).startswith("Not a matched pair. They differ in seed: 0 against 1")
