"""A call as it is kept: one request to a model and what came back; what an episode is played with."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import fields as fields_of
from json.encoder import encode_basestring_ascii as quote
from typing import Any, NamedTuple, get_args

from di_assets.calls.in_flight import Request
from di_assets.calls.place import Place
from di_assets.providers.asking import encodable
from di_assets.providers.types import Completion, FaultKind
from di_assets.tables.words import FIRST_READER, INTERRUPTED

# Calls by field, each a column.
Columns = Mapping[str, Sequence[Any]]
# Statuses of calls that brought no reply.
FAULTS = frozenset({*get_args(FaultKind), INTERRUPTED})
# No valid reply is longer by far; what a run-away reply holds beyond this is not kept. Of the ids that a server gives,
# this much is kept.
MOST_TEXT, MOST_ID = 200_000, 2_000
# Why a call ended that brought no reply.
NO_REPLY = "fault"


@dataclass(frozen=True, slots=True)
class Header:
    """What an episode is played with; a journal is resumed only under the same.

    Attributes:
        reader_version: of the reader of replies. A journal is resumed with its own to its end, whatever today's is;
            one from before readers had versions has the first.
    """

    episode_id: str
    rules_version: str
    prompt_hash: str
    config_hash: str
    reader_version: str = FIRST_READER


class Call(NamedTuple):
    """One request to a model and what came back: the one place where the fields of a call are written down.

    The first fields are those of its `Place`. A field that a `Completion` has too is taken from it. A field whose type
    allows no None stands in every line of a journal. In the table `calls` a field has the column of its name, but for
    those in `COLUMNS`.

    Attributes:
        status: `ok`, the kind of an invalid reply, or a kind of fault (then `text` is empty).
        error: why, in words.
        cost_usd: US dollars; where the server told no usage, what the call can have cost at most.
        started_at: seconds since the epoch, UTC.
        retried: kinds of the faults that were retried on the way, in order, separated by spaces.
        request_id: the provider's, where it tells one; of tries that were retried as well, separated by spaces.
        bound_usd: the most it can have cost, US dollars; None for a scripted agent's.
    """

    round: int
    phase: str
    exchange: int
    seat: int
    attempt: int
    request_hash: str
    text: str
    stop: str
    status: str
    error: str | None
    reasoning: str | None
    input_tokens: int | None
    cached_tokens: int | None
    output_tokens: int | None
    cost_usd: float
    latency_s: float
    started_at: float
    retried: str | None = None
    request_id: str | None = None
    bound_usd: float | None = None

    @property
    def place(self) -> Place:
        """Which question it answers."""
        return Place._make(self[: len(Place._fields)])


# Fields under another name in the table `calls`; None is not kept there.
COLUMNS: Mapping[str, str | None] = {"text": "reply_text", "reasoning": "reasoning_text", "stop": None}
COLUMN_OF = {name: COLUMNS.get(name, name) for name in Call._fields}
_TAKEN = [field.name for field in fields_of(Completion) if field.name in Call._fields]


def call_of(place: Place, request_hash: str, completion: Completion, **others: Any) -> Call:
    """The call that brought this completion, its texts fit to be kept.

    Args:
        place: of the question.
        request_hash: of what was asked.
        completion: what came back; `unanswered()` where nothing did.
        others: fields that neither of these has.
    """
    taken = {name: getattr(completion, name) for name in _TAKEN}
    taken["text"] = encodable(completion.text)[:MOST_TEXT]
    taken["reasoning"] = None if completion.reasoning is None else encodable(completion.reasoning)[:MOST_TEXT]
    taken["request_id"] = None if completion.request_id is None else encodable(completion.request_id)[:MOST_ID]
    taken["retried"] = " ".join(completion.retried) or None
    return Call(**place._asdict(), request_hash=request_hash, **taken, **others)


def unanswered(**told: Any) -> Completion:
    """What stands in a completion's place where no reply came; `told` is what is known all the same."""
    return Completion(text="", stop=NO_REPLY, **told)


def in_call_order(calls: Iterable[Call]) -> list[Call]:
    """Calls in the order of their places; faults before the reply they delayed."""
    return sorted(calls, key=lambda call: (call.place.order, call.status not in FAULTS, call.started_at))


def by_field(calls: Sequence[Call]) -> Columns:
    """The calls' fields by name, each a column."""
    columns = zip(*calls, strict=True) if calls else ((),) * len(Call._fields)
    return dict(zip(Call._fields, columns, strict=True))


def as_columns(calls: Columns) -> Columns:
    """Calls by field as columns of the table `calls`, as far as it has them from calls."""
    return {column: calls[name] for name, column in COLUMN_OF.items() if column is not None}


def from_row(row: Mapping[str, Any], **others: Any) -> Call:
    """The call in a row of the table `calls`; fields it does not hold are None.

    Args:
        row: by column; `started_at` is a time.
        others: fields that the table does not hold, or that count for more.
    """
    values = {name: None if column is None else row.get(column) for name, column in COLUMN_OF.items()}
    return Call(**{**values, "started_at": row["started_at"].timestamp(), **others})


def replies_sha256(request_hashes: Sequence[str], texts: Sequence[str]) -> str:
    """sha256 over (request_hash, reply_text) of the calls that brought a reply, in call order; a line of JSON each."""
    quoted = {text: quote(text) for text in set(texts)}  # scripted agents say the same few things
    lines = [f"[{quote(asked)}, {quoted[text]}]\n" for asked, text in zip(request_hashes, texts, strict=True)]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def interrupted(requests: Iterable[Request], calls: Sequence[Call]) -> Iterator[Call]:
    """As calls, those of the requests that none of these calls came of."""
    for request in requests:
        # A call covers every request for it: one that came broken is asked again before the call is kept.
        if any(call.place == request.place and call.started_at >= request.at for call in calls):
            continue
        yield call_of(
            request.place,
            request.request_hash,
            unanswered(),
            status=INTERRUPTED,
            error="play was ended before the reply came",
            cost_usd=request.most_usd,
            latency_s=0.0,
            started_at=request.at,
            bound_usd=request.most_usd,
        )
