"""The configuration folder: models, report, play, prompts/ and one file per arm, read and checked together."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from di_assets.agents.scripted import POLICIES
from di_assets.arms.arm import SELF, Arm
from di_assets.arms.checking import checked_arms, refuse_unknown
from di_assets.arms.models import Account, ModelConfig, Models
from di_assets.arms.names import name_problem
from di_assets.arms.settings import LOCAL, PlaySettings, ReportSettings, read_play, read_report
from di_assets.arms.yaml_files import ConfigError, read_yaml, wrong
from di_assets.nearest import nearest
from di_assets.tables.words import NO_MESSAGES, OPEN, SCRIPTED

APART = {"models.yaml", "report.yaml", "play.yaml"}


@dataclass(frozen=True, slots=True)
class Configs:
    """All configuration, checked.

    Attributes:
        root: the folder.
        arms: by name, sorted.
        models: by name.
        accounts: settings of accounts, by name; models of one account share its limits.
        report: title and other settings of the pages.
        play: where episodes are played.
    """

    root: Path
    arms: Mapping[str, Arm]
    models: Mapping[str, ModelConfig]
    accounts: Mapping[str, Account]
    report: ReportSettings
    play: PlaySettings = LOCAL

    @property
    def prompts(self) -> Path:
        """Folder of the prompt files."""
        return self.root / "prompts"

    @property
    def mirrors(self) -> dict[str, str]:
        """Control arm with messages off -> the arm it mirrors. The lift compares the two."""
        return {arm.name: arm.mirrors for arm in self.arms.values() if arm.mirrors and arm.channel == NO_MESSAGES}

    @property
    def controls(self) -> dict[str, dict[str, str]]:
        """Arm with an open channel -> its controls, each with its channel."""
        controls: dict[str, dict[str, str]] = {}
        for arm in self.arms.values():
            if arm.mirrors and self.arms[arm.mirrors].channel == OPEN:
                controls.setdefault(arm.mirrors, {})[arm.name] = arm.channel
        return controls

    def arm(self, name: str) -> Arm:
        """The arm with this name.

        Raises:
            ConfigError: there is none; the message suggests the nearest name.
        """
        if name not in self.arms:
            raise ConfigError(f"no arm {name!r} in {self.root}{nearest(name, self.arms)}")
        return self.arms[name]

    def is_scripted(self, model: str) -> bool:
        """True for a scripted agent, which needs no entry in models.yaml."""
        return model in POLICIES

    def is_free(self, models: Iterable[str]) -> bool:
        """True if only scripted agents play, so that nothing is charged."""
        return all(map(self.is_scripted, models))

    def only_scripted(self, arm: Arm) -> bool:
        """True for an arm without any model."""
        return self.is_free(arm.models)

    def config_hash(self, arm: Arm) -> str:
        """sha256 of everything that can change the arm's episodes."""
        identities = {m: self.models[m].identity() if m in self.models else {SCRIPTED: m} for m in arm.models}
        return arm.config_hash(identities)


def load_configs(root: Path) -> Configs:
    """Reads and checks the whole folder.

    Raises:
        ConfigError: with file, line, key and the nearest valid name.
    """
    if not root.is_dir():
        raise ConfigError(f"{root}: no such folder; say where the arms are with --configs or DI_CONFIGS")
    if not os.access(root, os.R_OK | os.X_OK):
        raise ConfigError(f"{root}: this user may not read the folder; grant it, or name another with --configs")
    models = _models(root / "models.yaml")
    files = {path.stem: path for path in sorted(root.glob("*.yaml")) if path.name not in APART}
    written = {name: read_yaml(path, Arm, name=name) for name, path in files.items()}
    return Configs(
        root=root,
        arms=checked_arms(written, files, models, root),
        models=models.models,
        accounts=models.accounts,
        report=read_report(root / "report.yaml"),
        play=read_play(root / "play.yaml"),
    )


def _models(path: Path) -> Models:
    models = read_yaml(path, Models) if path.exists() else Models(models={})
    for name in models.models:
        if name in POLICIES or name == SELF:
            raise wrong(path, f"models.{name}", "this is the name of a scripted agent; choose another")
        problem = name_problem(name)
        if problem is not None:
            raise wrong(path, f"models.{name}", problem)
    accounts = {config.account for config in models.models.values()}
    for account in models.accounts:
        if account not in accounts:
            raise wrong(path, f"accounts.{account}", f"no model is reached there{nearest(account, accounts)}")
    for lineup, members in models.lineups.items():
        refuse_unknown(path, f"lineups.{lineup}", members, {*models.models, *POLICIES})
    return models
