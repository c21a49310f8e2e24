from dataclasses import replace

import networkx as nx
import pytest

from di_assets.arms import Arm, ConfigError, ModelConfig, Price, batches, load_configs, new_launch, plan, planned_ids
from di_assets.game import TOPOLOGIES
from di_assets.game.topology import Topology
from di_assets.nearest import nearest
from tests.conftest import ROOT, write_small_configs

TALK = "title: T\nid: t--{focal}_r{replicate}\nfocal: [promiser]\nbackground: [loyal, random, grudger, gullible]\nepisodes: 2\n"


def night(cron, *keys):
    """The arm with a schedule of this cron line, and these keys besides."""
    return TALK + "nightly: {" + ", ".join([f"cron: '{cron}'", *keys]) + "}\n"


@pytest.fixture
def folder(tmp_path):
    write_small_configs(tmp_path)
    return tmp_path


def test_the_arms_of_the_report_page_are_there_with_their_ids(configs):
    launch = "2026-06-27T14-43-44-00-00"
    planned = {name: plan(configs.arm(name), launches=[launch]) for name in configs.arms}
    assert {name: len(planned[name]) for name in sorted(planned)[:8]} == {
        "01_calibration": 25,
        "02_credit_smoke": 3,
        "03_credit_smoke_ring": 3,
        "04_attack_complete": 375,
        "05_attack_nomsg": 375,
        "06_focal_muted": 375,
        "07_rivals_muted": 375,
        "08_placebo": 375,
    }
    ids = {p.episode_id for arm in planned.values() for p in arm}
    assert {
        "calibration--sonnet-4.6_r4",
        "credit_smoke--creditsmoke_s42",
        f"credit_smoke_ring--{launch}--ring_s43",
    } <= ids
    assert len(ids) == sum(len(arm) for arm in planned.values())


def test_a_launch_time_reads_as_on_the_page():
    from datetime import UTC, datetime

    assert new_launch(datetime(2026, 6, 27, 14, 43, 44, tzinfo=UTC)) == "2026-06-27T14-43-44-00-00"


@pytest.mark.parametrize(
    ("control", "channel", "condition"),
    [
        ("05_attack_nomsg", "none", "complete/pure/msg-off"),
        ("06_focal_muted", "focal_muted", "complete/pure/focal-muted"),
        ("07_rivals_muted", "rivals_muted", "complete/pure/rivals-muted"),
        ("08_placebo", "placebo", "complete/pure/placebo"),
    ],
)
def test_a_control_repeats_its_arm_seed_by_seed_in_another_channel(configs, control, channel, condition):
    arm = configs.arm("04_attack_complete")
    on, off = plan(arm), plan(configs.arm(control))
    assert [(p.models, replace(p.setup, rules=q.setup.rules)) for p, q in zip(on, off, strict=True)] == [
        (q.models, q.setup) for q in off
    ]
    assert {p.setup.rules.channel for p in off} == {channel}
    assert [p.setup.focal for p in off] == [p.roles.index("focal") for p in off]
    assert (arm.condition, configs.arm(control).condition) == ("complete/pure/msg-on", condition)


class WiderArm(Arm):
    """An arm with a field that was added to it today."""

    patience: int = 1


@pytest.fixture
def wider(folder, monkeypatch):
    monkeypatch.setattr("di_assets.arms.configs.Arm", WiderArm)
    (folder / "x.yaml").write_text(TALK + "patience: 9\n")
    (folder / "y.yaml").write_text("title: C\nid: c--{focal}_r{replicate}\nchannel: none\nmirrors: x\n")
    return folder


def test_a_new_field_of_an_arm_reaches_its_control(wider):
    configs = load_configs(wider)
    assert configs.arm("y").patience == configs.arm("x").patience == 9
    assert configs.arm("talk").patience == configs.arm("mute").patience == 1
    apart = {
        name for name in WiderArm.model_fields if getattr(configs.arm("x"), name) != getattr(configs.arm("y"), name)
    }
    assert apart == {"name", "title", "id", "channel", "mirrors"}


def test_a_control_can_not_set_a_new_field_for_itself(wider):
    (wider / "y.yaml").write_text((wider / "y.yaml").read_text() + "patience: 2\n")
    with pytest.raises(ConfigError, match=r"y.yaml:5: patience: comes from x, which this arm mirrors"):
        load_configs(wider)


