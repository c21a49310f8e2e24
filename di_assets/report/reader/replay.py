"""Makes the prompts of an episode again. They are not stored, but follow from replies, rules and prompt files.

The stored replies are played through the game once more. Each question is rendered again, and its hash is compared with
the stored one. So the reader can say whether the model was asked exactly this.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from di_assets.agents.player import Fault, Player
from di_assets.agents.prompts import Prompts
from di_assets.agents.replies import READERS, read_reply
from di_assets.arms import Arm, Configs, PlannedEpisode, load_configs
from di_assets.calls.ask_once import MAX_REASKS
from di_assets.calls.call import FAULTS
from di_assets.calls.place import Place
from di_assets.calls.sending import Lines
from di_assets.game.observe import observe
from di_assets.game.state import State
from di_assets.game.step import asked, start, step
from di_assets.game.types import RULES_VERSION, Observation, Reply, Rules, Setup
from di_assets.play.seating import header, players
from di_assets.play.verify import STOPS
from di_assets.providers.asking import Ask
from di_assets.providers.types import Request
from di_assets.report.reader.transcript import Event, Transcript
from di_assets.tables.words import FIRST_READER, PULL

HASHES = ("config_hash", "prompt_hash")


@dataclass(frozen=True, slots=True)
class Replay:
    """An episode played again from its stored replies.

    Attributes:
        problem: why it cannot be played again; None if it was.
        changed: names of the hashes that have changed since the episode was played.
        rules: the rules of the episode; None if they are no longer configured.
        asks: every question that was made again, in call order.
        observations: (turn, seat) -> what the seat knew when it was asked.
        written: event -> what its sender wrote, for messages that arrived changed.
        agrees: the resulting events equal the stored ones.
    """

    problem: str | None = None
    changed: tuple[str, ...] = ()
    rules: Rules | None = None
    asks: Mapping[Place, Ask] = field(default_factory=dict)
    observations: Mapping[tuple[tuple[int, bool, int], int], Observation] = field(default_factory=dict)
    written: Mapping[int, str] = field(default_factory=dict)
    agrees: bool = False


@dataclass(frozen=True, slots=True)
class Prompt:
    """The prompt of a call, compared with the seat's previous prompt.

    Attributes:
        turns: (role, text), the system text first.
        kept: number of lines that are unchanged from the seat's previous prompt.
        gone: lines of the previous prompt that are no longer there.
        new: lines that were not in the previous prompt.
        same_hash: its hash equals the one stored with the call.
        changed: names of the hashes that have changed since the episode was played.
    """

    turns: tuple[tuple[str, str], ...]
    kept: int
    gone: tuple[str, ...]
    new: tuple[str, ...]
    same_hash: bool
    changed: tuple[str, ...]


def replay(found: Transcript, folder: Path) -> Replay:
    """Plays an episode's stored replies again, with the arms and prompts of a folder. Never raises an exception."""
    episode = found.episode
    if episode["rules_version"] != RULES_VERSION:
        return Replay(
            problem=f"it was played by rules version {episode['rules_version']}, but only version {RULES_VERSION} is known"
        )
    if (episode["reader_version"] or FIRST_READER) not in READERS:
        return Replay(
            problem=f"its replies were read by reader {episode['reader_version']}; known are {', '.join(READERS)}"
        )
    try:
        configs = load_configs(folder)
        prompts = Prompts.load(configs.prompts)
        if episode["arm"] not in configs.arms:
            return Replay(problem=f"its arm {episode['arm']} is not configured")
        lost = sorted({s["model"] for s in found.seats if not _known(configs, s["model"])})
        if lost:
            return Replay(problem=f"{', '.join(lost)} is not configured")
        return _replayed(found, configs, prompts)
    except (ValueError, OSError) as problem:
        return Replay(problem=str(problem))


def prompt_of(again: Replay, call: Mapping[str, Any]) -> Prompt | None:
    """The prompt of a call (a row of `calls`); None for a scripted agent's call, or if it could not be made again."""
    place = _place(call)
    ask = again.asks.get(place)
    if ask is None or not isinstance(ask.payload, Request):
        return None
    before: list[str] = []
    for other, earlier in again.asks.items():
        if other == place:
            break
        if other.seat == place.seat and isinstance(earlier.payload, Request):
            before = _lines(earlier.payload)
    kept, gone, new = _apart(before, _lines(ask.payload))
    turns = (("system", ask.payload.system), *ask.payload.turns)
    return Prompt(turns, kept, gone, new, ask.request_hash == call["request_hash"], again.changed)


def _known(configs: Configs, model: str) -> bool:
    return configs.is_scripted(model) or model in configs.models


