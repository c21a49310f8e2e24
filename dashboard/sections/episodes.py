"""The Episodes page: the number of episodes, and the columns of their table."""

from dataclasses import dataclass
from typing import ClassVar

import polars as pl

from dashboard.parts import Words

COLUMNS = {"episode_id": "episode", "condition": "condition", "focal_model": "focal model", "scripted": "scripted",
           "status": "status", "failure": "reason", "n_calls": "calls", "n_forfeits": "forfeits",
           "cost_usd": "US dollars"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class NoneLikeThat:
    """Shown if no episode matches the filters."""

    template: ClassVar[str] = "none_like_that"


def counted(frame: pl.DataFrame, *, live: bool) -> Words:
    """The number of episodes that are shown; if `live`, a screen reader reads it when it changes."""
    return Words(f"{frame.height:,} episodes", "sub", role="status" if live else "")