def test_a_new_field_of_an_arm_is_part_of_what_an_episode_is_and_is_named_where_it_is_misspelt(wider):
    configs = load_configs(wider)
    arm = configs.arm("x")
    assert configs.config_hash(arm) != configs.config_hash(arm.model_copy(update={"patience": 2}))
    (wider / "x.yaml").write_text(TALK + "patiance: 9\n")
    with pytest.raises(ConfigError, match="did you mean 'patience'"):
        load_configs(wider)


def test_a_random_topology_is_one_declaration(folder, monkeypatch):
    def loops(n, *, seed, k):
        return nx.connected_watts_strogatz_graph(n, k, 0.9, seed=seed)

    monkeypatch.setitem(TOPOLOGIES, "loops", Topology("loops", loops))
    (folder / "x.yaml").write_text(TALK.replace("episodes: 2", "episodes: 9") + "topology: {name: loops, k: 2}\n")
    arm = load_configs(folder).arm("x")
    assert arm.condition == "loops/pure/msg-on"
    assert len({episode.setup.edges for episode in plan(arm)}) > 1
    (folder / "x.yaml").write_text(TALK + "topology: lops\n")
    with pytest.raises(ConfigError, match=r"topology: no graph 'lops' .did you mean 'loops'"):
        load_configs(folder)


def test_the_lift_compares_with_messages_off_alone_and_channels_with_every_control(configs):
    assert configs.mirrors == {
        "05_attack_nomsg": "04_attack_complete",
        "demo_nomsg": "demo_attack",
        "local_nomsg": "local",
    }
    assert configs.controls["04_attack_complete"] == {
        "05_attack_nomsg": "none",
        "06_focal_muted": "focal_muted",
        "07_rivals_muted": "rivals_muted",
        "08_placebo": "placebo",
    }


def test_a_mixed_arm_has_no_focal_seat(configs):
    assert {p.setup.focal for p in plan(configs.arm("02_credit_smoke"))} == {None}


def test_batches_are_blocks_in_order_and_balanced(configs):
    arm = configs.arm("04_attack_complete")
    assert batches(arm) == tuple(f"04_attack_complete--b0{i}" for i in range(3))
    first = [p for p in plan(arm) if p.batch.endswith("b00")]
    assert len(first) == 125
    assert {sum(p.focal_model == m for p in first) for m in arm.focal} == {25}


@pytest.mark.parametrize(("name", "launches"), [("04_attack_complete", ()), ("02_credit_smoke", ("one", "two"))])
def test_the_plan_of_a_batch_is_its_part_of_the_whole(configs, name, launches):
    arm = configs.arm(name).model_copy(update={"batch_size": 7})
    whole = plan(arm, launches=launches)
    assert whole
    for batch in batches(arm):
        assert plan(arm, launches=launches, batch=batch) == tuple(p for p in whole if p.batch == batch)
    assert planned_ids(arm, launches=launches) == {p.episode_id: p.batch for p in whole}
    assert list(planned_ids(arm, launches=launches, batch=whole[-1].batch)) == [
        p.episode_id for p in whole if p.batch == whole[-1].batch
    ]
    assert plan(arm, launches=launches, without={p.episode_id for p in whole[1:]}) == whole[:1]


def test_no_instance_needs_more_than_some_hundred_partitions(configs):
    assert sum(len(batches(arm)) for arm in configs.arms.values()) < 300


