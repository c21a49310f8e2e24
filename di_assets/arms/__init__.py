"""YAML -> frozen Arm -> planned episodes -> batches. Unknown keys and names are refused, with the nearest valid one."""

from di_assets.arms.arm import Arm
from di_assets.arms.configs import Configs, load_configs
from di_assets.arms.models import Account, Limits, ModelConfig, Price
from di_assets.arms.nightly import Nightly
from di_assets.arms.plan import PlannedEpisode, arm_of, batch_of, batches, new_launch, plan, planned_ids
from di_assets.arms.settings import ReportSettings
from di_assets.arms.yaml_files import ConfigError

__all__ = [
    "Account",
    "Arm",
    "ConfigError",
    "Configs",
    "Limits",
    "ModelConfig",
    "Nightly",
    "PlannedEpisode",
    "Price",
    "ReportSettings",
    "arm_of",
    "batch_of",
    "batches",
    "load_configs",
    "new_launch",
    "plan",
    "planned_ids",
]
