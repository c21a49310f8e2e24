"""Stores the labels that models and persons gave to messages, in files that only grow.

    labels/models/NAME--VERSION.jsonl    a model's calls, in the format of an episode's journal
    labels/persons/NAME.jsonl            a person's answers, one per line

The table `message_labels` is made from these files with every materialisation. The files cannot be made again: they
cost money or a person's time.
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
from di_assets.calls.sealed import unsealed
from di_assets.labelling.label_reader import read_label
from di_assets.labelling.shared import all_labels, handed_over
from di_assets.measures.labels import LABELS
from di_assets.tables import TABLES, Warehouse
from di_assets.tables.locks import locked
from di_assets.tables.words import LEXICAL, OK

log = logging.getLogger(__name__)

BETWEEN = "--"
_ANSWER = ("episode_id", "event_id", "number", "label", "answer", "version", "at")
_LABEL = {
    "labeller": pl.String(),
    "version": pl.String(),
    "number": pl.Int64(),
    "asks_for_pull": pl.Boolean(),
    "promises_pull": pl.Boolean(),
    "at": pl.Float64(),
}
_ANSWERED = {"episode_id": pl.String(), "event_id": pl.Int64(), **_LABEL}


class LabelsInUseError(RuntimeError):
    """Another process is adding to the same labels."""

    exit_code = 1


def text_number(text: str) -> int:
    """A number that identifies a text in files of labels: the first 60 bits of its sha256."""
    return int(hashlib.sha256(text.encode()).hexdigest()[:15], 16)


def model_file(warehouse: Warehouse, model: str, version: str) -> Path:
    """The file of a model's label calls; `version` is the version of the labeller."""
    return warehouse.labels / "models" / f"{model}{BETWEEN}{version}.jsonl"


def person_file(warehouse: Warehouse, name: str) -> Path:
    """The file of a person's answers."""
    return warehouse.labels / "persons" / f"{name}.jsonl"


@contextmanager
def locked_labels(warehouse: Warehouse, path: Path) -> Iterator[None]:
    """Holds the lock on a file of labels inside the block.

    If the warehouse is shared, labels from other machines are added to the file first, and new labels are uploaded at
    the end.

    Raises:
        LabelsInUseError: another process holds the lock.
        StorageError: the labels could not be downloaded or uploaded.
    """
    taken = LabelsInUseError(f"{path.stem} is labelling in another process; wait for it to end")
    with locked(path.parent / f".{path.name}.lock", taken=taken), handed_over(warehouse, path):
        yield


def given_labels(warehouse: Warehouse, batch: str) -> pl.DataFrame:
    """The rows of `message_labels` by models and persons, for the messages of a batch.

    A model labels a text, so its label holds for every message with that text. A person labels one message; the label
    holds only while the message has the text that was shown. If a labeller has labels in several versions, the latest
    label counts.
    """
    return _given(warehouse, batch, *_labels_given(warehouse))


def behind(warehouse: Warehouse) -> list[str]:
    """The batches whose table `message_labels` does not hold exactly the labels of today's files."""
    others, labels = pl.col("labeller") != LEXICAL, _labels_given(warehouse)
    return [
        batch
        for batch in (file.stem for file in warehouse.files("messages"))
        if not _given(warehouse, batch, *labels).equals(warehouse.read("message_labels", batch).filter(others))
    ]


def _labels_given(warehouse: Warehouse) -> tuple[pl.DataFrame, pl.DataFrame]:
    """All labels of models (a row per call) and of persons (a row per message), as two frames."""
    with all_labels(warehouse) as folder:
        return _models(folder / "models"), _persons(folder / "persons")


def _given(warehouse: Warehouse, batch: str, models: pl.DataFrame, persons: pl.DataFrame) -> pl.DataFrame:
    if models.is_empty() and persons.is_empty():
        return TABLES["message_labels"].empty()
    messages = warehouse.scan("messages", batch).select("episode_id", "event_id", "text").collect()
    texts = messages["text"].unique()
    numbers = pl.DataFrame({"text": texts, "number": [text_number(text) for text in texts]}, schema_overrides=_NUMBERED)
    numbered = messages.join(numbers, on="text").drop("text")
    given = pl.concat(
        [
            numbered.join(models, on="number").select(list(_ANSWERED)),
            persons.join(numbered, on=["episode_id", "event_id", "number"], how="semi"),
        ]
    )
    # Sorted by version too: between labels of the same moment the choice is always the same.
    latest = given.sort("at", "version").unique(TABLES["message_labels"].keys, keep="last", maintain_order=True)
    return TABLES["message_labels"].conform(latest.drop("number", "at"))


def label_calls(warehouse: Warehouse) -> Iterator[tuple[str, list[Call]]]:
    """Yields the name of each model that was asked for labels, with the calls to it in one version."""
    with all_labels(warehouse) as folder:
        for path in sorted((folder / "models").glob("*.jsonl")):
            yield path.stem.rpartition(BETWEEN)[0], calls_of(path)


def read_answers(path: Path) -> list[dict[str, Any]]:
    """Reads a person's answers, oldest first; none if the file does not exist.

    A last line that was written only in part is left out. Another line that cannot be read, or whose
    checksum is wrong, is left out with a warning.
    """
    *lines, _ = path.read_bytes().split(b"\n") if path.exists() else [b""]
    answers = []
    for number, line in enumerate(lines, start=1):
        try:
            record = json.loads(unsealed(line) or b"")
            answers.append({name: record[name] for name in _ANSWER})
        except (ValueError, TypeError, KeyError):
            log.warning("%s:%d: not an answer; it is left out, and asked again", path, number)
    return answers


def _models(folder: Path) -> pl.DataFrame:
    """All valid labels of all models and versions, one row per call."""
    rows = []
    for path in sorted(folder.glob("*.jsonl")):
        model, _, version = path.stem.rpartition(BETWEEN)
        for call in calls_of(path):
            label = read_label(call.text, stop=call.stop).label if call.status == OK else None
            if label is not None:
                rows.append((model, version, call.round, label.asks_for_pull, label.promises_pull, call.started_at))
    return pl.DataFrame(rows, schema=_LABEL, orient="row")


def _persons(folder: Path) -> pl.DataFrame:
    """All messages for which a person answered both questions in one version, one row per message."""
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