@pytest.mark.parametrize(
    ("file", "text", "told"),
    [
        ("x.yaml", TALK + "topologi: ring\n", ["x.yaml:6", "topologi", "did you mean 'topology'?"]),
        ("x.yaml", TALK + "topology: rign\n", ["x.yaml", "topology", "did you mean 'ring'?"]),
        ("x.yaml", TALK.replace("loyal", "loyel"), ["x.yaml", "background", "'loyel'", "did you mean 'loyal'?"]),
        ("x.yaml", TALK + "rounds: many\n", ["x.yaml:6", "rounds", "integer"]),
        ("x.yaml", TALK + "payoff: {outside: 1.5}\n", ["x.yaml:6", "payoff", "less than 1"]),
        ("x.yaml", TALK + "nightly: {cron: daily}\n", ["x.yaml:6", "nightly.cron", "five fields"]),
        ("x.yaml", night("0 25 * * *"), ["x.yaml:6", "nightly.cron", "Bad hour", "'0 2 * * *'", "'0 25 * * *'"]),
        ("x.yaml", night("0 0 31 2 *"), ["x.yaml:6", "nightly.cron", "expected a time that comes"]),
        ("x.yaml", night("0 0 L * *"), ["x.yaml:6", "nightly.cron", "expected numbers", "'0 2 * * 1-5'"]),
        ("x.yaml", night("0 2 */3 * 0"), ["x.yaml:6", "nightly.cron", "without the other"]),
        ("x.yaml", night("0 1 * * *", "episodes: 0"), ["x.yaml:6", "nightly.episodes", "1 or more", "found 0"]),
        ("x.yaml", night("0 1 * * *", "episodes: few"), ["x.yaml:6", "nightly.episodes", "integer"]),
        ("x.yaml", night("0 1 * * *", "budget_usd: 0"), ["x.yaml:6", "nightly.budget_usd", "more than 0", "found 0"]),
        ("x.yaml", night("0 1 * * *", "budget_usd: -2.5"), ["x.yaml:6", "nightly.budget_usd", "found -2.5"]),
        ("x.yaml", night("0 1 * * *", "budget_usd: .nan"), ["x.yaml:6", "nightly.budget_usd", "found nan"]),
        (
            "x.yaml",
            night("0 1 * * *", "timezone: Europe/Berln"),
            ["x.yaml:6", "nightly.timezone", "did you mean 'Europe/Berlin'?"],
        ),
        ("x.yaml", night("0 1 * * *", "timezone: ../etc"), ["x.yaml:6", "nightly.timezone", "no time zone '../etc'"]),
        ("x.yaml", night("0 1 * * *", "timezone: ''"), ["x.yaml:6", "nightly.timezone", "such as 'Europe/Berlin'"]),
        (
            "x.yaml",
            TALK + "nightly: {cron: '0 1 * * *', episods: 3}\n",
            ["x.yaml:6", "episods", "did you mean 'episodes'?"],
        ),
        ("x.yaml", TALK + "title: again\n", ["x.yaml:6", "title", "twice"]),
        ("x.yaml", TALK.replace("[loyal, ", "["), ["x.yaml", "4 players are named for 5 seats"]),
        ("x.yaml", TALK.replace("{focal}_", ""), ["x.yaml", "`id` needs {focal}"]),
        ("x.yaml", TALK.replace("t--", "../t--"), ["x.yaml:2", "id", "letters, digits"]),
        ("x.yaml", TALK.replace("t--{focal}", "talk--{focal}"), ["x.yaml", "also the pattern of"]),
        (
            "x.yaml",
            "title: C\nid: c--{focal}_r{replicate}\nchannel: none\nmirrors: tolk\n",
            ["x.yaml", "mirrors", "did you mean 'talk'?"],
        ),
        (
            "x.yaml",
            "title: C\nid: c--{focal}_r{replicate}\nmirrors: talk\n",
            ["x.yaml", "channel", "nothing is controlled for"],
        ),
        (
            "x.yaml",
            "title: C\nid: c--{focal}_r{replicate}\nchannel: none\nmirrors: talk\nrounds: 9\n",
            ["x.yaml", "rounds", "remove it here"],
        ),
        (
            "x.yaml",
            "title: C\nid: c--s{seed}\nlineup: [loyal, random, grudger, gullible, promiser]\nseeds: [1]\nchannel: placebo\n",
            ["x.yaml: channel", "'placebo'", "focal seat"],
        ),
        (
            "x.yaml",
            "title: C\nid: c--s{seed}\nlineup: [loyal, random, grudger, gullible, promiser]\nseeds:\n  - 1\n  - two\n",
            ["x.yaml:6: seeds.1:", "integer"],
        ),
        ("x.yaml", TALK + "channel: focal_mutd\n", ["x.yaml:6", "channel", "'focal_muted'"]),
        ("x.yaml", "title: [\n", ["x.yaml:2", "not YAML"]),
        ("x.yaml", "- a\n", ["x.yaml", "expected keys"]),
        ("x.yaml", TALK + "instructions: {focal: atack}\n", ["x.yaml", "instructions.focal", "did you mean 'attack'?"]),
        (
            "models.yaml",
            "models:\n  m: {provider: opnai, id: x, price: {input: 1, output: 1}}\n",
            ["models.yaml:2", "provider", "'openai'"],
        ),
        ("models.yaml", "models:\n  m: {provider: openai, id: x}\n", ["models.yaml:2", "price"]),
        (
            "models.yaml",
            "models:\n  loyal: {provider: openai, id: x, price: {input: 1, output: 1}}\n",
            ["models.yaml", "scripted agent"],
        ),
    ],
)
def test_what_is_wrong_is_refused_with_file_key_and_what_would_be_right(folder, file, text, told):
    (folder / file).write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_configs(folder)
    message = str(caught.value)
    assert "\n" not in message
    for part in told:
        assert part in message


