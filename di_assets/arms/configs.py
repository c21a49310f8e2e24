"""The folder of configuration: models, report, play, prompts/ and one file per arm, read and checked together."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import Field

from di_assets.agents.scripted import POLICIES
from di_assets.arms.arm import SELF, Arm
from di_assets.arms.models import Account, ModelConfig, Models
from di_assets.arms.names import LONGEST_LAUNCH, id_problem, name_problem
from di_assets.arms.yaml_files import ConfigError, Strict, nearest, read_yaml, wrong
from di_assets.game.topology import TOPOLOGIES, edges

ENGINES = ("local", "dask")
PLAN_FIELDS = (
    "focal",
    "background",
    "lineup",
    "episodes",
    "first_seed",
    "seeds",
    "seats",
    "rounds",
    "topology",
    "payoff",
    "visibility",
    "horizon",
    "exchanges",
    "max_message_chars",
    "instructions",
    "relaunch",
)
APART = {"models.yaml", "report.yaml", "play.yaml"}


class ReportSettings(Strict):
    """What the pages say of themselves: report.yaml.

    Attributes:
        title: above every question.
        subtitle: below it.
        status: of the report.
        precision: half-width of a lift's 95% interval that arms are played for, points an episode.
    """

    title: str = "Delegated Influence"
    subtitle: str = ""
    status: str = "private draft — not for citation"
    precision: float = Field(default=5.0, gt=0)


class PlaySettings(Strict):
    """Where episodes are played: play.yaml, or DI_ENGINE and DI_DASK_SCHEDULER. No part of what is played.

    Attributes:
        engine: `local` in the process that materialises a batch, `dask` on a cluster.
        scheduler: of the cluster, as Dask takes it (`tcp://HOST:8786`).
        chunk: episodes a task.
        drain_s: most seconds that replies on their way are waited for when play is told to end.
    """

    engine: Literal["local", "dask"] = "local"
    scheduler: str | None = Field(default=None, min_length=1)
    chunk: int = Field(default=5, ge=1)
    drain_s: float = Field(default=30.0, ge=0, allow_inf_nan=False)


LOCAL = PlaySettings()


@dataclass(frozen=True, slots=True)
class Configs:
    """All configuration, checked.

    Attributes:
        root: the folder.
        arms: by name, sorted.
        models: by name.
        accounts: what holds for accounts, by name; its limits are shared by the models that are reached there.
        report: what the pages say of themselves.
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
        """Control arm with messages off -> the arm it mirrors: what the lift compares."""
        return {arm.name: arm.mirrors for arm in self.arms.values() if arm.mirrors and arm.channel == "none"}

    @property
    def controls(self) -> dict[str, dict[str, str]]:
        """Arm with an open channel -> its controls, each with its channel."""
        controls: dict[str, dict[str, str]] = {}
        for arm in self.arms.values():
            if arm.mirrors and self.arms[arm.mirrors].channel == "open":
                controls.setdefault(arm.mirrors, {})[arm.name] = arm.channel
        return controls

    def arm(self, name: str) -> Arm:
        """The arm of this name.

        Raises:
            ConfigError: there is none; the nearest is named.
        """
        if name not in self.arms:
            raise ConfigError(f"no arm {name!r} in {self.root}{nearest(name, self.arms)}")
        return self.arms[name]

    def is_scripted(self, model: str) -> bool:
        """True for a scripted agent, which needs no entry in models.yaml."""
        return model in POLICIES

    def is_free(self, models: Iterable[str]) -> bool:
        """True where scripted agents play alone: nothing they do is charged."""
        return all(map(self.is_scripted, models))

    def only_scripted(self, arm: Arm) -> bool:
        """True for an arm without any model."""
        return self.is_free(arm.models)

    def config_hash(self, arm: Arm) -> str:
        """sha256 of all that can change the arm's episodes."""
        identities = {m: self.models[m].identity() if m in self.models else {"scripted": m} for m in arm.models}
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
    report = read_yaml(root / "report.yaml", ReportSettings) if (root / "report.yaml").exists() else ReportSettings()
    files = {path.stem: path for path in sorted(root.glob("*.yaml")) if path.name not in APART}
    read = {name: read_yaml(path, Arm, name=name) for name, path in files.items()}
    arms: dict[str, Arm] = {}
    # Those that mirror others last: what they take over is wrong where it is written.
    for name, arm in sorted(read.items(), key=lambda one: (one[1].mirrors is not None, one[0])):
        resolved = _mirrored(arm, read, files[name]) if arm.mirrors is not None else arm
        arms[name] = _checked(_with_lineups(resolved, models), models, files[name], root)
    _refuse_shared_ids(arms, files)
    return Configs(
        root=root,
        arms={name: arms[name] for name in sorted(arms)},
        models=models.models,
        accounts=models.accounts,
        report=report,
        play=_play(root / "play.yaml"),
    )


