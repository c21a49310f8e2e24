"""How many marks are drawn, and what is said of those that are not."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from di_assets.report.figures.marks import MOST_MARKS, note, thinned


def marks(*sizes):
    return [
        {"model": f"m{k}", "part": "on", "episode_id": f"m{k}_{i:05}", "value": i}
        for k, n in enumerate(sizes)
        for i in range(n)
    ]


def test_few_marks_are_all_drawn_and_nothing_is_said():
    few = marks(MOST_MARKS, 1, 75)
    assert thinned(few) == few
    assert note(len(few), len(thinned(few))) == ""


def test_of_many_so_many_are_drawn_with_the_ends_and_the_caption_says_so():
    many = marks(20_000, 3)
    shown = thinned(many)
    assert [len([m for m in shown if m["model"] == name]) for name in ("m0", "m1")] == [MOST_MARKS, 3]
    assert (shown[0], shown[MOST_MARKS - 1]) == (many[0], many[19_999])
    assert note(len(many), len(shown)).startswith(
        f" {MOST_MARKS + 3} of 20,003 marks are drawn: at most {MOST_MARKS} for each model and part"
    )


@given(st.lists(st.integers(1, 1_000), max_size=4))
def test_what_is_drawn_is_part_of_what_is_there_in_its_order_and_evenly_spread(sizes):
    every = marks(*sizes)
    shown = thinned(every)
    assert [mark for mark in every if mark in shown] == shown
    for k, n in enumerate(sizes):
        values = [mark["value"] for mark in shown if mark["model"] == f"m{k}"]
        assert len(values) == min(n, MOST_MARKS)
        gaps = [b - a for a, b in pairwise(values)]
        assert not gaps or max(gaps) - min(gaps) <= 1