def test_an_arm_of_paid_models_says_what_it_may_spend(folder):
    (folder / "models.yaml").write_text("models:\n  m: {provider: openai, id: x, price: {input: 1, output: 1}}\n")
    (folder / "x.yaml").write_text(TALK.replace("[promiser]", "[m]"))
    with pytest.raises(ConfigError, match="budget_usd: is missing"):
        load_configs(folder)


def test_a_new_model_is_three_lines(folder):
    (folder / "models.yaml").write_text(
        "models:\n  m:\n    provider: openai\n    id: x\n    price: {input: 1, output: 2}\n"
    )
    assert load_configs(folder).models["m"].endpoint("m").key_env == "OPENAI_API_KEY"


def test_an_unknown_arm_is_answered_with_the_nearest(configs):
    with pytest.raises(ConfigError, match="did you mean 'demo_attack'"):
        configs.arm("demo_atack")
    assert nearest("zzz", ["a", "b"]) == " (known: a, b)"


def test_what_cannot_change_a_reply_does_not_change_the_hash(configs):
    arm = configs.arm("04_attack_complete")
    assert configs.config_hash(arm) == configs.config_hash(arm.model_copy(update={"budget_usd": 1.0, "title": "x"}))
    assert configs.config_hash(arm) != configs.config_hash(arm.model_copy(update={"rounds": 24}))


def test_every_prompt_file_of_the_project_loads(configs):
    from di_assets.agents.prompts import Prompts

    assert "persuade" in Prompts.load(ROOT / "configs" / "prompts").instructions("attack", messages=True)


MODEL = "models:\n  m: {{provider: openai, id: x, price: {{input: 1, output: 1}}{more}}}\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (MODEL.format(more=", base_url: localhost:8080"), r"models.m.base_url: expected an address such as"),
        (MODEL.format(more=", base_url: 'https://me:secret@host/v1'"), r"models.m.base_url: holds a user or password"),
        (MODEL.format(more=", requests_per_minute: 0"), r"requests_per_minute: .*greater than or equal to 1"),
        (MODEL.format(more=", request_per_minute: 5"), r"request_per_minute.*requests_per_minute"),
        (
            MODEL.format(more="") + "accounts: {opnai: {concurrency: 5}}\n",
            r"accounts.opnai: no model is reached there.*openai",
        ),
        (MODEL.format(more="") + "accounts: {openai: {rpm: 5}}\n", r"accounts.openai.rpm"),
        (
            MODEL.format(more=", timeout_s: .inf"),
            r"models.yaml:2: models.m.timeout_s: expected a finite number, found inf",
        ),
        (MODEL.format(more="").replace("output: 1", "output: .nan"), r"yaml:2: models.m.price.output: .*found nan"),
        (MODEL.format(more="").replace("output: 1", "output: .inf"), r"yaml:2: models.m.price.output: .*found inf"),
        (
            MODEL.format(more="").replace("input: 1", "input: -1"),
            r"yaml:2: models.m.price.input: .*greater than or equal",
        ),
        (MODEL.format(more=", params: {temperature: .inf}"), r"models.m.params: expected finite numbers"),
        (MODEL.format(more=", params: {since: 2026-01-01}"), r"models.m.params: expected what JSON can hold"),
        (MODEL.format(more=", params: {messages: null}"), r"models.m.params: `messages` comes from the game"),
        (MODEL.format(more=", params: {stream: true}"), r"models.m: params.stream: is never sent"),
        (MODEL.format(more=", params: {max_completion_tokens: 9000}"), r"max_completion_tokens: is above `max_tokens`"),
        (MODEL.format(more=", rename: {a: b, c: b}"), r"models.m: rename: two fields would be sent as 'b'"),
        (MODEL.format(more=", rename: {seed: model}"), r"models.m: rename: two fields would be sent as 'model'"),
        (MODEL.format(more=", max_reply_bytes: 5"), r"models.m.max_reply_bytes: .*1024"),
        (MODEL.format(more="") + "accounts: {openai: {failures_billed: 0.5}}\n", r"accounts.openai.failures_billed"),
    ],
)
def test_a_wrong_limit_or_address_is_refused_with_its_place(tmp_path, text, said):
    (tmp_path / "models.yaml").write_text(text)
    with pytest.raises(ConfigError, match=said) as caught:
        load_configs(tmp_path)
    assert "secret" not in str(caught.value)


