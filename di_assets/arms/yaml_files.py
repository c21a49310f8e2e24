"""Reads one YAML file into a frozen model; whatever is wrong becomes one line: file, line, key, what would be right."""

import difflib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

M = TypeVar("M", bound=BaseModel)


class ConfigError(ValueError):
    """A configuration file is wrong; the message is one line that says where and what would be right."""

    exit_code = 2


def wrong(path: Path, key: str, text: str) -> ConfigError:
    """The error of a key of a file that is YAML, with the key's line as far as the file holds it.

    Args:
        path: the file.
        key: parts joined by dots, such as `lineups.big`; none where it is of the file as a whole.
        text: what is wrong, and what would be right.
    """
    tree = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader) if path.exists() else None
    parts: list[int | str] = []
    node: Any = tree
    rest = key
    while node is not None and rest:
        # A key may hold dots of its own, as names of models do: the longest that the file holds.
        heads = [rest, *(rest[:at] for at in range(len(rest) - 1, 0, -1) if rest[at] == ".")]
        head, found = next(((one, child) for one in heads if (child := _child(node, one))), (rest, None))
        parts.append(head)
        node, rest = (found[1], rest[len(head) + 1 :]) if found else (None, "")
    where = (
        f"{path}:{_line(tree, tuple(parts))}" if tree is not None and parts and _child(tree, parts[0]) else f"{path}"
    )
    return ConfigError(f"{where}: {key + ': ' if key else ''}{text}")


class Strict(BaseModel):
    """A frozen section of a configuration file that refuses keys it does not know, and numbers that are not finite."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


def nearest(name: str, known: Iterable[str]) -> str:
    """` (did you mean 'x'?)` for the known name nearest to a misspelt one, else ` (known: a, b, c)`."""
    known = sorted(known)
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return f" (did you mean {close[0]!r}?)" if close else f" (known: {', '.join(known) or 'none'})"


def read_yaml(path: Path, model: type[M], *, name: str | None = None) -> M:
    """One file as one model.

    Args:
        path: the file.
        model: what it must hold.
        name: set as key `name` where the model wants the file's name.

    Raises:
        ConfigError: not readable, not YAML, an unknown key, or a value that cannot be.
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
        # Of a value that its tag or its look promises and that can't be, such as the date 2026-13-45, PyYAML
        # raises whatever making it raised.
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
    """Whether an alias closes a circle; `known` holds the nodes in which none does, each looked at once."""
    if id(node) in above:
        return True
    if id(node) in known or not isinstance(node, yaml.CollectionNode):
        return False
    inner = [part for one in node.value for part in (one if isinstance(one, tuple) else (one,))]
    found = any(_within_itself(part, above | {id(node)}, known) for part in inner)
    known.add(id(node))
    return found


def _refuse_twice(path: Path, node: Any) -> None:
    """YAML lets a key stand twice and keeps the last; here that is an error."""
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if key.value in seen:
                raise ConfigError(f"{path}:{key.start_mark.line + 1}: {key.value}: stands twice; keep one")
            seen.add(key.value)
            _refuse_twice(path, value)


def _first_problem(path: Path, tree: Any, model: type[BaseModel], error: ValidationError) -> str:
    # An unknown key first: a misspelt key also makes the right one missing, and is what to mend.
    # Then the deepest: of the ways to write a value, the one that was tried.
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
    """Keys valid at a place, as far as the model's annotations tell."""
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
    """A location without the validator's own words: parts that the file holds, and the last."""
    kept: list[int | str] = []
    for at, part in enumerate(location):
        found = _child(node, part)
        if found is None and at < len(location) - 1:
            continue
        kept.append(part)
        node = found[1] if found else node
    return tuple(kept)


def _child(node: Any, part: int | str) -> tuple[Any, Any] | None:
    """Where a key or item stands, and its value."""
    if isinstance(node, yaml.MappingNode):
        return next(((key, value) for key, value in node.value if key.value == str(part)), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        return node.value[part], node.value[part]
    return None


def _line(node: Any, location: tuple[int | str, ...]) -> int:
    """1-based line of the deepest part of a key path that the file holds."""
    line = node.start_mark.line + 1
    for part in location:
        found = _child(node, part)
        if found is None:
            break
        line, node = found[0].start_mark.line + 1, found[1]
    return int(line)
