"""A warehouse of made-up episodes that keeps the contract: `python bench/synthetic.py DIR --episodes N`.

Five seats, 25 rounds, several arms (graphs, messages on and off, focal agents), some forfeits; all of it labelled as
scripted. Nothing is played: pulls are drawn (half of them pay back), messages are drawn from a few texts. Each batch is
drawn from its own stream, so that a warehouse is the same for the same seed and memory is bounded by one batch.
"""

import argparse
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import numpy as np
import polars as pl

from di_assets.agents.asking import asks_for_pull, promises_pull
from di_assets.game import edges
from di_assets.game.types import RULES_VERSION
from di_assets.measures.declared import by_batch
from di_assets.measures.labels import VERSION
from di_assets.measures.making import make_batch
from di_assets.tables import TABLES, Warehouse
from di_assets.tables.words import LEXICAL

N_SEATS, N_ROUNDS, BATCH = 5, 25, 5_000
FORFEITS, PAID_BACK, FIRST_SEED = 0.01, 0.5, 1_000
FOCAL = ("con_artist", "pact_maker", "pleader", "promiser", "threatener")
BACKGROUND = ("bandwagon", "grudger", "gullible", "tit_for_tat")
TEXTS = (
    "Pull me this round, please.",
    "If you pull me now, I will pull you next round.",
    "I will pull you this round.",
    "Let's pull each other every round.",
    "You have pulled nobody twice so far.",
    "Seat letters tell you nothing.",
    "I won't pull you again.",
    "Good round, thank you!",
)
STARTED = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class SyntheticArm:
    """What differs between the arms. `talk` is the chance that a seat writes to a neighbour in a round."""

    name: str
    topology: str = "complete"
    talk: float = 0.4

    @property
    def channel(self):
        return "open" if self.talk else "none"

    @property
    def condition(self):
        return f"{self.topology}/pure/msg-{'on' if self.talk else 'off'}"


COMPLETE = SyntheticArm("synthetic_complete")
ARMS = (
    COMPLETE,
    SyntheticArm("synthetic_nomsg", talk=0),
    SyntheticArm("synthetic_ring", "ring"),
    SyntheticArm("synthetic_star", "star"),
)


def build(warehouse, n_episodes, *, seed=1, arms=ARMS, batch_size=BATCH, calls=False, measures=False):
    """Writes the event tables and the lexical labels of so many episodes, batches dealt to the arms in turn.

    With `calls` a minimal call for each turn, too; with `measures` what is measured of single episodes.
    """
    for number, start in enumerate(range(0, n_episodes, batch_size)):
        arm, turn = arms[number % len(arms)], number // len(arms)
        indices = np.arange(min(batch_size, n_episodes - start)) + turn * batch_size
        rng = np.random.default_rng([seed, number])
        frames = batch_frames(arm, turn, indices, calls=calls, rng=rng)
        batch = f"{arm.name}--b{turn:02d}"
        for name, frame in frames.items():
            warehouse.write(name, frame, batch)
        for measure in by_batch() if measures else ():
            if measure.name not in frames:  # labels come with the messages
                make_batch(warehouse, measure, batch, {})


def batch_frames(arm, turn, indices, *, calls, rng):
    """The tables of one batch, rows in key order."""
    graph = edges(arm.topology, N_SEATS, seed=0)
    focal, replicate = indices % len(FOCAL), indices // len(FOCAL)
    ids = pl.Series("episode_id", [f"{arm.name}--{FOCAL[f]}_r{r}" for f, r in zip(focal, replicate, strict=True)])
    order = ids.arg_sort().to_numpy()
    ids, focal, replicate = ids.gather(order), focal[order], replicate[order]
    n, adjacent = len(ids), np.zeros((N_SEATS, N_SEATS), dtype=bool)
    for a, b in graph:
        adjacent[a, b] = adjacent[b, a] = True
    targets = drawn_pulls(n, adjacent, rng=rng)
    forfeit = rng.random(targets.shape, dtype=np.float32) < FORFEITS
    written = np.broadcast_to(adjacent, (n, N_ROUNDS, N_SEATS, N_SEATS))
    written = written & (rng.random(written.shape, dtype=np.float32) < arm.talk)
    n_messages = written.sum(axis=(2, 3))
    first = np.cumsum(n_messages + N_SEATS, axis=1) - (n_messages + N_SEATS)  # (e, t): the round's first event
    seat_of = rng.permuted(np.tile(np.arange(N_SEATS), (n, 1)), axis=1)  # (e, member of the cast)
    letters = rng.permuted(np.tile(np.arange(N_SEATS), (n, 1)), axis=1)  # (e, seat)
    frames = {
        "episodes": _episodes(arm, turn, ids, focal, replicate, seat_of[:, 0], forfeit.sum(axis=(1, 2))),
        "seats": _seats(ids, focal, seat_of, letters),
        "edges": _repeated(ids, len(graph)).with_columns(
            seat_a=pl.Series(np.tile([a for a, _ in graph], n)), seat_b=pl.Series(np.tile([b for _, b in graph], n))
        ),
        "pulls": _pulls(ids, targets, forfeit, first + n_messages),
        **_messages(ids, written, n_messages, first, rng=rng),
    }
    return frames | ({"calls": _calls(arm, ids, focal, seat_of, letters, targets, forfeit)} if calls else {})


