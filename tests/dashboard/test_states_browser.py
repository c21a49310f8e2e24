"""Every question page in every state that data can be in: labelled or not, legible, accessible, photographed."""

import pytest

from di_assets.report.published import read_summary
from tests.dashboard import test_browser
from tests.dashboard.states import STATES, in_state
from tests.dashboard.test_browser import (
    LOOKS,
    MISPLACED,
    SCROLLS,
    browser,  # noqa: F401 -- a fixture
    inaccessible,
    opened,
    photographed,
    served,
)

pytestmark = [*test_browser.pytestmark, pytest.mark.slow]
NAMES = ("q1", "q2", "q3", "q4", "q5")
# What each state has to say of Question 1, in the headline or in the figure.
SAYS = {
    "nothing": "no focal episode has been played yet",
    "messages-on": "runs from mute",
    "both": "talk buys",
    "contradicted": "talk costs the one model",
}


@pytest.fixture(scope="module")
def in_states(played, tmp_path_factory):
    return {state: in_state(state, played, tmp_path_factory.mktemp(state)) for state in STATES}


@pytest.mark.parametrize("state", STATES)
def test_a_question_page_in_each_state_is_legible_and_accessible(in_states, played, browser, state):  # noqa: F811
    warehouse = in_states[state]
    summary = read_summary(warehouse)
    with served(warehouse.root, played.configs.root) as at:
        for number, name in enumerate(NAMES):
            # Every look, one a page, and another for each state.
            look = list(LOOKS)[(number + STATES.index(state)) % len(LOOKS)]
            width, scheme = LOOKS[look]
            context = browser.new_context(viewport={"width": width, "height": 1400}, color_scheme=scheme)
            page = opened(context.new_page(), at, "" if name == "q1" else name)
            page.wait_for_selector(".figure svg", state="attached", timeout=15_000)
            found = page.locator(".figure").first.evaluate(MISPLACED)
            violations = inaccessible(page)
            text = page.locator(SCROLLS).inner_text()
            drawn = page.locator(".figure").first.text_content()
            photographed(page, f"states/{name}-{state}-{look}")
            context.close()
            question = summary["questions"][name]
            assert (found["out"], found["on"], violations) == ([], [], []), name
            assert " ".join(question["headline"].split()) in " ".join(text.split()), name
            assert "scripted" not in text, name
            assert question["needs"] is None or question["needs"] in text, name
            if name == "q1":
                assert SAYS[state] in text + drawn
