"""The Compare page: two arms or two models on the seeds that both have played, down to two transcripts side by side."""

import streamlit as st

from dashboard import data
from dashboard.parts import Heading, Title, Words
from dashboard.placing import ROWS, first_row, place
from dashboard.sections.compare import NAMES, beside, compared_top, pair_top, pairs_of
from dashboard.sections.reader import NoEpisode
from di_assets.report.compare import Side, caption
from di_assets.report.reader.episode_index import place_of
from di_assets.report.reader.side_by_side import rounds_of_two
from di_assets.report.reader.transcript import Transcript

EVERY, ALL = "every model", "all"


def show() -> None:
    """Shows the pair of episodes in the address, or else the two sides that are chosen."""
    asked = [st.query_params.get(name, "") for name in NAMES]
    if all(asked):
        _show_pair(*asked)
    else:
        _show_sides()


def _show_sides() -> None:
    warehouse = data.warehouse()
    root, version = str(warehouse), warehouse.version()
    place(Title("Compare"))
    known = data.comparable(root, version)
    if not known.models:
        todo = ", or materialise an arm and the report."
        place(Words("Nothing can be compared yet: run", command="di demo", after=todo))
        return
    arms = list(known.models)
    first = known.shared[0] if known.shared else (arms[0], arms[-1])
    sides = []
    for name, arm in zip(NAMES, first, strict=True):
        with st.container(horizontal=True):
            of = st.selectbox(f"{name}: arm", arms, arms.index(arm), key=f"{name}_arm", bind="query-params")
            models = [EVERY, *known.models[of]]
            model = st.selectbox(f"{name}: model", models, key=f"{name}_model", bind="query-params")
        sides.append(Side(of, None if model == EVERY else model))
    found = data.comparison(root, version, *sides)
    place(compared_top(found))
    if found.gap is None:
        return
    drawing = data.comparison_figure(root, version, *sides)
    place(drawing, Words(caption(found), "caption"), Heading("Matched pairs"))
    place(pairs_of(found, first_row(found.pairs.height), ROWS))


def _show_pair(left: str, right: str) -> None:
    warehouse = data.warehouse()
    root, version = str(warehouse), warehouse.version()
    episode_index = data.episode_index(root, warehouse.version("episodes"))
    found: list[Transcript] = []
    for asked in (left, right):
        at = place_of(episode_index, asked)
        one = None if at is None else data.transcript(root, version, asked, at.batch)
        if one is None:
            place(NoEpisode("Compare", asked[:200]))
            return
        found.append(one)
    rounds = rounds_of_two(found[0], found[1])
    place(pair_top(found[0], found[1], rounds))
    numbers = [ALL, *(str(one.number) for one in rounds)]
    number = st.selectbox("round", numbers, key="round", bind="query-params", width=120)
    place(beside(found, [one for one in rounds if number in {ALL, str(one.number)}]))
