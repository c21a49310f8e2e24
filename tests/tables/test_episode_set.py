import hashlib

from hypothesis import given
from hypothesis import strategies as st

from di_assets.tables import episode_set

IDS = st.lists(st.text(st.characters(exclude_characters="\n", exclude_categories=("Cs",)), max_size=8), max_size=6)


def test_a_set_of_episodes_is_named_as_sort_and_sha256sum_name_it():
    # printf 'a_r0\na_r1\n' | sha256sum
    assert episode_set(["a_r1", "a_r0"]) == "0f533cdd0f3d412ebcd2086dc2a988fc105f330a167365898548c9777715f14a"


def test_no_episodes_are_a_set_too():
    assert episode_set([]) == hashlib.sha256(b"").hexdigest()


@given(IDS)
def test_order_and_repetition_do_not_change_a_set(ids):
    assert episode_set(ids) == episode_set([*reversed(ids), *ids])


@given(IDS, IDS)
def test_other_sets_have_other_names(some, others):
    assert (episode_set(some) == episode_set(others)) == (set(some) == set(others))
