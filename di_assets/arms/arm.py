"""An arm: one experimental condition with its planned episodes; one YAML file in configs/."""

import hashlib
import json
import re
import string
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from di_assets.arms.nightly import Nightly
from di_assets.arms.yaml_files import Strict
from di_assets.game.types import Channel, Rules
from di_assets.tables.words import LIVE, OPEN, condition_of

SELF = "self"
# Fields that a control sets itself. It takes every other field, also new ones, from the arm that it mirrors, so that
# the two differ only in the channel. Besides the channel, only fields that change no game may be listed here.
OWN_TO_CONTROLS = frozenset(
    {"name", "title", "id", "channel", "mirrors", "batch_size", "budget_usd", "nightly", "in_flight"}
)
ID_FIELDS = {"focal", "replicate", "seed", "launch"}
Names = Annotated[tuple[str, ...], Field(strict=False)]


class Topology(Strict):
    """A graph over the seats: its name and the generator's parameters (for an explicit list: `edges`)."""

    name: str
    params: dict[str, Any] = Field(default_factory=dict)


class Outside(Strict):
    """Payoff in which a seat gets `outside` points for a pull that it keeps."""

    outside: Annotated[float, Field(gt=0, lt=1, strict=False)]


class Instructions(Strict):
    """Names of prompt files with extra instructions, by role."""

    focal: str | None = None
    background: str | None = None


class Arm(Strict):
    """One experimental condition.

    Attributes:
        name: the file's name without `.yaml`.
        title: one line for people.
        id: pattern of episode ids, with {focal}, {replicate}, {seed}, {launch}.
        focal: models under test; none in a mixed arm.
        background: the rivals: models, or `self` if the focal model plays every seat.
        lineup: the models of a mixed arm, one per seat.
        episodes: planned episodes of each focal model (or of the mixed line-up).
        first_seed: replicate k plays seed first_seed + k, the same for every focal model.
        seeds: explicit seeds, one per replicate, instead of `first_seed`.
        seats: number of players.
        rounds: number of rounds.
        topology: graph over the seats.
        payoff: `pure`, or {outside: v}.
        channel: `open`, `none` (messages off), `focal_muted`, `rivals_muted` or `placebo`, as in the rules.
        mirrors: the arm of which this one is a control: the same plan, seed by seed, in another channel.
        relaunch: it may be launched repeatedly; each launch is kept separate.
        batch_size: most planned episodes of one partition.
        budget_usd: the most that the whole arm may spend, US dollars.
        in_flight: most episodes played at once, where models are asked live.
        engine: how models are asked: `live`, or by `batch` interfaces, all episodes of a partition together.
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
    channel: Channel = OPEN
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
    engine: Literal["live", "batch"] = LIVE

    @field_validator("topology", mode="before")
    @classmethod
    def _short_topology(cls, value: Any) -> Any:
        """Accepts all ways to write a topology.

        They are a name such as `ring`, {name: watts_strogatz, k: 4, p: 0.1}, and {edges: [[0, 1], ...]}.
        """
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

    @property
    def replicate_seeds(self) -> tuple[int, ...]:
        """Seed of replicate k, for k = 0, 1, ..."""
        return self.seeds or tuple(range(self.first_seed, self.first_seed + (self.episodes or 0)))

    @property
    def models(self) -> tuple[str, ...]:
        """All models that sit in some seat, sorted."""
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
        return condition_of(self.topology.name, self.payoff_name, self.channel)

    @property
    def planned(self) -> int:
        """Number of planned episodes; of one launch if the arm may be launched again."""
        return len(self.replicate_seeds) * max(1, len(self.focal))

    def config_hash(self, models: dict[str, dict[str, Any]]) -> str:
        """sha256 of everything that can change an episode: the plan, the rules, and the identities of these models."""
        apart = {
            "title",
            "batch_size",
            "budget_usd",
            "nightly",
            "in_flight",
            "episodes",
            "seeds",
            "first_seed",
            "engine",
        }
        hashed = {"arm": self.model_dump(mode="json", exclude=apart), "models": models}
        return hashlib.sha256(json.dumps(hashed, sort_keys=True).encode()).hexdigest()
