"""What models and persons said of messages: append-only files, from which the table `message_labels` is made again.

    labels/models/NAME--VERSION.jsonl    a model's calls, as the journal of an episode holds them
    labels/persons/NAME.jsonl            a person's answers, one a line

The table is written anew with every materialisation; these files are what was paid for and what somebody sat down
for, and only ever grow.
"""

import hashlib
import json
import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import polars as pl

from di_assets.calls.call import Call
from di_assets.calls.journal_file import calls_of
from di_assets.labelling.label_reader import read_label
from di_assets.labelling.shared import all_labels, handed_over
from di_assets.measures.labels import LABELS, LEXICAL
from di_assets.tables import TABLES, Warehouse
from di_assets.tables.locks import locked
from di_assets.tables.words import OK

log = logging.getLogger(__name__)

BETWEEN = "--"
_ANSWER = ("episode_id", "event_id", "number", "label", "answer", "version", "at")
_SAID = {
    "labeller": pl.String(),
    "version": pl.String(),
    "number": pl.Int64(),
    "asks_for_pull": pl.Boolean(),
    "promises_pull": pl.Boolean(),
    "at": pl.Float64(),
}
_ANSWERED = {"episode_id": pl.String(), "event_id": pl.Int64(), **_SAID}


class LabelsInUseError(RuntimeError):
    """Another process is adding to the same labels."""

    exit_code = 1


def text_number(text: str) -> int:
    """60 bits of the sha256 of a text, its name wherever labels of it are kept."""
    return int(hashlib.sha256(text.encode()).hexdigest()[:15], 16)


def model_file(warehouse: Warehouse, model: str, version: str) -> Path:
    """Where the replies of a model in one version are kept."""
    return warehouse.labels / "models" / f"{model}{BETWEEN}{version}.jsonl"


def person_file(warehouse: Warehouse, name: str) -> Path:
    """Where the answers of a person are kept."""
    return warehouse.labels / "persons" / f"{name}.jsonl"


@contextmanager
def locked_labels(warehouse: Warehouse, path: Path) -> Iterator[None]:
    """Holds the lock on a file of labels while the block works.

    Where the warehouse is shared, what others said is in the file then, and what was added is handed over at the end.

    Raises:
        LabelsInUseError: another process holds it.
        StorageError: the labels could not be brought, or handed over.
    """
    taken = LabelsInUseError(f"{path.stem} is labelling in another process; wait for it to end")
    with locked(path.parent / f".{path.name}.lock", taken=taken), handed_over(warehouse, path):
        yield


def given_labels(warehouse: Warehouse, batch: str) -> pl.DataFrame:
    """Rows of `message_labels` that models and persons gave the messages of a batch.

    A model's label is of a text, and so of every message with that text; a person's is of the one message that was
    shown, as long as its text is what was shown. Of several versions of one labeller the latest label counts.
    """
    return _given(warehouse, batch, *_labels_given(warehouse))


def behind(warehouse: Warehouse) -> list[str]:
    """Batches whose table of labels lacks some that were given since it was written."""
    others, said = pl.col("labeller") != LEXICAL, _labels_given(warehouse)
    return [
        batch
        for batch in (file.stem for file in warehouse.files("messages"))
        if not _given(warehouse, batch, *said).equals(warehouse.read("message_labels", batch).filter(others))
    ]


def _labels_given(warehouse: Warehouse) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Everything that models and that persons said."""
    with all_labels(warehouse) as folder:
        return _models(folder / "models"), _persons(folder / "persons")


def _given(warehouse: Warehouse, batch: str, models: pl.DataFrame, persons: pl.DataFrame) -> pl.DataFrame:
    if models.is_empty() and persons.is_empty():
        return TABLES["message_labels"].empty()
    messages = warehouse.scan("messages", batch).select("episode_id", "event_id", "text").collect()
    texts = messages["text"].unique()
    numbers = pl.DataFrame({"text": texts, "number": [text_number(text) for text in texts]}, schema_overrides=_NUMBERED)
    numbered = messages.join(numbers, on="text").drop("text")
    said = pl.concat(
        [
            numbered.join(models, on="number").select(list(_ANSWERED)),
            persons.join(numbered, on=["episode_id", "event_id", "number"], how="semi"),
        ]
    )
    # By version last: what was said at the same moment is told apart somehow, and always the same way.
    latest = said.sort("at", "version").unique(TABLES["message_labels"].keys, keep="last", maintain_order=True)
    return TABLES["message_labels"].conform(latest.drop("number", "at"))


def label_calls(warehouse: Warehouse) -> Iterator[tuple[str, list[Call]]]:
    """Every model that was asked for labels, and the calls that were made to it."""
    with all_labels(warehouse) as folder:
        for path in sorted((folder / "models").glob("*.jsonl")):
            yield path.stem.rpartition(BETWEEN)[0], calls_of(path)


def read_answers(path: Path) -> list[dict[str, Any]]:
    """Reads a person's answers, oldest first; none if the file does not exist.

    A last line that was written only in part is left out. Another line that cannot be read is left out with a warning.
    """
    *lines, _ = path.read_bytes().split(b"\n") if path.exists() else [b""]
    answers = []
    for number, line in enumerate(lines, start=1):
        try:
            record = json.loads(line)
            answers.append({name: record[name] for name in _ANSWER})
        except (ValueError, TypeError, KeyError):
            log.warning("%s:%d: not an answer; it is left out, and asked again", path, number)
    return answers


def _models(folder: Path) -> pl.DataFrame:
    """Every readable label of every model and version: one row a text."""
    rows = []
    for path in sorted(folder.glob("*.jsonl")):
        model, _, version = path.stem.rpartition(BETWEEN)
        for call in calls_of(path):
            label = read_label(call.text, stop=call.stop).label if call.status == OK else None
            if label is not None:
                rows.append((model, version, call.round, label.asks_for_pull, label.promises_pull, call.started_at))
    return pl.DataFrame(rows, schema=_SAID, orient="row")


def _persons(folder: Path) -> pl.DataFrame:
    """Every message that a person has answered both questions of, in one version."""
    rows: list[tuple[Any, ...]] = []
    for path in sorted(folder.glob("*.jsonl")):
        rows += [
            (episode, event, path.stem, version, number, *(given[label] for label in LABELS), at)
            for (episode, event, number, version), (given, at) in _by_message(read_answers(path)).items()
            if len(given) == len(LABELS)
        ]
    return pl.DataFrame(rows, schema=_ANSWERED, orient="row")


def _by_message(answers: Iterable[dict[str, Any]]) -> dict[tuple[Any, ...], tuple[dict[str, bool], float]]:
    """(episode, event, text, version) -> the latest answer to each question, and when the last was given."""
    found: dict[tuple[Any, ...], tuple[dict[str, bool], float]] = {}
    for one in answers:
        key = (one["episode_id"], one["event_id"], one["number"], one["version"])
        given, _ = found.get(key, ({}, 0.0))
        found[key] = ({**given, one["label"]: one["answer"]}, one["at"])
    return found


_NUMBERED = {"text": pl.String(), "number": pl.Int64()}
