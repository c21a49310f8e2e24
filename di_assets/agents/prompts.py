"""The prompt files: jinja2 templates and instructions, rendered with data only, hashed as a whole.

Players are told what stands in `prompts/`; labellers what stands in `prompts/label/`, which is a set of its own.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2

LABEL = "label"


@dataclass(frozen=True, slots=True)
class Prompts:
    """All prompt files of a folder, those for labellers apart.

    Attributes:
        folder: where they are.
        hash: sha256 over names and bytes of all of them.
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
            OSError: a file cannot be read.
            jinja2.TemplateError: a file is no template.
        """
        environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader(folder),
            undefined=jinja2.StrictUndefined,
            autoescape=False,  # noqa: S701 -- prompts are plain text; what players wrote goes in as quoted JSON
            trim_blocks=False,
            keep_trailing_newline=False,
        )
        environment.filters["quoted"] = quoted
        templates = {name: environment.get_template(f"{name}.md.j2") for name in ("system", "turn", "reask")}
        digest = hashlib.sha256()
        for path in sorted(p for p in folder.rglob("*") if p.is_file() and folder / LABEL not in p.parents):
            digest.update(json.dumps([path.relative_to(folder).as_posix(), path.read_text(encoding="utf-8")]).encode())
        return cls(folder=folder, hash=digest.hexdigest(), templates=templates, environment=environment)

    def instructions(self, name: str, *, messages: bool) -> str:
        """The text of an instruction file, which knows whether its seat may write: where not, it invites no message."""
        return self.environment.get_template(f"instructions/{name}.md").render(messages=messages).strip()

    def render(self, name: str, **values: Any) -> str:
        """One template with these values, without white space around it."""
        return self.templates[name].render(**values).strip()


def quoted(value: Any) -> str:
    """A value as one line of JSON: no text of a player can end its quotation or begin a line of its own."""
    return json.dumps(value, ensure_ascii=True)
