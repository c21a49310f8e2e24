"""The JSON schema of summary.json, made from the types that the questions declare.

`python -m di_assets.report.schema` prints it.
"""

import json
from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any

from jsonschema import Draft202012Validator
from pydantic import ConfigDict, Field, create_model
from typing_extensions import TypedDict

from di_assets.report.questions.part import Count
from di_assets.report.questions.registry import QUESTIONS

DIALECT = "https://json-schema.org/draft/2020-12/schema"


class Provenance(TypedDict):
    """What the report was made from."""

    commit: str
    generated: Annotated[str, Field(description="ISO 8601, UTC")]
    n_episodes: Annotated[Count, Field(description="complete episodes that the questions include")]
    episode_set: Annotated[
        str,
        Field(pattern="^[0-9a-f]{64}$", description="sha256 of their ids, sorted, each followed by a line break"),
    ]
    status: str
    rules_version: str
    scripted: Annotated[bool, Field(description="they were played by scripted agents")]
    scripted_left_out: Annotated[Count, Field(description="scripted episodes that are left out")]
    older_rules_left_out: Annotated[Count, Field(description="episodes played by older rules, which are left out")]


@cache
def schema() -> dict[str, Any]:
    """JSON Schema, draft 2020-12. Every question is required, and keys that no type declares are refused."""
    strict = ConfigDict(extra="forbid")
    declared: dict[str, Any] = {name: (question.published, ...) for name, question in QUESTIONS.items()}
    questions = create_model("Questions", __config__=strict, **declared)
    fields: dict[str, Any] = {
        "title": (str, ...),
        "subtitle": (str, ...),
        "provenance": (Provenance, ...),
        "questions": (questions, ...),
    }
    whole = create_model("Summary", __config__=strict, **fields)
    return {"$schema": DIALECT, **whole.model_json_schema(), "title": "summary.json of Delegated Influence"}


def flaw_in(summary: Mapping[str, Any]) -> str | None:
    """The dotted path of the first value that breaks the schema; None if the summary is valid."""
    wrong = next(Draft202012Validator(schema()).iter_errors(summary), None)
    return None if wrong is None else ".".join(map(str, wrong.path))


if __name__ == "__main__":
    print(json.dumps(schema(), indent=1, ensure_ascii=False))
