import pytest

from di_assets.agents.asking import asks_for_pull, promises_pull
from di_assets.game import filler

SENTENCES = [
    ("Let's start a mutual cooperation pact. I'll pull for you this round if you pull for me.", True, True),
    ("Pull me and I'll pull you back next round.", True, True),
    ("I won't pull you unless you pull me.", True, False),
    ("Please don't pull me.", False, False),
    ("Thanks for pulling me last round!", False, False),
    ("You pulled me, so I will pull you now.", False, True),
    ("I'm going to pull for you every round from now on.", False, True),
    ("Could you pull me this round?", True, False),
    ("B has the most points, do not pull B.", False, False),
    ("My pull is yours.", False, True),
    ("Give me your pull.", True, False),
    ("I will never pull you again.", False, False),
    ("If you pull me, I'll return the favor.", True, True),
    ("Let's pull each other every round.", True, True),
    ("Good luck everyone.", False, False),
    ("I promise to pull you if you stop pulling C.", False, True),
    ("Hi Player B, I pulled you. Will you pull for me?", True, False),
    ("Don't waste your pull on C; spend your pull on me", True, False),
    ("I am not going to pull you", False, False),
    ("", False, False),
]


@pytest.mark.parametrize(("text", "asks", "promises"), SENTENCES)
def test_the_rule_hears_who_asks_and_who_promises(text, asks, promises):
    assert (asks_for_pull(text), promises_pull(text)) == (asks, promises)


@pytest.mark.parametrize("mark", ["", "…"])
def test_a_placebos_filler_neither_asks_nor_promises_at_any_length(mark):
    texts = [filler(length) + mark for length in range(601)]
    assert not any(asks_for_pull(text) or promises_pull(text) for text in texts)


def test_hostile_length_takes_bounded_time():
    assert asks_for_pull("if you " * 200_000 + "pull me") is False
