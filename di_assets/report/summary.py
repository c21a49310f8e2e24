"""summary.json: everything that the question pages print, computed from the tables alone."""

import json
from collections.abc import Mapping
from typing import Any

from di_assets.game.types import RULES_VERSION
from di_assets.report.questions.part import part_of
from di_assets.report.questions.quotes import RowsOf
from di_assets.report.questions.registry import QUESTIONS
from di_assets.report.questions.scope import Frames, scope_of
from di_assets.tables import episode_set


def build_summary(
    frames: Frames,
    *,
    rows_of: RowsOf,
    mirrors: Mapping[str, str],
    settings: Mapping[str, str],
    commit: str,
    generated: str,
) -> dict[str, Any]:
    """The whole report as data. The same tables give the same bytes, except for `commit` and `generated`.

    Args:
        frames: the tables and columns named in `questions.registry.READS`, rows sorted by key.
        rows_of: reads the rows of an episode, for the messages that are quoted.
        mirrors: control arm -> the arm that it mirrors.
        settings: title, subtitle, status.
        commit: version of the code.
        generated: date and time, ISO 8601.
    """
    scope = scope_of(frames, mirrors=mirrors)
    return {
        "title": settings["title"],
        "subtitle": settings["subtitle"],
        "provenance": {
            "commit": commit,
            "generated": generated,
            "n_episodes": scope.episodes.height,
            "episode_set": episode_set(scope.episodes["episode_id"]),
            "status": settings["status"],
            "rules_version": RULES_VERSION,
            "scripted": scope.scripted,
            "scripted_left_out": scope.left_out,
            "older_rules_left_out": scope.older,
        },
        "questions": {name: part_of(question, scope, frames, rows_of=rows_of) for name, question in QUESTIONS.items()},
    }


def summary_text(summary: Mapping[str, Any]) -> str:
    """The text of the file: JSON with sorted keys."""
    return json.dumps(summary, sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