def _replayed(found: Transcript, configs: Configs, prompts: Prompts) -> Replay:
    arm = configs.arm(found.episode["arm"])
    planned = _planned(found, arm)
    today = header(planned, arm, configs, prompts)
    changed = tuple(name for name in HASHES if getattr(today, name) != found.episode[name])
    cast = players(planned, arm, configs, prompts, Lines({}, {}, ()))
    stored = {_place(call): call for call in found.calls if call["status"] not in FAULTS}
    asks: dict[Place, Ask] = {}
    observations: dict[tuple[tuple[int, bool, int], int], Observation] = {}
    reader = found.episode["reader_version"] or FIRST_READER
    state = start(planned.setup)
    while (turn := state.turn) is not None:
        replies: dict[int, Reply] = {}
        for seat in asked(state):
            seen = observe(state, seat)
            observations[(turn.round, turn.phase == PULL, turn.exchange), seat] = seen
            reply = _reply(cast[seat], seen, seat, stored, asks, reader)
            if reply is not None:
                replies[seat] = reply
        if len(replies) < len(asked(state)):
            break  # until the stored replies end
        state = step(state, replies)
    return Replay(
        changed=changed,
        rules=None if "config_hash" in changed else arm.rules,
        asks=asks,
        observations=observations,
        written=_written(state, found.events),
        agrees=_events(state) == [_event(event) for event in found.events],
    )


def _planned(found: Transcript, arm: Arm) -> PlannedEpisode:
    """The episode as it was planned: what its seed decided is read from the tables, its rules from the arm."""
    episode = found.episode
    return PlannedEpisode(
        **{name: episode[name] for name in ("episode_id", "arm", "batch", "launch", "replicate")},
        **{name: episode[name] for name in ("focal_model", "focal_seat")},
        models=tuple(seat["model"] for seat in found.seats),
        roles=tuple(seat["role"] for seat in found.seats),
        setup=Setup(
            rules=arm.rules,
            edges=found.edges,
            labels=tuple(found.labels),
            seed=episode["seed"],
            focal=episode["focal_seat"],
        ),
    )


def _reply(
    player: Player,
    seen: Observation,
    seat: int,
    stored: Mapping[Place, Mapping[str, Any]],
    asks: dict[Place, Ask],
    reader: str,
) -> Reply | None:
    """The seat's reply in this turn; each of its questions is added to `asks`. None when the replies run out."""
    faults: tuple[Fault, ...] = ()
    reply = None
    for attempt in range(1 + MAX_REASKS):
        place = Place(*seen.turn, seat, attempt)
        asks[place] = player.prepare(seen, faults)
        call = stored.get(place)
        if call is None:
            return None
        reply = read_reply(seen, call["reply_text"], stop=STOPS.get(call["status"], "end"), reader=reader)
        if reply.invalid is None:
            break
        faults = (*faults, Fault(text=call["reply_text"], reason=reply.invalid))
    return reply


def _place(call: Mapping[str, Any]) -> Place:
    return Place(**{name: call[name] for name in Place._fields})


def _written(state: State, events: tuple[Event, ...]) -> dict[int, str]:
    """By event, what a replaced seat wrote if something else arrived."""
    if state.setup.rules.channel != "placebo":
        return {}
    labels = state.setup.labels
    texts = {
        (message.round, message.exchange, message.sender, message.recipient): message.text
        for label, exchanges in zip(labels, state.seen_messages, strict=True)
        for exchange in exchanges
        for message in exchange
        if message.sender == label
    }
    found = {}
    for event in events:
        if event.other is not None:
            text = texts.get((event.round, event.exchange, labels[event.seat], labels[event.other]))
            if text is not None and text != event.text:
                found[event.event_id] = text
    return found


def _events(state: State) -> list[tuple[Any, ...]]:
    messages = [(m.event_id, m.round, m.sender, m.recipient, m.text) for m in state.messages]
    pulls = [(p.event_id, p.round, p.puller, p.target, None) for p in state.pulls]
    return sorted(messages + pulls, key=lambda event: event[0])


def _event(event: Event) -> tuple[Any, ...]:
    return (event.event_id, event.round, event.seat, event.other, event.text)


def _lines(request: Request) -> list[str]:
    return list(_numbered(request))


def _numbered(request: Request) -> Iterator[str]:
    for role, text in (("system", request.system), *request.turns):
        yield f"[{role}]"
        yield from text.splitlines()


def _apart(before: list[str], now: list[str]) -> tuple[int, tuple[str, ...], tuple[str, ...]]:
    """The number of equal lines at the beginning and the end, and the lines between them on each side.

    Prompts grow at the end, so a finer comparison is not needed.
    """
    most = min(len(before), len(now))
    first = next((at for at in range(most) if before[at] != now[at]), most)
    last = next((at for at in range(most - first) if before[-1 - at] != now[-1 - at]), most - first)
    return first + last, tuple(before[first : len(before) - last]), tuple(now[first : len(now) - last])
