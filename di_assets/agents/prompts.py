"""The prompt files: jinja2 templates and instructions. They are rendered with data only, and hashed as a whole.

Players get the files of `prompts/`. Labellers get those of `prompts/label/`, which are a separate set.
"""

import hashlib
import json
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2

LABEL, INSTRUCTIONS = "label", "instructions"


class PromptError(ValueError):
    """A prompt file is missing or wrong. The message is one line that names the file and, if known, the line."""

    exit_code = 2


@dataclass(frozen=True, slots=True)
class Prompts:
    """All prompt files of a folder, without those for labellers.

    Attributes:
        folder: the folder.
        hash: sha256 over the names and bytes of all files.
        templates: by name: system, turn, reask.
    """

    folder: Path
    hash: str
    templates: dict[str, jinja2.Template]
    environment: jinja2.Environment

    @classmethod
    def load(cls, folder: Path) -> "Prompts":
        """Reads the folder.

        Raises:
            PromptError: a file is missing, cannot be read, or is no template.
        """
        environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader(folder),
            undefined=jinja2.StrictUndefined,
            autoescape=False,  # noqa: S701 -- prompts are plain text; what players wrote goes in as quoted JSON
            trim_blocks=False,
            keep_trailing_newline=False,
        )
        environment.filters["quoted"] = quoted
        files = sorted(p for p in folder.rglob("*") if p.is_file() and folder / LABEL not in p.parents)
        digest = hashlib.sha256()
        with _named(folder):
            templates = {name: environment.get_template(f"{name}.md.j2") for name in ("system", "turn", "reask")}
            for path in files:
                name = path.relative_to(folder).as_posix()
                digest.update(json.dumps([name, _text(path)]).encode())
                if path.parent.name == INSTRUCTIONS:
                    environment.get_template(name)  # compiled now, so that a mistake is found before a call is paid for
        return cls(folder=folder, hash=digest.hexdigest(), templates=templates, environment=environment)

    def instructions(self, name: str, *, messages: bool) -> str:
        """The text of an instruction file.

        If its seat may not write (`messages` is false), the text invites no message.
        """
        with _named(self.folder):
            return self.environment.get_template(f"{INSTRUCTIONS}/{name}.md").render(messages=messages).strip()

    def render(self, name: str, **values: Any) -> str:
        """Renders one template with these values; white space around the result is removed.

        Raises:
            PromptError: the template uses a value that it was not given, or fails in another way.
        """
        with _named(self.folder):
            return self.templates[name].render(**values).strip()


def quoted(value: Any) -> str:
    """A value as one line of JSON, so that a player's text cannot end its quotation or begin a line of its own."""
    return json.dumps(value, ensure_ascii=True)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise PromptError(f"{path}: not UTF-8 text ({error.reason} at byte {error.start})") from error


@contextmanager
def _named(folder: Path) -> Iterator[None]:
    """Turns any failure in a prompt file into one line that names the file."""
    try:
        yield
    except PromptError:
        raise
    except jinja2.TemplateNotFound as error:
        raise PromptError(f"{folder / str(error.name)}: no such prompt file") from error
    except jinja2.TemplateSyntaxError as error:
        raise PromptError(f"{error.filename or folder}:{error.lineno}: not a template: {error.message}") from error
    except OSError as error:
        raise PromptError(f"{error.filename or folder}: {error.strerror}") from error
    except Exception as error:
        # Jinja adds the template's own file and line to the stack frames.
        frames = traceback.extract_tb(error.__traceback__)
        place = next((frame for frame in reversed(frames) if Path(frame.filename).is_relative_to(folder)), None)
        if place is None:
            raise
        problem = " ".join(str(error).split()) or type(error).__name__
        raise PromptError(f"{place.filename}:{place.lineno}: {problem}") from error
