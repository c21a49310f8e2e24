from collections import Counter

from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare

from di_assets.agents.scripted import scripted_player, words, words_name

MANY = 20_000


@given(st.text(max_size=30), st.integers(1, 60), st.integers(1, 60))
def test_a_stream_goes_on_as_it_began(stream, n, more):
    assert words(stream, n + more)[:n] == words(stream, n)


def test_the_first_words_of_a_stream_stay_what_they_are():
    """Literal, so that a change which would play every scripted episode differently is noticed."""
    assert [word % 1_000 for word in words("promiser/500/A/pull/0", 4)] == [29, 408, 419, 306]


def test_every_option_is_drawn_as_often_as_any_other():
    counts = Counter(word % 7 for word in words("loyal/1/B/pull/0", MANY))
    assert chisquare([counts[option] for option in range(7)]).pvalue > 0.001


def test_a_turns_second_draw_tells_nothing_of_its_first():
    counts = Counter((word % 4, word // 4 % 4) for word in words("pleader/1/B/message/0", MANY))
    assert len(counts) == 16
    assert chisquare(list(counts.values())).pvalue > 0.001


def test_seats_seeds_policies_phases_and_attempts_draw_apart():
    streams = [
        words_name(scripted_player(model, seed=seed).stream(me), phase, attempt)
        for model in ("promiser", "gullible")
        for seed in (1, 11)
        for me in "AB"
        for phase in ("message", "pull")
        for attempt in range(3)
    ]
    drawn = [word for stream in streams for word in words(stream, 50)]
    assert len(set(drawn)) == len(drawn)
