import asyncio
import importlib
import re

import pytest

from di_assets.agents.asking import asks_for_pull, promises_pull
from di_assets.agents.replies import read_reply
from di_assets.agents.scripted import POLICIES, Policy, policies, scripted_player, turn_number, words, words_name
from di_assets.declared import declared_in
from di_assets.game import Reply, Rules, Setup, asked, edges, observe, points, seat_labels, start, step

SEED = 3
TRUE_TO_RULES = sorted(set(POLICIES) - {"rule_breaker"})
PERSUADERS = ("promiser", "con_artist", "pleader", "threatener", "pact_maker")


def play(names, *, topology="complete", seed=SEED, focal=0, **rules):
    setup = Setup(
        Rules(**{"n_rounds": 8, **rules}),
        edges(topology, len(names), seed=seed),
        seat_labels(len(names), seed=seed),
        seed,
        focal,
    )
    cast = [scripted_player(name, seed=seed) for name in names]
    state, replies = start(setup), []
    while state.turn is not None:
        now = {}
        for seat in asked(state):
            player, o = cast[seat], observe(state, seat)
            reply = read_reply(o, asyncio.run(player.send(player.prepare(o))).text)
            now[seat] = reply
            replies.append((player.model, o, reply))
        state = step(state, now)
    return state, replies


def drawn(model, o):
    """The random number of this turn."""
    name = words_name(scripted_player(model, seed=SEED).stream(o.me), o.turn.phase, 0)
    return words(name, 99)[turn_number(o.turn, o.rules.exchanges)]


@pytest.mark.parametrize("name", TRUE_TO_RULES)
@pytest.mark.parametrize("topology", ["complete", "ring", "star"])
@pytest.mark.parametrize(
    "rules",
    [
        {},
        {"channel": "none"},
        {"channel": "focal_muted"},
        {"channel": "placebo"},
        {"visibility": "own", "horizon": "hidden"},
        {"outside": 0.5, "exchanges": 2},
    ],
)
def test_every_policy_keeps_the_rules_everywhere(name, topology, rules):
    state, replies = play([name, "random", "promiser", "gullible", "tit_for_tat"], topology=topology, **rules)
    assert all(reply.invalid is None for _, _, reply in replies)
    assert all(p.status == "valid" for p in state.pulls)
    if rules.get("channel") == "none":
        assert not state.messages


@pytest.mark.parametrize("name", TRUE_TO_RULES)
@pytest.mark.parametrize("topology", ["complete", "ring", "star"])
def test_what_a_policy_replies_is_read_back_from_its_text_as_it_was(name, topology):
    """So that a reply need not be read where nothing but policies play."""
    _, replies = play([name, "random", "promiser", "gullible", "tit_for_tat"], topology=topology, exchanges=2)
    for model, o, read in replies:
        rule = POLICIES[model].rule(o.turn.phase)
        said = Reply() if rule is None else rule(o, word=drawn(model, o))
        assert read == said


@pytest.mark.parametrize("name", sorted(POLICIES))
def test_every_policy_is_deterministic(name):
    cast = [name, "bandwagon", "loyal", "gullible", "con_artist"]
    assert play(cast)[0] == play(cast)[0]


@pytest.mark.parametrize("name", sorted(POLICIES))
def test_every_policy_names_its_source(name):
    folder = "di_assets.agents.scripted.policies"
    module = importlib.import_module(f"{folder}.{'random_' if name == 'random' else name}")
    assert module.POLICY is POLICIES[name]
    assert re.search(r"\(.*\d{4}", module.__doc__) or name == "rule_breaker"  # a year; it breaks rules of our own


@pytest.fixture
def folder_of_policies(tmp_path, monkeypatch):
    """A package of policies of somebody else's, empty; a function that writes a file into it, and gives the package."""
    name = f"policies_{tmp_path.name}"
    folder = tmp_path / name
    folder.mkdir()
    (folder / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)

    def write(file, text):
        (folder / file).write_text("from di_assets.agents.scripted.policy import Policy\n" + text)
        importlib.invalidate_caches()
        return importlib.import_module(name)

    return write


def test_a_policy_is_one_file(folder_of_policies):
    package = folder_of_policies("shy.py", 'POLICY = Policy("shy", pull=lambda observation, *, word: None)\n')
    found = declared_in([policies, package], "POLICY", Policy)
    assert list(found) == sorted([*POLICIES, "shy"])
    assert found["shy"].rule("message") is None