def _play(path: Path) -> PlaySettings:
    settings = read_yaml(path, PlaySettings) if path.exists() else PlaySettings()
    given = {"engine": os.environ.get("DI_ENGINE"), "scheduler": os.environ.get("DI_DASK_SCHEDULER")}
    if given["engine"] not in {None, "", *ENGINES}:
        raise ConfigError(f"DI_ENGINE: {given['engine']!r} is none{nearest(str(given['engine']), ENGINES)}")
    settings = settings.model_copy(update={key: value for key, value in given.items() if value})
    if settings.engine == "dask" and settings.scheduler is None:
        raise ConfigError(f"{path}: scheduler: dask needs one, such as tcp://127.0.0.1:8786 (or DI_DASK_SCHEDULER)")
    return settings


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
        _refuse_unknown(path, f"lineups.{lineup}", members, {*models.models, *POLICIES})
    return models


def _mirrored(arm: Arm, arms: Mapping[str, Arm], path: Path) -> Arm:
    """The control with the plan of the arm that it mirrors."""
    others = [name for name, other in arms.items() if name != arm.name and other.mirrors is None]
    if arm.mirrors not in others:
        raise wrong(path, "mirrors", f"no arm {arm.mirrors!r} to mirror{nearest(str(arm.mirrors), others)}")
    own = sorted(set(PLAN_FIELDS) & arm.model_fields_set)
    if own:
        raise wrong(path, own[0], f"comes from {arm.mirrors}, which this arm mirrors; remove it here")
    mirrored = arms[arm.mirrors]
    if arm.channel == mirrored.channel:
        raise wrong(path, "channel", f"is {arm.channel!r} in {arm.mirrors} too, so nothing is controlled for")
    return arm.model_copy(update={field: getattr(mirrored, field) for field in PLAN_FIELDS})


def _with_lineups(arm: Arm, models: Models) -> Arm:
    """Names of line-ups, written as the one entry of a list, replaced by their members."""
    update = {}
    for field in ("background", "lineup", "focal"):
        value = getattr(arm, field)
        if value != SELF:
            update[field] = tuple(m for name in value for m in models.lineups.get(name, (name,)))
    return arm.model_copy(update=update)


def _checked(arm: Arm, models: Models, path: Path, root: Path) -> Arm:
    known = {*models.models, *POLICIES}
    for field in ("focal", "lineup", "background"):
        value = getattr(arm, field)
        _refuse_unknown(path, field, () if value == SELF else value, {*known, *models.lineups})
    _refuse_names(arm, path)
    try:
        arm.check_cast()
    except ValueError as error:
        raise wrong(path, "", str(error)) from error
    if arm.topology.name not in TOPOLOGIES:
        raise wrong(path, "topology", f"no graph {arm.topology.name!r}{nearest(arm.topology.name, TOPOLOGIES)}")
    try:
        edges(arm.topology.name, arm.seats, seed=arm.replicate_seeds[0], params=arm.topology.params)
    except (ValueError, TypeError) as error:
        raise wrong(path, "topology", str(error)) from error
    for role in ("focal", "background"):
        name = getattr(arm.instructions, role)
        available = [p.stem for p in (root / "prompts" / "instructions").glob("*.md")]
        if name is not None and name not in available:
            raise wrong(path, f"instructions.{role}", f"no such prompt file {name!r}{nearest(name, available)}")
    if arm.budget_usd is None and any(m in models.models for m in arm.models):
        raise wrong(path, "budget_usd", "is missing; an arm with paid models says what it may spend (0 if free)")
    return arm


def _refuse_names(arm: Arm, path: Path) -> None:
    """Refuses what no file and no record can be named."""
    problem = name_problem(arm.name)
    if problem is not None:
        raise ConfigError(f"{path}: the file's name is the arm's: {problem}")
    seeds = arm.replicate_seeds or (0,)
    for focal in arm.focal or (None,):
        longest = arm.id.format(focal=focal, replicate=len(seeds) - 1, seed=max(seeds), launch=LONGEST_LAUNCH)
        problem = id_problem(longest)
        if problem is not None:
            raise wrong(path, "id", problem)


def _refuse_unknown(path: Path, key: str, names: Iterable[str], known: Iterable[str]) -> None:
    known = set(known)
    for name in names:
        if name not in known:
            raise wrong(path, key, f"no model {name!r}{nearest(name, known)}")


def _refuse_shared_ids(arms: Mapping[str, Arm], files: Mapping[str, Path]) -> None:
    patterns: dict[str, str] = {}
    for name, arm in arms.items():
        if arm.id in patterns:
            raise wrong(files[name], "id", f"{arm.id!r} is also the pattern of {patterns[arm.id]}; ids must differ")
        patterns[arm.id] = name
