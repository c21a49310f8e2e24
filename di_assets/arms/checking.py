"""Whether arms can be played: all rules that an arm keeps as a whole, with its models, its prompts and other arms.

What a single key may hold is said where the key is (`arm.py`, `nightly.py`).
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

from di_assets.agents.scripted import POLICIES
from di_assets.arms.arm import OWN_TO_CONTROLS, SELF, Arm
from di_assets.arms.models import Models
from di_assets.arms.names import LONGEST_LAUNCH, id_problem, name_problem
from di_assets.arms.yaml_files import ConfigError, wrong
from di_assets.game.topology import TOPOLOGIES, edges
from di_assets.game.types import FOCAL_CHANNELS
from di_assets.nearest import nearest


def checked_arms(written: Mapping[str, Arm], files: Mapping[str, Path], models: Models, root: Path) -> dict[str, Arm]:
    """The arms as they are played: controls with the plan of the arm they mirror, line-ups with their members.

    Args:
        written: arms as their files say, by name.
        files: the file of each.
        models: what may be named in a line-up.
        root: the folder, with `prompts/`.

    Returns:
        By name, sorted.

    Raises:
        ConfigError: an arm that can't be played, with file, line, key and what would be right.
    """
    arms: dict[str, Arm] = {}
    # Controls last: what they take from another arm is wrong in that arm's file.
    for name, arm in sorted(written.items(), key=lambda one: (one[1].mirrors is not None, one[0])):
        path = files[name]
        whole = _with_lineups(arm if arm.mirrors is None else _mirrored(arm, written, path), models)
        _check_players(whole, models, path)
        _check_names(whole, path)
        _check_plan(whole, path)
        _check_topology(whole, path)
        _check_instructions(whole, path, root)
        if whole.budget_usd is None and any(model in models.models for model in whole.models):
            raise wrong(path, "budget_usd", "is missing; an arm with paid models says what it may spend (0 if free)")
        arms[name] = whole
    _refuse_shared_ids(arms, files)
    return {name: arms[name] for name in sorted(arms)}


def refuse_unknown(path: Path, key: str, names: Iterable[str], known: Iterable[str]) -> None:
    """Raises ConfigError for the first name that no model has, and suggests the nearest known name."""
    known = set(known)
    for name in names:
        if name not in known:
            raise wrong(path, key, f"no model {name!r}{nearest(name, known)}")


def _mirrored(arm: Arm, written: Mapping[str, Arm], path: Path) -> Arm:
    """The control: its own fields, and every other field from the arm that it mirrors."""
    others = [name for name, other in written.items() if name != arm.name and other.mirrors is None]
    if arm.mirrors not in others:
        raise wrong(path, "mirrors", f"no arm {arm.mirrors!r} to mirror{nearest(str(arm.mirrors), others)}")
    mirrored = written[arm.mirrors]
    taken = [name for name in type(mirrored).model_fields if name not in OWN_TO_CONTROLS]
    extra = sorted(arm.model_fields_set.intersection(taken))
    if extra:
        raise wrong(path, extra[0], f"comes from {arm.mirrors}, which this arm mirrors; remove it here")
    if arm.channel == mirrored.channel:
        raise wrong(path, "channel", f"is {arm.channel!r} in {arm.mirrors} too, so nothing is controlled for")
    return arm.model_copy(update={name: getattr(mirrored, name) for name in taken})


def _with_lineups(arm: Arm, models: Models) -> Arm:
    """The arm with each line-up's name in a list of models replaced by the members of the line-up."""
    update = {}
    for field in ("background", "lineup", "focal"):
        value = getattr(arm, field)
        if value != SELF:
            update[field] = tuple(m for name in value for m in models.lineups.get(name, (name,)))
    return arm.model_copy(update=update)


def _check_players(arm: Arm, models: Models, path: Path) -> None:
    """Checks that every seat has a known player, and that there is a focal seat if the channel needs one."""
    for field in ("focal", "lineup", "background"):
        value = getattr(arm, field)
        refuse_unknown(path, field, () if value == SELF else value, {*models.models, *POLICIES, *models.lineups})
    if bool(arm.focal) == bool(arm.lineup):
        raise wrong(path, "", "an arm has either `focal` models with a `background`, or a mixed `lineup`")
    if arm.channel in FOCAL_CHANNELS and not arm.focal:
        raise wrong(path, "", f"channel: {arm.channel!r} needs a focal seat, and a mixed `lineup` has none")
    size = len(arm.lineup) if arm.lineup else arm.seats if arm.background == SELF else 1 + len(arm.background)
    if size != arm.seats:
        raise wrong(path, "", f"{size} players are named for {arm.seats} seats")


def _check_names(arm: Arm, path: Path) -> None:
    """Checks that the arm's name and its episode ids can be names of files and records."""
    problem = name_problem(arm.name)
    if problem is not None:
        raise ConfigError(f"{path}: the file's name is the arm's: {problem}")
    seeds = arm.replicate_seeds or (0,)
    for focal in arm.focal or (None,):
        longest = arm.id.format(focal=focal, replicate=len(seeds) - 1, seed=max(seeds), launch=LONGEST_LAUNCH)
        problem = id_problem(longest)
        if problem is not None:
            raise wrong(path, "id", problem)


def _check_plan(arm: Arm, path: Path) -> None:
    """Checks that the arm says which episodes it plans, and that each gets a unique id."""
    if arm.episodes and arm.seeds:
        raise wrong(path, "", "give either `episodes` with `first_seed`, or `seeds`, not both")
    if not (arm.episodes or arm.seeds):
        raise wrong(path, "", "give `episodes` (with `first_seed`), or `seeds`")
    if arm.focal and "{focal}" not in arm.id:
        raise wrong(path, "", "`id` needs {focal} where an arm has focal models")
    if arm.relaunch != ("{launch}" in arm.id):
        raise wrong(path, "", "`relaunch: true` and {launch} in `id` go together")


def _check_topology(arm: Arm, path: Path) -> None:
    name = arm.topology.name
    if name not in TOPOLOGIES:
        raise wrong(path, "topology", f"no graph {name!r}{nearest(name, TOPOLOGIES)}")
    try:
        edges(name, arm.seats, seed=arm.replicate_seeds[0], params=arm.topology.params)
    except (ValueError, TypeError) as error:
        raise wrong(path, "topology", str(error)) from error


def _check_instructions(arm: Arm, path: Path, root: Path) -> None:
    """Checks that the prompt files it names exist."""
    available = [file.stem for file in (root / "prompts" / "instructions").glob("*.md")]
    for role, name in arm.instructions:
        if name is not None and name not in available:
            if not (folder := root / "prompts").is_dir():
                raise ConfigError(
                    f"{folder}: no such folder; copy configs/prompts: players are told the game by its files"
                )
            raise wrong(path, f"instructions.{role}", f"no such prompt file {name!r}{nearest(name, available)}")


def _refuse_shared_ids(arms: Mapping[str, Arm], files: Mapping[str, Path]) -> None:
    patterns: dict[str, str] = {}
    for name, arm in arms.items():
        if arm.id in patterns:
            raise wrong(files[name], "id", f"{arm.id!r} is also the pattern of {patterns[arm.id]}; ids must differ")
        patterns[arm.id] = name