def test_limits_belong_to_a_model_or_to_the_account_that_models_share(tmp_path):
    shared = ", base_url: 'https://host:99/v1', requests_per_minute: 7, tokens_per_minute: 9"
    text = MODEL.format(more=shared) + "accounts:\n  host:99: {concurrency: 3}\n"
    (tmp_path / "models.yaml").write_text(text)
    configs = load_configs(tmp_path)
    model = configs.models["m"]
    assert model.account == "host:99"
    assert (model.limits.concurrency, model.limits.requests_per_minute, model.limits.tokens_per_minute) == (20, 7, 9)
    assert configs.accounts["host:99"].concurrency == 3


def test_limits_and_prices_do_not_change_what_an_episode_is(configs):
    arm = configs.arm("04_attack_complete")
    slower = {
        name: model.model_copy(update={"concurrency": 1, "tokens_per_minute": 5})
        for name, model in configs.models.items()
    }
    assert replace(configs, models=slower).config_hash(arm) == configs.config_hash(arm)


def test_what_shapes_a_request_is_part_of_what_an_episode_is(configs):
    arm = configs.arm("04_attack_complete")
    hashes = [configs.config_hash(arm)]
    for shape in ({"rename": {"max_tokens": "most"}}, {"system": False}, {"params": {"max_tokens": None}}):
        shaped = {name: model.model_copy(update=shape) for name, model in configs.models.items()}
        hashes.append(replace(configs, models=shaped).config_hash(arm))
    assert len(set(hashes)) == 4


def test_what_is_not_configured_leaves_a_model_what_it_was(configs):
    """Replies that are paid for stay valid: a key that was added to models.yaml later is no part of older models."""
    assert configs.models["gpt-5.4-mini"].identity() == {
        "provider": "openai",
        "id": "gpt-5.4-mini",
        "max_tokens": 8192,
    }


@pytest.mark.parametrize("budget", [".inf", "-.inf", ".nan", "-1"])
def test_a_budget_that_is_no_amount_is_refused_with_its_place(folder, budget):
    (folder / "x.yaml").write_text(TALK + f"budget_usd: {budget}\n")
    with pytest.raises(ConfigError, match=r"x.yaml:6: budget_usd: "):
        load_configs(folder)
    (folder / "x.yaml").write_text(TALK + f"nightly: {{cron: '0 2 * * *', budget_usd: {budget}}}\n")
    with pytest.raises(ConfigError, match=r"x.yaml:6: nightly.budget_usd: "):
        load_configs(folder)


def test_an_account_may_say_that_it_does_not_bill_failures(tmp_path):
    text = MODEL.format(more="") + "accounts:\n  openai: {failures_billed: false, concurrency: 2}\n"
    (tmp_path / "models.yaml").write_text(text)
    account = load_configs(tmp_path).accounts["openai"]
    assert (account.failures_billed, account.concurrency) == (False, 2)


def test_what_a_cache_keeps_for_an_hour_costs_twice_the_input_at_anthropic():
    hour = {"cache_control": {"type": "ephemeral", "ttl": "1h"}}
    config = ModelConfig(provider="anthropic", id="m", price=Price(input=3, output=15), params=hour)
    assert config.price.cost(100_000, 0, 0, 100_000, 100_000) == pytest.approx(0.60)
    assert config.price.cost(100_000, 0, 0, 100_000, 40_000) == pytest.approx(0.06 * 3.75 + 0.04 * 6)
    assert (config.dearest_input, config.model_copy(update={"params": {}}).dearest_input) == (6.0, 3.75)
    own = ModelConfig(provider="anthropic", id="m", price=Price(input=3, output=15, written_hour=9), params=hour)
    assert own.price.cost(100_000, 0, 0, 100_000, 100_000) == pytest.approx(0.90)
