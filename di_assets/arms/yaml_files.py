"""Reads one YAML file into a frozen model. Every error becomes one line: file, line, key, what would be right."""

from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from di_assets.nearest import nearest

M = TypeVar("M", bound=BaseModel)


class ConfigError(ValueError):
    """A configuration file is wrong. The message is one line that says where, and what would be right."""

    exit_code = 2


def wrong(path: Path, key: str, text: str) -> ConfigError:
    """The error for a key of a YAML file, with the line of the key if the file contains it.

    Args:
        path: the file.
        key: parts joined by dots, such as `lineups.big`; empty if the error concerns the whole file.
        text: what is wrong, and what would be right.
    """
    tree = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader) if path.exists() else None
    parts: list[int | str] = []
    node: Any = tree
    rest = key
    while node is not None and rest:
        # A key may itself contain dots, as names of models do, so the longest match in the file is used.
        heads = [rest, *(rest[:at] for at in range(len(rest) - 1, 0, -1) if rest[at] == ".")]
        head, found = next(((one, child) for one in heads if (child := _child(node, one))), (rest, None))
        parts.append(head)
        node, rest = (found[1], rest[len(head) + 1 :]) if found else (None, "")
    where = (
        f"{path}:{_line(tree, tuple(parts))}" if tree is not None and parts and _child(tree, parts[0]) else f"{path}"
    )
    return ConfigError(f"{where}: {key + ': ' if key else ''}{text}")


class Strict(BaseModel):
    """A frozen section of a configuration file. It refuses unknown keys and numbers that are not finite."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


def read_yaml(path: Path, model: type[M], *, name: str | None = None) -> M:
    """Reads one file into one model.

    Args:
        path: the file.
        model: the model that the file must match.
        name: value for the key `name`, if the model needs the file's name.

    Raises:
        ConfigError: the file cannot be read, is not YAML, has an unknown key, or has an impossible value.
    """
    try:
        text = path.read_text(encoding="utf-8")
        tree = yaml.compose(text, Loader=yaml.SafeLoader)
        data = yaml.safe_load(text)
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 text ({error.reason} at byte {error.start})") from error
    except (yaml.YAMLError, ValueError, TypeError, AttributeError, RecursionError) as error:
        # For an impossible value of a type that its tag or its form implies, such as the date 2026-13-45, PyYAML
        # raises whatever the constructor of the type raised.
        mark = getattr(error, "problem_mark", None)
        where = f"{path}:{mark.line + 1}" if mark else f"{path}"
        reason = " ".join(str(getattr(error, "problem", None) or error).split())
        raise ConfigError(f"{where}: not YAML that can be read: {reason}") from error
    if tree is not None and _within_itself(tree, frozenset(), set()):
        raise ConfigError(f"{path}: an alias (*) stands within what it names; write the values out")
    if not isinstance(data, dict):
        raise ConfigError(f"{path}: expected keys and values, found {type(data).__name__}")
    _refuse_twice(path, tree)
    try:
        return model.model_validate(data if name is None else {**data, "name": name})
    except ValidationError as error:
        raise ConfigError(_first_problem(path, tree, model, error)) from error


def _within_itself(node: Any, above: frozenset[int], known: set[int]) -> bool:
    """Whether an alias forms a cycle.

    `known` holds the nodes already found to be free of cycles, so each is visited once.
    """
    if id(node) in above:
        return True
    if id(node) in known or not isinstance(node, yaml.CollectionNode):
        return False
    inner = [part for one in node.value for part in (one if isinstance(one, tuple) else (one,))]
    found = any(_within_itself(part, above | {id(node)}, known) for part in inner)
    known.add(id(node))
    return found


def _refuse_twice(path: Path, node: Any) -> None:
    """Refuses a key that occurs twice. YAML allows it and keeps the last one."""
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if key.value in seen:
                raise ConfigError(f"{path}:{key.start_mark.line + 1}: {key.value}: stands twice; keep one")
            seen.add(key.value)
            _refuse_twice(path, value)


def _first_problem(path: Path, tree: Any, model: type[BaseModel], error: ValidationError) -> str:
    # Unknown keys come first: a misspelt key also makes the right one missing, and is what a person must correct.
    # Then the deepest error: if a value can be written in several ways, this is the way that was tried.
    problem = min(error.errors(), key=lambda e: (e["type"] != "extra_forbidden", -len(e["loc"])))
    location = _written(tree, problem["loc"])
    where = f"{path}:{_line(tree, location)}"
    key = ".".join(str(part) for part in location)
    if problem["type"] == "extra_forbidden":
        return f"{where}: {key}: no such key{nearest(str(location[-1]), _fields(model, location[:-1]))}"
    text = problem["msg"].removeprefix("Value error, ")
    if problem["type"] == "finite_number":
        text = f"expected a finite number, found {problem['input']}"
    return f"{where}: {key + ': ' if key else ''}{text}"


def _fields(model: type[BaseModel], location: tuple[int | str, ...]) -> list[str]:
    """Valid keys at a place, as far as the model's annotations show them."""
    for part in location:
        field = model.model_fields.get(str(part))
        found = _models_in(field.annotation) if field else []
        if found:
            model = found[0]
    return [f.alias or name for name, f in model.model_fields.items() if name != "name"]


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [m for arg in getattr(annotation, "__args__", ()) for m in _models_in(arg)]


def _written(node: Any, location: tuple[int | str, ...]) -> tuple[int | str, ...]:
    """A location with only the parts that the file contains, and the last part; the validator adds parts of its own."""
    parts: list[int | str] = []
    for at, part in enumerate(location):
        found = _child(node, part)
        if found is None and at < len(location) - 1:
            continue
        parts.append(part)
        node = found[1] if found else node
    return tuple(parts)


def _child(node: Any, part: int | str) -> tuple[Any, Any] | None:
    """The node of a key or item, and its value."""
    if isinstance(node, yaml.MappingNode):
        return next(((key, value) for key, value in node.value if key.value == str(part)), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        return node.value[part], node.value[part]
    return None


def _line(node: Any, location: tuple[int | str, ...]) -> int:
    """1-based line of the deepest part of a key path that the file contains."""
    line = node.start_mark.line + 1
    for part in location:
        found = _child(node, part)
        if found is None:
            break
        line, node = found[0].start_mark.line + 1, found[1]
    return int(line)
