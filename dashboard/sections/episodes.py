"""The Episodes page: how many there are, and the columns of their table."""

from dataclasses import dataclass
from typing import ClassVar

import polars as pl

from dashboard.parts import Words

COLUMNS = {"episode_id": "episode", "condition": "condition", "focal_model": "focal model", "scripted": "scripted",
           "status": "status", "failure": "reason", "n_calls": "calls", "n_forfeits": "forfeits",
           "cost_usd": "US dollars"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class NoneLikeThat:
    """No episode is as was asked for."""

    template: ClassVar[str] = "none_like_that"


def counted(frame: pl.DataFrame, *, live: bool) -> Words:
    """How many episodes are shown; `live` is read out when it changes."""
    return Words(f"{frame.height:,} episodes", "sub", role="status" if live else "")
