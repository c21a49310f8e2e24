"""Arms that a model plays over loopback, one a way of telling and hearing: for what is said, arrives and is known."""

import pytest

from di_assets.arms import load_configs
from di_assets.measures.declared import by_batch
from di_assets.measures.making import make_batch
from di_assets.play.batch import play_batch
from di_assets.tables import Warehouse
from tests.play.hostility import KEY, hostile, hostile_configs

ROUNDS = 4
ARMS = {
    "hard": "",
    "placebo": "mirrors: hard\nchannel: placebo\n",
    "focal_muted": "mirrors: hard\nchannel: focal_muted\n",
    "rivals_muted": "mirrors: hard\nchannel: rivals_muted\n",
    "own": "focal: [o, a]\nbackground: [o, a, promiser, tit_for_tat]\nepisodes: 2\nrounds: 4\nvisibility: own\nexchanges: 2\n"
    "topology: ring\npayoff: {outside: 0.5}\n",
}
EPISODES = [f"{arm}--o_r0" for arm in ARMS]


def play_spoken(folder):
    """Configuration and a warehouse in which each arm has its episodes, with every measure made batch by batch."""
    with pytest.MonkeyPatch.context() as patch, hostile(model=0.15) as url:
        patch.setenv("PLANTED_KEY", KEY)
        hostile_configs(folder / "configs", url, episodes=4, rounds=ROUNDS)
        for name, text in ARMS.items():
            if text:
                head = f"title: X\nid: {name}--{{focal}}_r{{replicate}}\nbudget_usd: 9\n"
                (folder / "configs" / f"{name}.yaml").write_text(head + text)
        configs, warehouse = load_configs(folder / "configs"), Warehouse(folder / "w")
        for name in ARMS:
            batch = f"{name}--b00"
            assert play_batch(configs, configs.arm(name), batch, warehouse).left == 0
            for measure in by_batch():
                make_batch(warehouse, measure, batch, {})
    return configs, warehouse
