"""How a model uses tokens, told by the doctor's calls.

Tokens that are sent are a straight line over the size of a prompt. Size is counted in bytes and in pieces (words,
marks, groups of digits): prose and the lists of late rounds differ in bytes a token (4, and 2 to 3), while tokenizers
of language models make about a token of each piece. What fits a model's calls better is taken.
"""

import json
import logging
import re
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from di_assets.arms import ModelConfig
from di_assets.calls.costing import text_bytes
from di_assets.providers.types import Request
from di_assets.tables import Warehouse
from di_assets.tables.words import MESSAGE, PHASES

log = logging.getLogger(__name__)

MOST_SAMPLES = 40
# Bytes a token where a model was never asked anything: at least, likely, at most.
BYTES_PER_TOKEN = (2.0, 2.8, 5.0)
# What a dialect adds around each turn.
PIECES_A_TURN = 4
_PIECES = re.compile(r"[^\W\d_]+|\d{1,3}|[^\w\s]|_")
# The first question is asked again so often where nothing else is known.
REASKED = 0.03
# What a few calls let expect of a game: shares of the estimate.
LOW, HIGH = 0.75, 1.35


@dataclass(frozen=True, slots=True)
class Size:
    """How large a prompt is.

    Attributes:
        bytes: of its text as it is sent.
        pieces: words, marks and groups of digits in it, and what stands around its turns.
    """

    bytes: int
    pieces: int

    @classmethod
    def of(cls, request: Request) -> "Size":
        """A request's."""
        texts = (request.system, *(text for _, text in request.turns))
        pieces = sum(sum(1 for _ in _PIECES.finditer(text)) + PIECES_A_TURN for text in texts)
        return cls(bytes=text_bytes(request), pieces=pieces)


@dataclass(frozen=True, slots=True)
class Sample:
    """One call of the doctor.

    Attributes:
        phase: message, pull, or schema for the probe that is no part of the game.
        sent_bytes: of the prompt's text.
        sent_pieces: likewise.
        input_tokens: told.
        output_tokens: told, reasoning included.
        seconds: from request to reply.
        valid: the reply could be used.
        messages: that it sent.
        chars: of all their texts.
        cached_tokens: read from the prompt cache; None where the server tells nothing of one.
    """

    phase: str
    sent_bytes: int
    sent_pieces: int
    input_tokens: int
    output_tokens: int
    seconds: float
    valid: bool = True
    messages: int = 0
    chars: int = 0
    cached_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Calibration:
    """What one model makes of prompts.

    Attributes:
        first_tokens: sent besides those that size accounts for.
        tokens_per_byte: sent; 0 where pieces are counted.
        tokens_per_piece: sent; 0 where bytes are counted.
        output_tokens: received a call, by phase.
        calls_per_question: 1 and the share that is asked again.
        seconds_per_call: from request to reply.
        messages: sent in a message phase.
        chars: of each of them.
        low: share of the estimate that is the least to expect.
        high: the most, likewise.
        basis: where this comes from.
        tells_cache: the server tells what it read from a prompt cache; where it does not, all is charged as fresh.
        reads_cache: it was seen to read from one.
    """

    first_tokens: float
    tokens_per_byte: float
    tokens_per_piece: float
    output_tokens: Mapping[str, float]
    calls_per_question: float
    seconds_per_call: float
    messages: float
    chars: float
    low: float
    high: float
    basis: str
    tells_cache: bool
    reads_cache: bool

    def sent(self, size: Size) -> float:
        """Tokens of a prompt."""
        return self.first_tokens + self.tokens_per_byte * size.bytes + self.tokens_per_piece * size.pieces