def test_a_file_without_a_policy_and_a_name_given_twice_fail_when_they_are_loaded(folder_of_policies):
    package = folder_of_policies("one.py", 'POLICY = Policy("loyal", pull=None)\n')
    with pytest.raises(ValueError, match="one: POLICY is called 'loyal', as another is"):
        declared_in([policies, package], "POLICY", Policy)
    with pytest.raises(TypeError, match="two: expected POLICY, a Policy; found None"):
        declared_in([folder_of_policies("two.py", "")], "POLICY", Policy)


@pytest.mark.parametrize("name", PERSUADERS)
def test_persuaders_ask_in_words_that_can_be_heard(name):
    state, _ = play([name, "random", "random", "random", "random"])
    said = [m.text for m in state.messages if m.sender == 0]
    assert said
    assert sum(map(asks_for_pull, said)) > len(said) / 2


def test_a_promiser_promises_and_a_pleader_does_not():
    promised, _ = play(["promiser", "random", "random", "random", "random"])
    begged, _ = play(["pleader", "random", "random", "random", "random"])
    assert all(promises_pull(m.text) for m in promised.messages)
    assert not any(promises_pull(m.text) for m in begged.messages)


def test_tit_for_tat_returns_what_it_got():
    state, _ = play(["tit_for_tat", "random", "random", "random", "random"], n_rounds=20)
    by_round = {(p.round, p.puller): p.target for p in state.pulls}
    for number in range(2, 21):
        givers = {seat for seat in range(1, 5) if by_round[number - 1, seat] == 0}
        assert not givers or by_round[number, 0] in givers


def test_loyal_never_leaves():
    state, _ = play(["loyal", "random", "random", "random", "random"])
    assert len({p.target for p in state.pulls if p.puller == 0}) == 1


def test_a_con_artist_repays_nobody_on_time():
    state, _ = play(["con_artist", "gullible", "random", "random", "random"], n_rounds=20)
    by_round = {(p.round, p.puller): p.target for p in state.pulls}
    for number in range(2, 21):
        givers = {seat for seat in range(1, 5) if by_round[number - 1, seat] == 0}
        assert len(givers) == 4 or by_round[number, 0] not in givers


def test_gullible_believes_the_only_one_that_asks():
    state, _ = play(["promiser", "gullible", "random", "random", "random"])
    assert {p.target for p in state.pulls if p.puller == 1} == {0}


def test_talk_buys_a_promiser_points():
    on, _ = play(["promiser", "gullible", "gullible", "tit_for_tat", "bandwagon"], n_rounds=25)
    off, _ = play(["promiser", "gullible", "gullible", "tit_for_tat", "bandwagon"], n_rounds=25, channel="none")
    assert points(on)[0] > points(off)[0] + 10


@pytest.mark.parametrize("name", PERSUADERS)
def test_a_muted_persuader_plays_on_in_silence_and_is_believed_by_nobody(name):
    cast = [name, "gullible", "gullible", "tit_for_tat", "bandwagon"]
    muted, _ = play(cast, n_rounds=25, channel="focal_muted")
    off, _ = play(cast, n_rounds=25, channel="none")
    assert not muted.messages
    assert [(p.puller, p.target) for p in muted.pulls] == [(p.puller, p.target) for p in off.pulls]


def test_a_placebo_takes_from_a_promiser_what_its_words_bought():
    cast = ["promiser", "gullible", "gullible", "tit_for_tat", "bandwagon"]
    on, _ = play(cast, n_rounds=25)
    placebo, _ = play(cast, n_rounds=25, channel="placebo")
    assert len(placebo.messages) == len(on.messages)
    assert points(on)[0] > points(placebo)[0] + 10


def test_policies_are_blind_to_letters():
    """The same seats under other letters: a policy that draws nothing pulls the same seats."""
    for labels in (("A", "B", "C"), ("C", "A", "B")):
        setup = Setup(Rules(n_rounds=3, channel="none"), edges("complete", 3, seed=1), labels, 1)
        state = step(start(setup), {0: Reply(pull=labels[1]), 1: Reply(pull=labels[0]), 2: Reply(pull=labels[1])})
        choice = POLICIES["bandwagon"].pull(observe(state, 0), word=1)
        assert choice == Reply(pull=labels[1])