def drawn_pulls(n, adjacent, *, rng):
    """(e, t, i): a neighbour each; half of the time one that pulled i in the round before, where there is one."""
    degree = adjacent.sum(axis=1)
    neighbours = np.argsort(~adjacent, axis=1, kind="stable")
    targets = np.empty((n, N_ROUNDS, N_SEATS), dtype=np.int64)
    seats = np.arange(N_SEATS)
    for t in range(N_ROUNDS):
        targets[:, t] = neighbours[seats, (rng.random((n, N_SEATS)) * degree).astype(int)]
        willing = rng.random((n, N_SEATS)) < PAID_BACK
        for puller in rng.permutation(N_SEATS) if t else ():
            here = np.flatnonzero(willing[np.arange(n), targets[:, t - 1, puller]])
            targets[here, t, targets[here, t - 1, puller]] = puller
    return targets


def _repeated(ids, times):
    return pl.DataFrame({"episode_id": ids.gather(np.repeat(np.arange(len(ids)), times))})


def _hash(text):
    return sha256(text.encode()).hexdigest()


def _episodes(arm, turn, ids, focal, replicate, focal_seat, forfeits):
    n_calls = N_SEATS * N_ROUNDS * (2 if arm.talk else 1)
    same = {
        "arm": arm.name,
        "batch": f"{arm.name}--b{turn:02d}",
        "launch": None,
        "condition": arm.condition,
        "topology": arm.topology,
        "payoff": "pure",
        "channel": arm.channel,
        "n_seats": N_SEATS,
        "n_rounds": N_ROUNDS,
        "scripted": True,
        "status": "complete",
        "failure": None,
        "started_at": STARTED,
        "finished_at": STARTED,
        "rules_version": RULES_VERSION,
        "reader_version": None,
        "engine": None,
        "prompt_hash": _hash("synthetic"),
        "config_hash": _hash(arm.name),
        "journal_sha256": _hash("synthetic"),
        "n_calls": n_calls,
        "input_tokens": 0,
        "output_tokens": 0,
        "cost_usd": 0.0,
    }
    own = pl.DataFrame(
        {
            "episode_id": ids,
            "focal_model": pl.Series(FOCAL).gather(focal),
            "focal_seat": focal_seat,
            "replicate": replicate,
            "seed": FIRST_SEED + replicate,
            "n_forfeits": forfeits,
        }
    )
    return own.with_columns(pl.lit(value).alias(name) for name, value in same.items()).select(
        list(TABLES["episodes"].schema)
    )


def _models(focal, seat_of):
    """(e, seat): the cast, as indices into FOCAL and then BACKGROUND."""
    models = np.empty_like(seat_of)
    cast = np.column_stack([focal, np.tile(len(FOCAL) + np.arange(N_SEATS - 1), (len(focal), 1))])
    np.put_along_axis(models, seat_of, cast, axis=1)
    return models


def _seats(ids, focal, seat_of, letters):
    n, models = len(ids), _models(focal, seat_of).ravel()
    return _repeated(ids, N_SEATS).with_columns(
        seat=pl.Series(np.tile(np.arange(N_SEATS), n)),
        label=pl.Series(list("ABCDE")).gather(letters.ravel()),
        model=pl.Series(FOCAL + BACKGROUND).gather(models),
        role=pl.Series(["background", "focal"]).gather((models < len(FOCAL)).astype(int)),
        kind=pl.lit("scripted"),
    )