def fitted(samples: Sequence[Sample], *, calls_per_question: float, basis: str) -> Calibration:
    """The calibration of these samples, of which some are of a message phase and some of a pull phase."""
    tokens = np.array([sample.input_tokens for sample in samples], dtype=float)
    lines = {
        name: _line(np.array([getattr(sample, name) for sample in samples], dtype=float), tokens)
        for name in ("sent_pieces", "sent_bytes")
    }
    best = min(lines, key=lambda name: lines[name].off)
    wrote = [sample for sample in samples if sample.phase == MESSAGE]
    sent = sum(sample.messages for sample in wrote)
    received = {phase: [s.output_tokens for s in samples if s.phase == phase] for phase in PHASES}
    return Calibration(
        first_tokens=lines[best].start,
        tokens_per_byte=lines[best].slope if best == "sent_bytes" else 0.0,
        tokens_per_piece=lines[best].slope if best == "sent_pieces" else 0.0,
        output_tokens={phase: _mean(counts) for phase, counts in received.items()},
        calls_per_question=calls_per_question,
        seconds_per_call=_mean(sample.seconds for sample in samples),
        messages=sent / len(wrote) if wrote else 0.0,
        chars=sum(sample.chars for sample in wrote) / sent if sent else 0.0,
        low=LOW,
        high=HIGH,
        basis=basis,
        tells_cache=any(sample.cached_tokens is not None for sample in samples),
        reads_cache=any(sample.cached_tokens for sample in samples),
    )


class _Line(NamedTuple):
    """A straight line, and how far its points are off it, as a share."""

    start: float
    slope: float
    off: float


def _line(sizes: np.ndarray, tokens: np.ndarray) -> _Line:
    """The line through these points, near ones and far ones by their share; through the origin if it would fall."""
    design = np.stack([1 / tokens, sizes / tokens], axis=1)
    start, slope = np.linalg.lstsq(design, np.ones(len(tokens)), rcond=None)[0]
    if slope <= 0 or len(set(sizes.tolist())) == 1:
        start, slope = 0.0, tokens.sum() / sizes.sum()
    return _Line(float(start), float(slope), float(np.abs((start + slope * sizes) / tokens - 1).max()))


def by_doctor(warehouse: Warehouse, model: str, config: ModelConfig) -> Calibration | None:
    """What the doctor measured of a model as it is configured now; None where it measured nothing."""
    samples: list[Sample] = []
    for line in _lines(_file(warehouse)):
        samples += _samples(line, model, _identity(config))
    latest = samples[-MOST_SAMPLES:]
    if not set(PHASES) <= {sample.phase for sample in latest}:
        return None
    game = [sample for sample in latest if sample.phase != "schema"]
    again = (sum(not sample.valid for sample in game) + REASKED) / (len(game) + 1)
    return fitted(latest, calls_per_question=1 + again, basis=f"doctor, {len(latest)} calls")


def keep(warehouse: Warehouse, model: str, config: ModelConfig, samples: Iterable[Sample]) -> None:
    """Keeps what the doctor measured, for later plans."""
    told = [asdict(sample) for sample in samples]
    if not told:
        return
    record = {"at": time.time(), "model": model, "configured": _identity(config), "samples": told}
    path = _file(warehouse)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab+") as file:
        file.seek(max(0, file.tell() - 1))
        torn = file.read() not in (b"", b"\n")  # a full disk may leave half a line, in which none goes on
        file.write(b"\n" * torn + json.dumps(record).encode() + b"\n")


def _file(warehouse: Warehouse) -> Path:
    return warehouse.root / "doctor" / "measured.jsonl"


def _lines(path: Path) -> list[bytes]:
    return path.read_bytes().splitlines() if path.exists() else []


def _samples(line: bytes, model: str, configured: str) -> list[Sample]:
    """What a line holds of a model that was configured so; nothing where it cannot be read, as a torn one cannot."""
    try:
        told = json.loads(line)
        mine = told["model"] == model and told["configured"] == configured
        return [Sample(**one) for one in told["samples"]] if mine else []
    except (ValueError, TypeError, KeyError):
        log.warning("%s is measured anew by `di doctor`: a line of what it measured cannot be read", model)
        return []


def _identity(config: ModelConfig) -> str:
    return json.dumps(config.identity(), sort_keys=True)


def _mean(values: Iterable[float]) -> float:
    held = list(values)
    return sum(held) / len(held) if held else 0.0
