"""A person labels messages one by one, blind: only the text is shown. Every answer is stored at once."""

import hashlib
import os
import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from di_assets.agents.prompts import LABEL
from di_assets.arms import Configs
from di_assets.arms.yaml_files import ConfigError
from di_assets.calls.disk_space import put, room_in
from di_assets.calls.sealed import sealed
from di_assets.labelling.sample import Message
from di_assets.labelling.stored import BETWEEN, read_answers
from di_assets.measures.labels import LABELS
from di_assets.tables.words import LEXICAL

YES, NO, SKIP, BACK, QUIT = "y", "n", "s", "b", "q"
KEYS = (YES, NO, SKIP, BACK, QUIT)


@dataclass(frozen=True, slots=True)
class LabelQuestion:
    """One question as it is shown.

    Attributes:
        place: number of the message, from 1.
        total: number of messages.
        text: text of the message; untrusted.
        fresh: the previous question was about another message.
        label: the label that is asked for.
        before: an earlier answer; None if there is none.
    """

    place: int
    total: int
    text: str
    fresh: bool
    label: str
    before: bool | None


Show = Callable[[LabelQuestion], None]


def codebook(prompts: Path) -> tuple[str, str]:
    """The definitions of the labels, which models get too, and their version.

    Args:
        prompts: folder of the prompt files.

    Raises:
        ConfigError: there is no such file.
    """
    path = prompts / LABEL / "codebook.md"
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from error
    return text.strip(), hashlib.sha256(text.encode()).hexdigest()[:8]


def check_name(name: str, configs: Configs) -> str:
    """Checks a person's name as the name of a labeller, and returns it.

    Raises:
        ConfigError: it can't be part of a file name, or a rule, a model or a scripted agent has this name.
    """
    if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}", name) is None or BETWEEN in name:
        raise ConfigError(
            f"{name!r} is no name for a labeller: letters, digits, dots, dashes and underscores, 40 at most"
        )
    if name == LEXICAL or name in configs.models or configs.is_scripted(name):
        raise ConfigError(f"{name!r} is the name of a rule, a model or a scripted agent; choose another for a person")
    return name


class Answers:
    """A person's answers for one version of the definitions: the stored ones, and the file for new ones.

    Args:
        path: the person's file; it is created if it does not exist.
        version: version of the definitions.
    """

    def __init__(self, path: Path, version: str) -> None:
        self._path, self._version = path, version
        given = [one for one in read_answers(path) if one["version"] == version]
        self._given = {(o["episode_id"], o["event_id"], o["number"], o["label"]): bool(o["answer"]) for o in given}
        path.parent.mkdir(parents=True, exist_ok=True)
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, 0o644)
        self._end = path.read_bytes().rfind(b"\n") + 1
        os.ftruncate(
            self._descriptor, self._end
        )  # if a kill left an incomplete line, the next answer starts a new line

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.ftruncate(self._descriptor, self._end)
        os.close(self._descriptor)

    def find(self, message: Message, label: str) -> bool | None:
        """The stored answer; None if there is none."""
        return self._given.get((message.episode_id, message.event_id, message.number, label))

    def whole(self, message: Message) -> bool:
        """Whether every question about the message is answered."""
        return all(self.find(message, label) is not None for label in LABELS)

    def give(self, message: Message, label: str, answer: bool) -> None:
        """Stores an answer. When this returns, the answer is on disk.

        Raises:
            DiskFullError: the disk is full.
        """
        key = {"episode_id": message.episode_id, "event_id": message.event_id, "number": message.number}
        record = {**key, "label": label, "answer": answer, "version": self._version, "at": round(time.time(), 3)}
        with room_in(self._path.parent):
            end = put(self._descriptor, sealed(record), self._end)
            os.fsync(self._descriptor)
        self._end = end
        self._given[message.episode_id, message.event_id, message.number, label] = answer


def label_by_hand(sample: Sequence[Message], answers: Answers, keys: Iterator[str], show: Show) -> None:
    """Shows one open question after the other and stores the answers, until all are answered or the person quits.

    `y` and `n` answer the question and go on to the next open one. `s` skips the message until another session. `b`
    goes back one question; its answer can be changed. The end of `keys` counts as quitting.

    Args:
        sample: the messages, in the order in which they are shown.
        answers: stores and finds answers.
        keys: the keys that the person presses; unknown ones are ignored.
        show: shows a question.
    """
    questions = [(message, label) for message in sample for label in LABELS]
    at, last = _open_from(0, questions, answers), None
    while at < len(questions):
        message, label = questions[at]
        place, before = at // len(LABELS) + 1, answers.find(message, label)
        show(LabelQuestion(place, len(sample), message.text, place != last, label, before))
        last = place
        key = next((k.lower() for k in keys if k.lower() in KEYS), QUIT)
        if key == QUIT:
            return
        if key == BACK:
            at = max(0, at - 1)
        elif key == SKIP:
            at = _open_from((at // len(LABELS) + 1) * len(LABELS), questions, answers)
        else:
            answers.give(message, label, key == YES)
            at = _open_from(at + 1, questions, answers)


def _open_from(place: int, questions: Sequence[tuple[Message, str]], answers: Answers) -> int:
    """The first question without an answer, from this place on."""
    after = range(place, len(questions))
    return next((k for k in after if answers.find(*questions[k]) is None), len(questions))
