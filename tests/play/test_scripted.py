"""Episodes of scripted agents alone: the same tables, byte for byte, as where each reply is asked for and journaled."""

import hashlib
import json

import pytest

from di_assets.agents.scripted import POLICIES, scripted_player
from di_assets.arms import Configs, batches, load_configs
from di_assets.calls.call import Call, replies_sha256
from di_assets.game import Rules, Setup, edges, observe, seat_labels, start, step
from di_assets.play.batch import play_batch
from di_assets.play.record import Repeated
from di_assets.play.scripted import play_scripted
from di_assets.play.verify import verify
from di_assets.tables import EVENT_TABLES, Warehouse
from tests.conftest import ROOT, bytes_of

CASTS = {
    "chatty": ["promiser", "con_artist", "pleader", "threatener", "pact_maker"],
    "quiet": ["loyal", "random", "tit_for_tat", "generous_tit_for_tat", "grudger"],
    "raw": ["rule_breaker", "promiser", "gullible", "rule_breaker", "bandwagon"],
}
# And whoever is in none of these.
OTHERS = sorted(set(POLICIES) - {name for cast in CASTS.values() for name in cast})
CASTS |= {f"others {at}": [*OTHERS[at : at + 5], *["random"] * 5][:5] for at in range(0, len(OTHERS), 5)}
RULES = {
    "plain": "",
    "silent": "channel: none\n",
    "muted": "channel: focal_muted\nexchanges: 2\n",
    "placebo": "channel: placebo\nmax_message_chars: 60\n",
    "own": "visibility: own\nhorizon: hidden\ntopology: ring\n",
    "outside": "payoff: {outside: 0.5}\nexchanges: 2\nmax_message_chars: 60\n",
}


class StoppedClock:
    """Stands in for the module `time`."""

    @staticmethod
    def time():
        return 1_790_000_000.25

    @staticmethod
    def perf_counter():
        return 7.0


def configured(folder, cast, rules):
    focal, *rivals = cast
    text = f"title: T\nid: t--{{focal}}_r{{replicate}}\nfocal: [{focal}]\nbackground: [{', '.join(rivals)}]\n{rules}"
    folder.mkdir()
    (folder / "t.yaml").write_text(f"{text}episodes: 3\nrounds: 6\n")
    (folder / "prompts").symlink_to(ROOT / "configs" / "prompts")
    return load_configs(folder)


# In the default suite each cast and each rule once, all together where everything is tested.
FEW = {
    ("plain", "chatty"),
    ("silent", "quiet"),
    ("muted", "chatty"),
    ("placebo", "chatty"),
    ("own", "raw"),
    ("outside", "raw"),
}
EACH = [
    pytest.param(rules, cast, marks=[] if (rules, cast) in FEW else pytest.mark.slow)
    for rules in RULES
    for cast in CASTS
]


@pytest.mark.parametrize(("rules", "cast"), EACH)
def test_tables_are_those_of_an_episode_whose_every_reply_is_journaled(tmp_path, monkeypatch, cast, rules):
    configs = configured(tmp_path / "configs", CASTS[cast], RULES[rules])
    for module in ("play.scripted", "calls.ask_once"):
        monkeypatch.setattr(f"di_assets.{module}.time", StoppedClock)
    homes, results = [Warehouse(tmp_path / name) for name in ("at_once", "journaled")], []
    for home, free in zip(homes, (Configs.is_free, lambda *_: False), strict=True):
        monkeypatch.setattr(Configs, "is_free", free)
        results.append(play_batch(configs, configs.arm("t"), batches(configs.arm("t"))[0], home))
    assert results[0] == results[1]
    assert results[0].complete == 3
    for table in EVENT_TABLES:
        one, other = (bytes_of(home, table.name) for home in homes)
        assert one == other, table.name
    assert {(v.status, v.problem) for v in verify(configs, homes[0])} == {("ok", None)}


def setup_of(n=5, **rules):
    return Setup(Rules(n_rounds=6, **rules), edges("complete", n, seed=2), seat_labels(n, seed=2), 2)


def test_what_a_seat_was_shown_never_changes_later():
    state, seen = start(setup_of(exchanges=2)), []
    cast = [scripted_player(name, seed=2) for name in CASTS["chatty"]]
    while state.turn is not None:
        shown = [observe(state, seat) for seat in range(5)]
        seen += [(o, repr(o)) for o in shown]
        step(state, {})  # leads elsewhere, and leaves no trace here
        rules = [player.policy.rule(state.turn.phase) for player in cast]
        state = step(state, {seat: rules[seat](shown[seat], word=state.at) for seat in range(5)})
    assert all(repr(o) == then for o, then in seen)
    assert "SeenMessage" in seen[-1][1]


@pytest.mark.parametrize("cast", CASTS)
def test_calls_have_all_fields_of_a_call_and_as_many_rows_in_each(cast):
    _, calls = play_scripted(setup_of(), [scripted_player(name, seed=2) for name in CASTS[cast]])
    assert set(calls) == set(Call._fields)
    assert len({len(column) for column in calls.values()}) == 1


def test_a_seat_plays_the_same_whoever_else_is_in_the_batch(tmp_path):
    configs = configured(tmp_path / "configs", CASTS["raw"], "")
    arm, homes = configs.arm("t"), [Warehouse(tmp_path / name) for name in "ab"]
    play_batch(configs, arm, "t--b00", homes[0])
    for _ in range(3):
        play_batch(configs, arm, "t--b00", homes[1], limit=1)
    for name in ("messages", "pulls", "seats", "edges"):
        assert homes[0].read(name).equals(homes[1].read(name))


def test_a_repeated_value_is_a_sequence():
    repeated = Repeated("x", 3)
    assert (list(repeated), repeated[1:], len(repeated)) == (["x"] * 3, ["x"] * 2, 3)


def test_the_digest_of_replies_is_over_lines_of_json():
    asked, texts = ["a/1", 'b"2'], ["é\n", "{}"]
    lines = "".join(json.dumps(list(pair)) + "\n" for pair in zip(asked, texts, strict=True))
    assert replies_sha256(asked, texts) == hashlib.sha256(lines.encode()).hexdigest()
