"""An arm: one experimental condition with its planned episodes; one YAML file in configs/."""

import difflib
import hashlib
import json
import re
import string
from datetime import datetime
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from cronsim import CronSim, CronSimError
from pydantic import Field, field_validator, model_validator

from di_assets.arms.yaml_files import Strict
from di_assets.game.types import FOCAL_CHANNELS, Channel, Rules

SELF = "self"
ID_FIELDS = {"focal", "replicate", "seed", "launch"}
# How a channel is written in a condition.
TALK: dict[Channel, str] = {
    "open": "msg-on",
    "none": "msg-off",
    "focal_muted": "focal-muted",
    "rivals_muted": "rivals-muted",
    "placebo": "placebo",
}
Names = Annotated[tuple[str, ...], Field(strict=False)]


def _nearest_zone(name: str) -> str:
    close = difflib.get_close_matches(name, available_timezones(), n=1)
    return f" (did you mean {close[0]!r}?)" if close else "; expected one such as 'Europe/Berlin'"


class Nightly(Strict):
    """A schedule of an arm.

    Attributes:
        cron: when, five fields; of the day of the month and the weekday, either counts where both are given.
        episodes: most episodes it plays each time; all that are left by default.
        budget_usd: most it may spend each time, US dollars; the arm's own budget holds besides.
        timezone: of the cron line.
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
        # What cronsim and Dagster read alike: neither L nor #, nor a day's step beside a weekday.
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


class Topology(Strict):
    """A graph over the seats: its name, and the generator's parameters (`edges` of an explicit list among them)."""

    name: str
    params: dict[str, Any] = Field(default_factory=dict)


class Outside(Strict):
    """Payoff in which a kept pull is worth `outside` points to its owner."""

    outside: Annotated[float, Field(gt=0, lt=1, strict=False)]


class Instructions(Strict):
    """Names of prompt files with instructions of their own, by role."""

    focal: str | None = None
    background: str | None = None


