"""`di plan` compares live play with play in batches: dollars, waves, hours, and which is cheaper."""

import pytest
from click.testing import CliRunner

from di_assets.arms import load_configs
from di_assets.arms.settings import BatchSettings
from di_assets.cli.__main__ import main
from di_assets.play.engines import WAVE_S
from di_assets.play.estimate import estimate
from di_assets.tables import Warehouse
from di_assets.tables.words import BATCH, LIVE
from tests.conftest import ROOT

HALF = "batch: {input: 1.5, output: 7.5}"


def configs_of(folder, price, *, engine="live", episodes=10, batch_size=125):
    """Two arms: `talk` and its control, five seats of one model."""
    folder.mkdir()
    (folder / "prompts").symlink_to(ROOT / "configs" / "prompts")
    (folder / "models.yaml").write_text(f"models:\n  m: {{provider: openai, id: x, key: none, price: {{{price}}}}}\n")
    (folder / "talk.yaml").write_text(
        f"title: T\nid: talk--{{focal}}_r{{replicate}}\nfocal: [m]\nbackground: self\nepisodes: {episodes}\n"
        f"rounds: 25\nbudget_usd: 1000\nengine: {engine}\nbatch_size: {batch_size}\n"
    )
    (folder / "mute.yaml").write_text(
        "title: M\nid: mute--{focal}_r{replicate}\nmirrors: talk\nchannel: none\nbudget_usd: 1000\n"
    )
    return load_configs(folder)


def planned(tmp_path, price, **more):
    """(the estimate of `talk`, what `di plan talk` prints)."""
    configs = configs_of(tmp_path / "configs", price, **more)
    options = ["--warehouse", str(tmp_path / "w"), "--configs", str(tmp_path / "configs")]
    said = CliRunner().invoke(main, [*options, "plan", "talk"])
    assert said.exit_code == 0, said.output
    return estimate(configs, configs.arm("talk"), Warehouse(tmp_path / "w")), said.output


def test_at_equal_cache_shares_half_the_price_is_half_the_cost(tmp_path):
    need, said = planned(tmp_path, f"input: 3, output: 15, {HALF}")
    live, batch = need.engines
    assert live.cached == batch.cached == 0
    assert batch.cost_usd <= 0.55 * live.cost_usd
    assert batch.cheaper_than(live) == pytest.approx(0.5)
    assert "batch is 50% cheaper" in said
    assert need.cost_usd == live.cost_usd  # as the arm is played


def test_where_prompts_are_cached_live_play_may_be_cheaper_and_the_plan_says_so(tmp_path):
    need, said = planned(tmp_path, f"input: 3, cached: 0.3, output: 15, {HALF}")
    live, batch = need.engines
    assert live.cached > 0.8
    assert batch.cached == 0
    assert batch.cost_usd > live.cost_usd
    assert f"live is {live.cheaper_than(batch):.0%} cheaper (no batch was played yet" in said
    assert "this arm is played by `engine: live`" in said


def test_an_arm_played_in_batches_is_planned_at_their_price(tmp_path):
    need, said = planned(tmp_path, f"input: 3, output: 15, {HALF}", engine="batch", batch_size=5)
    batch = need.engines[1]
    assert (batch.engine, batch.waves) == (BATCH, 2 * 50)  # two partitions, one after the other
    assert need.cost_usd == batch.cost_usd
    assert need.hours == batch.hours == 100 * WAVE_S / 3600
    assert "100 waves, about 100.0 hours" in said


def test_no_price_for_batches_no_comparison(tmp_path):
    need, said = planned(tmp_path, "input: 3, output: 15")
    assert need.engines == ()
    assert "waves" not in said


def test_a_control_is_played_by_the_engine_of_its_arm(tmp_path):
    configs = configs_of(tmp_path / "configs", "input: 3, output: 15", engine="batch")
    assert configs.arm("mute").engine == BATCH
    live = configs.arm("talk").model_copy(update={"engine": LIVE})
    assert configs.config_hash(live) == configs.config_hash(configs.arm("talk"))
    assert configs.play.batch == BatchSettings()
