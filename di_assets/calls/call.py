"""The two records of a journal: the header of an episode, and a call (one request to a model and what came back)."""

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
from di_assets.tables.words import FIRST_READER, INTERRUPTED, LIVE

# Calls as columns: the values of each field, by the field's name.
Columns = Mapping[str, Sequence[Any]]
# Statuses of calls that brought no reply.
FAULTS = frozenset({*get_args(FaultKind), INTERRUPTED})
# Longest text and longest id that are stored, characters; the rest is cut off. Valid replies are much shorter.
MOST_TEXT, MOST_ID = 200_000, 2_000
# The value of `stop` in a call that brought no reply.
NO_REPLY = "fault"


@dataclass(frozen=True, slots=True)
class Header:
    """The rules, prompts and configuration that an episode is played with. A journal is resumed only with the same.

    Attributes:
        reader_version: version of the reader of replies. This field alone may differ from today's: a journal is
            always resumed with the reader it began with. Journals older than this field have the first reader.
    """

    episode_id: str
    rules_version: str
    prompt_hash: str
    config_hash: str
    reader_version: str = FIRST_READER

    @property
    def is_shared(self) -> bool:
        """Whether the journal is one of labels: several machines write to it, and may ask for the same label."""
        return self.rules_version.startswith("labels")

    @property
    def sealed_for(self) -> str:
        """What the lines of its calls are sealed for (see `sealed`): the episode; nothing in a journal of labels."""
        return "" if self.is_shared else self.episode_id


class Call(NamedTuple):
    """One request to a model and what came back. The fields of a call are defined only here.

    The first fields are those of `Place`. A field that `Completion` has too is copied from it. If the type of a field
    does not allow None, the field is in every line of a journal. In the table `calls` the column has the name of the
    field; `COLUMNS` lists the exceptions.

    Attributes:
        status: `ok`, the kind of an invalid reply, or a kind of fault (then `text` is empty).
        error: the reason for the status, in words; None if the status is `ok`.
        cost_usd: US dollars; if the server reported no usage, the most that the call can have cost.
        started_at: seconds since the epoch, UTC.
        retried: kinds of the faults that were retried before this result, in order, separated by spaces.
        request_id: ids that the provider gave to this call and its earlier tries, separated by spaces; None if none.
        bound_usd: the most that the call can have cost, US dollars; None for a scripted agent.
        engine: `live` or `batch`: how the model was asked; None for a scripted agent, and in older journals.
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
    engine: str | None = None

    @property
    def place(self) -> Place:
        """The place of the question that this call answers."""
        return Place._make(self[: len(Place._fields)])


# Fields that have another name in the table `calls`. None: the table does not have the field.
COLUMNS: Mapping[str, str | None] = {"text": "reply_text", "reasoning": "reasoning_text", "stop": None}
COLUMN_OF = {name: COLUMNS.get(name, name) for name in Call._fields}
_TAKEN = [field.name for field in fields_of(Completion) if field.name in Call._fields]


def call_of(place: Place, request_hash: str, completion: Completion, **others: Any) -> Call:
    """Makes a call from a completion.

    Lone surrogates in texts are replaced. Texts are cut to `MOST_TEXT` characters, the request id to `MOST_ID`.

    Args:
        place: the place of the question.
        request_hash: the hash of the request.
        completion: what came back; `unanswered()` if nothing came.
        others: the other fields of the call, by name.
    """
    taken = {name: getattr(completion, name) for name in _TAKEN}
    taken["text"] = encodable(completion.text)[:MOST_TEXT]
    taken["reasoning"] = None if completion.reasoning is None else encodable(completion.reasoning)[:MOST_TEXT]
    taken["request_id"] = None if completion.request_id is None else encodable(completion.request_id)[:MOST_ID]
    taken["retried"] = " ".join(completion.retried) or None
    return Call(**place._asdict(), request_hash=request_hash, **taken, **others)


def unanswered(**known: Any) -> Completion:
    """An empty completion, for a call that brought no reply; `known` are fields that are known anyway."""
    return Completion(text="", stop=NO_REPLY, **known)


def in_call_order(calls: Iterable[Call]) -> list[Call]:
    """Sorts calls by place. At the same place faults come first, then the reply; then the time of the start counts."""
    return sorted(calls, key=lambda call: (call.place.order, call.status not in FAULTS, call.started_at))


def by_field(calls: Sequence[Call]) -> Columns:
    """Turns a list of calls into columns by field name."""
    columns = zip(*calls, strict=True) if calls else ((),) * len(Call._fields)
    return dict(zip(Call._fields, columns, strict=True))


def as_columns(calls: Columns) -> Columns:
    """Renames columns of calls to those of the table `calls`; fields that the table does not have are left out."""
    return {column: calls[name] for name, column in COLUMN_OF.items() if column is not None}


def from_row(row: Mapping[str, Any], **others: Any) -> Call:
    """Makes a call from a row of the table `calls`. Fields that are not in the row are None.

    Args:
        row: the row by column; `started_at` is a datetime.
        others: fields by name; they replace those of the row.
    """
    values = {name: None if column is None else row.get(column) for name, column in COLUMN_OF.items()}
    return Call(**{**values, "started_at": row["started_at"].timestamp(), **others})


def replies_sha256(request_hashes: Sequence[str], texts: Sequence[str]) -> str:
    """Hex sha256 over one JSON line `[request_hash, reply_text]` for each call that brought a reply, in call order."""
    quoted = {text: quote(text) for text in set(texts)}  # scripted agents say the same few things
    lines = [f"[{quote(asked)}, {quoted[text]}]\n" for asked, text in zip(request_hashes, texts, strict=True)]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def interrupted(requests: Iterable[Request], calls: Sequence[Call]) -> Iterator[Call]:
    """Yields a call with the status `interrupted` for each request that has no call yet, at the most it can cost."""
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
            engine=LIVE,
        )
