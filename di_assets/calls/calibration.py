"""How many tokens a model uses, estimated from the calls that `di doctor` made.

Input tokens are modelled as a straight line over the size of the prompt. Size is measured in two ways: in bytes, and in
pieces (words, punctuation marks, groups of digits). Prose has about 4 bytes per token, the lists of late rounds 2 to 3.
A piece is about one token in both. The measure that fits the model's calls better is used.
"""

import json
import logging
import re
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from di_assets.arms import ModelConfig
from di_assets.calls.costing import text_bytes
from di_assets.providers.types import Request, encode_turn
from di_assets.tables import Warehouse
from di_assets.tables.words import MESSAGE, PHASES

log = logging.getLogger(__name__)

MOST_SAMPLES = 40
# Bytes per token of a model that was never called: lowest, likely, highest.
BYTES_PER_TOKEN = (2.0, 2.8, 5.0)
# Pieces that a dialect adds around each turn.
PIECES_A_TURN = 4
_PIECES = re.compile(r"[^\W\d_]+|\d{1,3}|[^\w\s]|_")
# The share of questions that are asked again, if nothing was measured.
REASKED = 0.03
# The lowest and the highest cost to expect, as shares of an estimate from a few calls.
LOW, HIGH = 0.75, 1.35
# The same if some of these calls gave no usable reply. What such a model writes can change much within a game.
UNSTEADY_LOW, UNSTEADY_HIGH = 0.3, 3.0


@dataclass(frozen=True, slots=True)
class Size:
    """How large a prompt is.

    Attributes:
        bytes: size of its text as it is sent.
        pieces: number of words, punctuation marks and groups of digits, and `PIECES_A_TURN` for each turn.
    """

    bytes: int
    pieces: int

    @classmethod
    def of(cls, request: Request) -> "Size":
        """The size of this request."""
        turns = (encode_turn("user", request.system), *request.encoded)
        return cls(bytes=text_bytes(request), pieces=sum(map(_pieces, turns)))


@lru_cache(maxsize=4096)
def _pieces(turn: bytes) -> int:
    """Pieces of an encoded turn. Each request repeats the turns of those before it, so each is counted once."""
    text: str = json.loads(turn)["content"]
    return sum(1 for _ in _PIECES.finditer(text)) + PIECES_A_TURN


@dataclass(frozen=True, slots=True)
class Sample:
    """One call of the doctor.

    Attributes:
        phase: message or pull; schema for the test of the reply schema, which is no part of the game.
        sent_bytes: size of the prompt, bytes.
        sent_pieces: size of the prompt, pieces.
        input_tokens: as the server reported them.
        output_tokens: as the server reported them, reasoning included.
        seconds: from request to reply.
        valid: the reply could be used.
        messages: number of messages in the reply.
        chars: length of all their texts together.
        cached_tokens: read from the prompt cache; None if the server does not report it.
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
    """How many tokens one model uses, and how much it writes.

    Attributes:
        first_tokens: input tokens of each call that do not depend on the size of the prompt.
        tokens_per_byte: input tokens per byte of the prompt; 0 if size is measured in pieces.
        tokens_per_piece: input tokens per piece of the prompt; 0 if size is measured in bytes.
        output_tokens: mean output tokens of a call, by phase.
        calls_per_question: 1 plus the share of questions that are asked again.
        seconds_per_call: mean, from request to reply.
        messages: mean number of messages in a message phase.
        chars: mean length of a message.
        low: lowest cost to expect, as a share of the estimate.
        high: highest cost to expect, as a share of the estimate.
        basis: where these numbers come from, in words.
        tells_cache: the server reports cached tokens. If it does not, all input tokens are charged at the full price.
        reads_cache: at least one call read tokens from the prompt cache.
        unsteady: a reply in the game was cut or broke the rules, so the range of costs is wide.
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
    unsteady: bool

    def sent(self, size: Size) -> float:
        """Input tokens of a prompt of this size."""
        return self.first_tokens + self.tokens_per_byte * size.bytes + self.tokens_per_piece * size.pieces


