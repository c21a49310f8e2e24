"""Settings besides the arms: the titles of the pages (report.yaml), and where episodes are played (play.yaml)."""

import os
from pathlib import Path
from typing import Literal, get_args

from pydantic import Field

from di_assets.arms.yaml_files import ConfigError, Strict, read_yaml
from di_assets.nearest import nearest

Engine = Literal["local", "dask"]


class ReportSettings(Strict):
    """The settings of the report, from report.yaml.

    Attributes:
        title: the title above every question.
        subtitle: the line below the title.
        status: status of the report, for example that it is a draft.
        precision: the half-width of a lift's 95% interval that play aims at, points per episode.
    """

    title: str = "Delegated Influence"
    subtitle: str = ""
    status: str = "private draft — not for citation"
    precision: float = Field(default=5.0, gt=0)


class BatchSettings(Strict):
    """How arms with `engine: batch` are played.

    Attributes:
        reask: an invalid reply is asked again in the next `wave`, or `live` at once and at the live price.
        poll_s: the first wait between two questions whether a batch has ended, seconds. Later waits are longer.
        longest_poll_s: the longest of them, seconds.
    """

    reask: Literal["wave", "live"] = "wave"
    poll_s: float = Field(default=60.0, gt=0)
    longest_poll_s: float = Field(default=600.0, gt=0)


class PlaySettings(Strict):
    """Where episodes are played: from play.yaml, or from DI_ENGINE and DI_DASK_SCHEDULER.

    These settings do not change what is played, so they are in no hash of an episode.

    Attributes:
        engine: `local` plays in the process that materialises a batch, `dask` on a cluster.
        scheduler: address of the cluster's scheduler, in Dask's form (`tcp://HOST:8786`).
        chunk: number of episodes per task of the cluster.
        drain_s: the longest time that replies on their way are waited for when play ends early, seconds.
        batch: how arms with `engine: batch` are played.
    """

    engine: Engine = "local"
    scheduler: str | None = Field(default=None, min_length=1)
    chunk: int = Field(default=5, ge=1)
    drain_s: float = Field(default=30.0, ge=0, allow_inf_nan=False)
    batch: BatchSettings = BatchSettings()


LOCAL = PlaySettings()


def read_report(path: Path) -> ReportSettings:
    """Reads report.yaml; the defaults if the file does not exist.

    Raises:
        ConfigError: see `read_yaml`.
    """
    return read_yaml(path, ReportSettings) if path.exists() else ReportSettings()


def read_play(path: Path) -> PlaySettings:
    """Reads play.yaml; the defaults if it does not exist. DI_ENGINE and DI_DASK_SCHEDULER override it.

    Raises:
        ConfigError: see `read_yaml`; also for an unknown engine, or `dask` without a scheduler.
    """
    settings = read_yaml(path, PlaySettings) if path.exists() else PlaySettings()
    given = {"engine": os.environ.get("DI_ENGINE"), "scheduler": os.environ.get("DI_DASK_SCHEDULER")}
    if given["engine"] not in {None, "", *get_args(Engine)}:
        raise ConfigError(f"DI_ENGINE: {given['engine']!r} is none{nearest(str(given['engine']), get_args(Engine))}")
    settings = settings.model_copy(update={key: value for key, value in given.items() if value})
    if settings.engine == "dask" and settings.scheduler is None:
        raise ConfigError(f"{path}: scheduler: dask needs one, such as tcp://127.0.0.1:8786 (or DI_DASK_SCHEDULER)")
    return settings
