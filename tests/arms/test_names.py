"""Names of arms and models: what files, partitions and patterns can hold is a name, however odd."""

import pytest

from di_assets.arms.names import name_problem, plain_name


@pytest.mark.parametrize("name", ["04_attack_complete", "sonnet-4.6", "asked o'er", "größer", "a b", "数"])
def test_a_name_that_a_file_can_have_is_one(name):
    assert name_problem(name) is None


@pytest.mark.parametrize(
    "name", ["", "../up", "a/b", "a\\b", ".hidden", "-rf", "a|b", "a,b", "{focal}", " a", "a\n", "a\x00", "x" * 101]
)
def test_a_name_that_no_file_or_partition_can_have_is_none(name):
    assert name_problem(name)


def test_dagsters_names_of_two_arms_are_two():
    assert plain_name("04_attack_complete") == "04_attack_complete"
    assert len({plain_name(name) for name in ("a-b", "a b", "a_b")}) == 3