def fitted(samples: Sequence[Sample], *, calls_per_question: float, basis: str) -> Calibration:
    """The calibration that fits these samples. They must include calls of both phases, message and pull."""
    tokens = np.array([sample.input_tokens for sample in samples], dtype=float)
    lines = {
        name: _line(np.array([getattr(sample, name) for sample in samples], dtype=float), tokens)
        for name in ("sent_pieces", "sent_bytes")
    }
    best = min(lines, key=lambda name: lines[name].off)
    wrote = [sample for sample in samples if sample.phase == MESSAGE]
    sent = sum(sample.messages for sample in wrote)
    received = {phase: [s.output_tokens for s in samples if s.phase == phase] for phase in PHASES}
    unsteady = any(not sample.valid for sample in samples if sample.phase in PHASES)
    return Calibration(
        first_tokens=lines[best].start,
        tokens_per_byte=lines[best].slope if best == "sent_bytes" else 0.0,
        tokens_per_piece=lines[best].slope if best == "sent_pieces" else 0.0,
        output_tokens={phase: _mean(counts) for phase, counts in received.items()},
        calls_per_question=calls_per_question,
        seconds_per_call=_mean(sample.seconds for sample in samples),
        messages=sent / len(wrote) if wrote else 0.0,
        chars=sum(sample.chars for sample in wrote) / sent if sent else 0.0,
        low=UNSTEADY_LOW if unsteady else LOW,
        high=UNSTEADY_HIGH if unsteady else HIGH,
        basis=basis,
        tells_cache=any(sample.cached_tokens is not None for sample in samples),
        reads_cache=any(sample.cached_tokens for sample in samples),
        unsteady=unsteady,
    )


class _Line(NamedTuple):
    """A straight line, and the largest error of a point, as a share of the point's tokens."""

    start: float
    slope: float
    off: float


def _line(sizes: np.ndarray, tokens: np.ndarray) -> _Line:
    """The least-squares line of tokens over size; errors count relative to a point's tokens.

    If the line would not rise, or all sizes are equal, it is a line through the origin.
    """
    design = np.stack([1 / tokens, sizes / tokens], axis=1)
    start, slope = np.linalg.lstsq(design, np.ones(len(tokens)), rcond=None)[0]
    if slope <= 0 or len(set(sizes.tolist())) == 1:
        start, slope = 0.0, tokens.sum() / sizes.sum()
    return _Line(float(start), float(slope), float(np.abs((start + slope * sizes) / tokens - 1).max()))


def by_doctor(warehouse: Warehouse, model: str, config: ModelConfig) -> Calibration | None:
    """The calibration of a model from the doctor's last `MOST_SAMPLES` calls with today's configuration.

    None if these calls do not include both phases.
    """
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
    """Appends the doctor's samples of a model to `doctor/measured.jsonl` in the warehouse; later plans read them."""
    rows = [asdict(sample) for sample in samples]
    if not rows:
        return
    record = {"at": time.time(), "model": model, "configured": _identity(config), "samples": rows}
    path = _file(warehouse)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab+") as file:
        file.seek(max(0, file.tell() - 1))
        torn = file.read() not in (b"", b"\n")  # a full disk may leave half a line; the next starts a new one
        file.write(b"\n" * torn + json.dumps(record).encode() + b"\n")


def _file(warehouse: Warehouse) -> Path:
    return warehouse.root / "doctor" / "measured.jsonl"


def _lines(path: Path) -> list[bytes]:
    return path.read_bytes().splitlines() if path.exists() else []


def _samples(line: bytes, model: str, configured: str) -> list[Sample]:
    """The samples of a line if it is of this model with this configuration; none otherwise, or if it is damaged."""
    try:
        record = json.loads(line)
        mine = record["model"] == model and record["configured"] == configured
        return [Sample(**one) for one in record["samples"]] if mine else []
    except (ValueError, TypeError, KeyError):
        log.warning("%s is measured anew by `di doctor`: a line of what it measured cannot be read", model)
        return []


def _identity(config: ModelConfig) -> str:
    return json.dumps(config.identity(), sort_keys=True)


def _mean(values: Iterable[float]) -> float:
    held = list(values)
    return sum(held) / len(held) if held else 0.0
