"""The nightly schedule of an arm: its cron line, and how much it plays each time."""

import difflib
import re
from datetime import datetime
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from cronsim import CronSim, CronSimError
from pydantic import Field, field_validator

from di_assets.arms.yaml_files import Strict


def _nearest_zone(name: str) -> str:
    close = difflib.get_close_matches(name, available_timezones(), n=1)
    return f" (did you mean {close[0]!r}?)" if close else "; expected one such as 'Europe/Berlin'"


class Nightly(Strict):
    """The schedule of an arm, and how much it plays each time.

    Attributes:
        cron: the start times, a cron line of five fields. If it gives a day of the month and a weekday, a day that
            matches either of them counts.
        episodes: the most episodes to play each time; None plays all that are left.
        budget_usd: the most to spend each time, US dollars. The budget of the arm holds as well.
        timezone: the time zone of the cron line.
    """

    cron: str
    episodes: int | None = None
    budget_usd: Annotated[float, Field(strict=False)] | None = None
    timezone: str = "UTC"

    @field_validator("cron")
    @classmethod
    def _comes(cls, cron: str) -> str:
        fields = cron.split()
        if len(fields) != 5:
            raise ValueError(f"expected five fields such as '0 2 * * *', found {cron!r}")
        # Only what cronsim and Dagster read in the same way: no L, no #, no step in the day together with a weekday.
        if not all(re.fullmatch(r"([\d*,/-]|\b[A-Za-z]{3}\b)+", field) for field in fields):
            raise ValueError(f"expected numbers, *, lists, ranges and steps, such as '0 2 * * 1-5', found {cron!r}")
        if "*" not in {fields[2], fields[4]} and "*" in fields[2] + fields[4]:
            raise ValueError(f"expected a step (*/n) of days or weekdays without the other, found {cron!r}")
        try:
            next(CronSim(cron, datetime(2026, 1, 1)))  # noqa: DTZ001 -- whether it ever comes, in no zone
        except CronSimError as error:
            raise ValueError(f"{error}: expected a time that comes, such as '0 2 * * *', found {cron!r}") from error
        except StopIteration:
            raise ValueError(f"expected a time that comes, such as '0 2 * * *'; {cron!r} never does") from None
        return " ".join(fields)

    @field_validator("episodes")
    @classmethod
    def _some(cls, episodes: int | None) -> int | None:
        if episodes is not None and episodes < 1:
            raise ValueError(
                f"expected 1 or more, or no such key where a night plays all that are left; found {episodes}"
            )
        return episodes

    @field_validator("budget_usd")
    @classmethod
    def _money(cls, budget: float | None) -> float | None:
        if budget is not None and not budget > 0:
            raise ValueError(f"expected more than 0, or no such key where the arm's budget is enough; found {budget:g}")
        return budget

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValueError(f"no time zone {name!r}{_nearest_zone(name)}") from error
        return name
