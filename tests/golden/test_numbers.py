"""Tables, summary and figures of the demo are what they were: code that is moved about changes no number."""

import json

import pytest

from tests.golden.numbers import GOLDEN, digests, play_demo


@pytest.mark.slow
def test_the_demo_gives_the_numbers_that_it_gave(tmp_path):
    """A table or a question that was added since changes none of them."""
    golden, now = json.loads(GOLDEN.read_text()), digests(play_demo(tmp_path))
    assert {name: now.get(name) for name in golden} == golden
