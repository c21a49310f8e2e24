"""Settings beside the arms: what the pages say of themselves, and where episodes are played."""

import os
from pathlib import Path
from typing import Literal, get_args

from pydantic import Field

from di_assets.arms.yaml_files import ConfigError, Strict, nearest, read_yaml

Engine = Literal["local", "dask"]


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

    engine: Engine = "local"
    scheduler: str | None = Field(default=None, min_length=1)
    chunk: int = Field(default=5, ge=1)
    drain_s: float = Field(default=30.0, ge=0, allow_inf_nan=False)


LOCAL = PlaySettings()


def read_report(path: Path) -> ReportSettings:
    """What the file says; the defaults where there is none.

    Raises:
        ConfigError: see `read_yaml`.
    """
    return read_yaml(path, ReportSettings) if path.exists() else ReportSettings()


def read_play(path: Path) -> PlaySettings:
    """What the file says, the defaults where there is none; DI_ENGINE and DI_DASK_SCHEDULER count for more.

    Raises:
        ConfigError: see `read_yaml`; or an engine that is none, or `dask` without a scheduler.
    """
    settings = read_yaml(path, PlaySettings) if path.exists() else PlaySettings()
    given = {"engine": os.environ.get("DI_ENGINE"), "scheduler": os.environ.get("DI_DASK_SCHEDULER")}
    if given["engine"] not in {None, "", *get_args(Engine)}:
        raise ConfigError(f"DI_ENGINE: {given['engine']!r} is none{nearest(str(given['engine']), get_args(Engine))}")
    settings = settings.model_copy(update={key: value for key, value in given.items() if value})
    if settings.engine == "dask" and settings.scheduler is None:
        raise ConfigError(f"{path}: scheduler: dask needs one, such as tcp://127.0.0.1:8786 (or DI_DASK_SCHEDULER)")
    return settings