class Arm(Strict):
    """One experimental condition.

    Attributes:
        name: the file's name without `.yaml`.
        title: one line for people.
        id: pattern of episode ids, with {focal}, {replicate}, {seed}, {launch}.
        focal: models under test; none in a mixed arm.
        background: the rivals: models, or `self` where the focal model plays every seat.
        lineup: the models of a mixed arm, one a seat.
        episodes: planned episodes of each focal model (or of the mixed line-up).
        first_seed: replicate k plays seed first_seed + k, the same for every focal model.
        seeds: explicit seeds instead, one a replicate.
        seats: players.
        rounds: rounds.
        topology: graph over the seats.
        payoff: `pure`, or {outside: v}.
        channel: `open`, `none` (messages off), `focal_muted`, `rivals_muted` or `placebo`, as in the rules.
        mirrors: the arm whose plan this one repeats in another channel, seed by seed.
        relaunch: may be launched again and again, each launch kept apart.
        batch_size: most planned episodes of one partition.
        budget_usd: most that the whole arm may spend.
        in_flight: most episodes played at once.
    """

    name: str
    title: str
    id: str
    focal: Names = ()
    background: Literal["self"] | Names = ()
    lineup: Names = ()
    episodes: int | None = Field(default=None, ge=1)
    first_seed: int = Field(default=0, ge=0)
    seeds: tuple[int, ...] = Field(default=(), strict=False)
    seats: int = Field(default=5, ge=2, le=26)
    rounds: int = Field(default=25, ge=1)
    topology: Topology = Topology(name="complete")
    payoff: Literal["pure"] | Outside = "pure"
    channel: Channel = "open"
    visibility: Literal["public", "own"] = "public"
    horizon: Literal["known", "hidden"] = "known"
    exchanges: int = Field(default=1, ge=1)
    max_message_chars: int = Field(default=600, ge=1)
    instructions: Instructions = Instructions()
    mirrors: str | None = None
    relaunch: bool = False
    batch_size: int = Field(default=125, ge=1)
    budget_usd: Annotated[float, Field(ge=0, strict=False)] | None = None
    nightly: Nightly | None = None
    in_flight: int = Field(default=200, ge=1)

    @field_validator("topology", mode="before")
    @classmethod
    def _short_topology(cls, value: Any) -> Any:
        """`ring`, {name: watts_strogatz, k: 4, p: 0.1} and {edges: [[0, 1], ...]} are all ways to write one."""
        if isinstance(value, str):
            return {"name": value}
        if isinstance(value, dict) and "params" not in value:
            name = value.get("name", "edge_list" if "edges" in value else None)
            if name is None:
                raise ValueError("expected a name, {name: ..., parameters} or {edges: [[0, 1], ...]}")
            return {"name": name, "params": {k: v for k, v in value.items() if k != "name"}}
        return value

    @field_validator("id")
    @classmethod
    def _known_fields(cls, pattern: str) -> str:
        fields = {field for _, field, _, _ in string.Formatter().parse(pattern) if field is not None}
        if fields - ID_FIELDS:
            raise ValueError(f"unknown field {sorted(fields - ID_FIELDS)} in {pattern!r} (known: {sorted(ID_FIELDS)})")
        if not re.fullmatch(r"[A-Za-z0-9._-]+", re.sub(r"\{[a-z]+\}", "x", pattern)):
            raise ValueError(
                f"{pattern!r} becomes part of addresses: letters, digits, dots, dashes and underscores only"
            )
        if not fields & {"replicate", "seed"}:
            raise ValueError(f"{pattern!r} gives every episode the same id; it needs {{replicate}} or {{seed}}")
        return pattern

    @model_validator(mode="after")
    def _whole(self) -> "Arm":
        if self.episodes and self.seeds:
            raise ValueError("give either `episodes` with `first_seed`, or `seeds`, not both")
        if self.relaunch != ("{launch}" in self.id):
            raise ValueError("`relaunch: true` and {launch} in `id` go together")
        return self

    def check_cast(self) -> None:
        """Raises ValueError unless every seat has a player, now that line-ups and mirrored plans are filled in."""
        if bool(self.focal) == bool(self.lineup):
            raise ValueError("an arm has either `focal` models with a `background`, or a mixed `lineup`")
        if self.channel in FOCAL_CHANNELS and not self.focal:
            raise ValueError(f"channel: {self.channel!r} needs a focal seat, and a mixed `lineup` has none")
        if not (self.episodes or self.seeds):
            raise ValueError("give `episodes` (with `first_seed`), or `seeds`")
        if self.focal and "{focal}" not in self.id:
            raise ValueError("`id` needs {focal} where an arm has focal models")
        rivals = self.background != SELF
        size = len(self.lineup) if self.lineup else 1 + len(self.background) if rivals else self.seats
        if size != self.seats:
            raise ValueError(f"{size} players are named for {self.seats} seats")

    @property
    def replicate_seeds(self) -> tuple[int, ...]:
        """Seed of replicate k, for k = 0, 1, ..."""
        return self.seeds or tuple(range(self.first_seed, self.first_seed + (self.episodes or 0)))

    @property
    def models(self) -> tuple[str, ...]:
        """Every model that sits in some seat, sorted."""
        background = () if self.background == SELF else self.background
        return tuple(sorted({*self.focal, *background, *self.lineup}))

    @property
    def rules(self) -> Rules:
        """The rules its episodes are played by."""
        return Rules(
            n_rounds=self.rounds,
            channel=self.channel,
            exchanges=self.exchanges,
            max_message_chars=self.max_message_chars,
            visibility=self.visibility,
            horizon=self.horizon,
            outside=None if self.payoff == "pure" else self.payoff.outside,
        )

    @property
    def payoff_name(self) -> str:
        """`pure` or `outside(v)`."""
        return "pure" if self.payoff == "pure" else f"outside({self.payoff.outside:g})"

    @property
    def condition(self) -> str:
        """topology/payoff/messaging."""
        return f"{self.topology.name}/{self.payoff_name}/{TALK[self.channel]}"

    @property
    def planned(self) -> int:
        """Planned episodes, of one launch where it may be launched again."""
        return len(self.replicate_seeds) * max(1, len(self.focal))

    def config_hash(self, models: dict[str, dict[str, Any]]) -> str:
        """sha256 of all that can change an episode: the plan, the rules, and these models' identities by name."""
        apart = {"title", "batch_size", "budget_usd", "nightly", "in_flight", "episodes", "seeds", "first_seed"}
        kept = {"arm": self.model_dump(mode="json", exclude=apart), "models": models}
        return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()
