"""Tables, summary and figures of the demo are what they were: code that is moved about changes no number."""

import json

import pytest

from tests.golden.numbers import GOLDEN, digests, play_demo


@pytest.mark.slow
def test_the_demo_gives_the_numbers_that_it_gave(tmp_path):
    assert digests(play_demo(tmp_path)) == json.loads(GOLDEN.read_text())
