"""Every question page in every state that data can be in: labelled or not, legible, accessible, photographed."""

import pytest

from di_assets.report.published import read_summary
from tests.dashboard.browsing import (
    BROWSER,
    LOOKS,
    MISPLACED,
    SCROLLS,
    inaccessible,
    looked_at,
    opened,
    photographed,
    served,
)
from tests.dashboard.states import STATES, in_state

pytestmark = [*BROWSER, pytest.mark.slow]
NAMES = ("q1", "q2", "q3", "q4", "q5")
# What each state has to say of Question 1, in the headline or in the figure.
SAYS = {
    "nothing": "no focal episode has been played yet",
    "messages-on": "needs mute",
    "both": "talk buys",
    "contradicted": "talk costs the one model",
}


@pytest.fixture(scope="module")
def in_states(played, tmp_path_factory):
    return {state: in_state(state, played, tmp_path_factory.mktemp(state)) for state in STATES}


@pytest.fixture(scope="module")
def switched(in_states, played, tmp_path_factory):
    """A link to a folder, and the address of the dashboard over whatever the link leads to."""
    link = tmp_path_factory.mktemp("switched") / "warehouse"
    link.symlink_to(in_states["nothing"].root)
    with served(link, played.configs.root) as at:
        yield link, at


@pytest.mark.parametrize("state", STATES)
def test_a_question_page_in_each_state_is_legible_and_accessible(switched, in_states, page, state):
    link, at = switched
    link.unlink()
    link.symlink_to(in_states[state].root)
    summary = read_summary(in_states[state])
    for number, name in enumerate(NAMES):
        # Every look, one a page, and another for each state.
        look = list(LOOKS)[(number + STATES.index(state)) % len(LOOKS)]
        opened(page, at, "" if name == "q1" else name)
        page.wait_for_selector(".figure svg", state="attached", timeout=15_000)
        looked_at(page, look)
        found = page.locator(".figure").first.evaluate(MISPLACED)
        violations = inaccessible(page)
        text = page.locator(SCROLLS).inner_text()
        drawn = page.locator(".figure").first.text_content()
        photographed(page, f"states/{name}-{state}-{look}")
        question = summary["questions"][name]
        assert (found["out"], found["on"], violations) == ([], [], []), name
        assert " ".join(question["headline"].split()) in " ".join(text.split()), name
        assert "scripted" not in text, name
        assert question["needs"] is None or question["needs"] in text, name
        if name == "q1":
            assert SAYS[state] in text + drawn