def _pulls(ids, targets, forfeit, first):
    target = pl.Series(targets.ravel()).set(pl.Series(forfeit.ravel()), None)
    return _repeated(ids, N_ROUNDS * N_SEATS).with_columns(
        event_id=pl.Series((first[:, :, None] + np.arange(N_SEATS)).ravel()),
        round=pl.Series(np.tile(np.repeat(np.arange(N_ROUNDS) + 1, N_SEATS), len(ids))),
        puller=pl.Series(np.tile(np.arange(N_SEATS), len(ids) * N_ROUNDS)),
        target=target,
        status=pl.Series(["valid", "forfeit"]).gather(forfeit.ravel().astype(int)),
    )


def _messages(ids, written, n_messages, first, *, rng):
    e, t, sender, recipient = np.nonzero(written)
    per_round = n_messages.ravel()
    place = np.arange(len(e)) - np.repeat(np.cumsum(per_round) - per_round, per_round)
    said = rng.integers(len(TEXTS), size=len(e))
    event = pl.DataFrame({"episode_id": ids.gather(e), "event_id": first[e, t] + place})
    messages = event.with_columns(
        round=pl.Series(t + 1),
        exchange=pl.lit(1),
        sender=pl.Series(sender),
        recipient=pl.Series(recipient),
        text=pl.Series(TEXTS).gather(said),
        truncated=pl.lit(value=False),
    )
    labels = event.with_columns(
        asks_for_pull=pl.Series([asks_for_pull(text) for text in TEXTS]).gather(said),
        promises_pull=pl.Series([promises_pull(text) for text in TEXTS]).gather(said),
        labeller=pl.lit(LEXICAL),
        version=pl.lit(VERSION),
    )
    return {"messages": messages, "message_labels": labels}


def _calls(arm, ids, focal, seat_of, letters, targets, forfeit):
    """One call a turn, its reply shortened to the pull, or to no message at all."""
    phases = ("message", "pull") if arm.talk else ("pull",)
    n, turns = len(ids), N_ROUNDS * len(phases) * N_SEATS
    shape = (n, N_ROUNDS, len(phases), N_SEATS)
    pulls = np.zeros(shape, dtype=bool)
    pulls[:, :, -1] = True
    replies = [*(json.dumps({"pull": letter}) for letter in "ABCDE"), '{"messages": []}', "no pull"]
    pulled = np.take_along_axis(letters[:, None], targets, axis=2)
    pulled = np.where(forfeit, len(replies) - 1, pulled)[:, :, None]
    said = np.where(pulls, pulled, len(replies) - 2).ravel()
    models = np.broadcast_to(_models(focal, seat_of)[:, None, None], shape).ravel()
    invalid = said == len(replies) - 1
    frame = _repeated(ids, turns).with_columns(
        call_id=pl.Series(np.tile(np.arange(turns), n)),
        round=pl.Series(np.broadcast_to(np.arange(N_ROUNDS)[:, None, None] + 1, shape).ravel()),
        phase=pl.Series(["message", "pull"]).gather(pulls.ravel().astype(int)),
        exchange=pl.Series((~pulls).ravel().astype(int)),
        seat=pl.Series(np.broadcast_to(np.arange(N_SEATS), shape).ravel()),
        attempt=pl.lit(0),
        provider=pl.lit("scripted"),
        model=pl.Series(FOCAL + BACKGROUND).gather(models),
        request_hash=pl.lit(_hash("synthetic")),
        reply_text=pl.Series(replies).gather(said),
        status=pl.Series(["ok", "unreadable"]).gather(invalid.astype(int)),
        latency_s=pl.lit(0.0),
        started_at=pl.lit(STARTED),
    )
    absent = [c for c in TABLES["calls"].columns if c.name not in frame.columns]
    return frame.with_columns(pl.lit(None, dtype=c.dtype).alias(c.name) for c in absent)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition(":")[0])
    parser.add_argument("folder", type=Path, help="the warehouse to write into")
    parser.add_argument("--episodes", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--batch", type=int, default=BATCH, help="episodes a partition")
    parser.add_argument("--calls", action="store_true", help="a minimal call for each turn, too")
    parser.add_argument("--measures", action="store_true", help="what is measured of single episodes, too")
    given = parser.parse_args()
    build(
        Warehouse(given.folder),
        given.episodes,
        seed=given.seed,
        batch_size=given.batch,
        calls=given.calls,
        measures=given.measures,
    )


if __name__ == "__main__":
    main()
