"""Literal tables of a few episodes for the question pages: what is given is in them, all else is null or even."""

import polars as pl

from di_assets.measures.declared import MEASURES
from di_assets.report.questions.registry import READS
from di_assets.report.summary import build_summary
from di_assets.tables import TABLES, Warehouse

SETTINGS = {"title": "T", "subtitle": "s", "status": "draft"}
MIRRORS = {"05_attack_nomsg": "04_attack_complete"}
ARMS = {"open": "04_attack_complete", "none": "05_attack_nomsg"}
PLAIN = {"launch": None, "batch": "b", "payoff": "pure", "focal_seat": 0, "n_seats": 5, "n_rounds": 25, "status": "complete",
         "rules_version": "1", "prompt_hash": "p", "n_pulls": 125, "n_forfeits": 0, "cascades": 3, "gini": 0.3,
         "focal_points": 40, "focal_floor_points": 25.0, "focal_capture": 0.1, "scripted": False}  # fmt: skip


def episode(model="m", seed=0, *, channel="open", topology="complete", payback=0.5, solicited=0.3, **more):
    """One episode with its measures; `more` overrides any column."""
    message = {"open": "msg-on", "none": "msg-off"}[channel]
    arm = "ring_arm" if topology == "ring" else ARMS[channel]
    return {
        **PLAIN,
        "episode_id": f"{arm}--{model}_s{seed}",
        "arm": arm,
        "condition": f"{topology}/pure/{message}",
        "topology": topology,
        "channel": channel,
        "focal_model": model,
        "replicate": seed,
        "seed": seed,
        "payback_rate": payback,
        "solicited_not_payback_rate": solicited,
        "unprompted_rate": 1 - payback - solicited,
        **more,
    }


def filled(name, rows):
    """Rows as a table of the contract, null where they say nothing."""
    schema = TABLES[name].schema
    return pl.DataFrame([{column: row.get(column) for column in schema} for row in rows], schema=schema)


def world(episodes, **tables):
    """Tables of these episodes, five seats each: the focal model and `w`, `x`, `y`, `z`; one message and three pulls."""
    seats, edges, messages, labels, pulls, pairs, kinds = [], [], [], [], [], [], []
    for one in sorted(episodes, key=lambda row: row["episode_id"]):
        key = {"episode_id": one["episode_id"]}
        models = (one["focal_model"], *"wxyz")
        kind = "scripted" if one["scripted"] else "llm"
        seats += [
            {**key, "seat": k, "label": "ABCDE"[k], "model": m, "role": "background" if k else "focal", "kind": kind}
            for k, m in enumerate(models)
        ]
        if one["channel"] == "open":
            messages.append({**key, "event_id": 0, "round": 1, "exchange": 1, "sender": 0, "recipient": 1, "text": "Pull me <b>now</b>."})  # fmt: skip
            labels.append({**key, "event_id": 0, "asks_for_pull": True, "promises_pull": True, "labeller": "lexical", "version": "1"})  # fmt: skip
        for k, (puller, target) in enumerate(((1, 0), (0, 1), (2, 0))):
            pulls.append({**key, "event_id": k + 1, "round": 1, "puller": puller, "target": target, "status": "valid"})
        kinds += [{**key, "event_id": 1, "kind": "solicited"}, {**key, "event_id": 2, "kind": "payback"}, {**key, "event_id": 3, "kind": "unprompted"}]  # fmt: skip
        edges += [{**key, "seat_a": i, "seat_b": j} for i in range(5) for j in range(i + 1, 5)]
        pairs += [{**key, "seat": i, "other": j, "adjacent": True, "residual_in": 0.0, "residual_out": 0.0, "net_capture": 0.0}
                  for i in range(5) for j in range(5) if i != j]  # fmt: skip
    made = {"episodes": episodes, "episode_measures": episodes, "seats": seats, "messages": messages, "message_labels": labels,
            "pulls": pulls, "pull_kinds": kinds, "pair_capture": pairs, "edges": edges}  # fmt: skip
    ordered = {name: filled(name, rows).sort(TABLES[name].keys) for name, rows in {**made, **tables}.items()}
    ordered.setdefault("promises", TABLES["promises"].empty())
    names = ("linked_events", "pulls_between", "promise_shares")
    measured = {name: measured_from(ordered, name) for name in names}
    return nothing() | measured | ordered


def measured_from(frames, name):
    """A table that is measured from these."""
    measure = MEASURES[name]
    return measure.function(**{table: frames[table].select(columns) for table, columns in measure.reads.items()})


def null(
    model, *, mean=0.9, p=0.001, condition="complete/pure/msg-on", n=6, measure="payback_rate", table="model_baseline"
):
    """A row of a null's table."""
    row = {"condition": condition, "measure": f"{measure}/simulated", "n": n, "null_mean": mean, "null_low": mean - 0.05,
           "null_high": mean + 0.05, "p_value": p}  # fmt: skip
    return {**row, "model": model} if table == "model_baseline" else row


def asked(frames, name):
    """A question of the summary made from these tables."""
    return built(frames)["questions"][name]


def built(frames, **given):
    """The summary made from these tables; `given` replaces what it is made with besides."""
    options = {"mirrors": MIRRORS, "settings": SETTINGS, "commit": "c", "generated": "g", "rows_of": rows_in(frames)}
    return build_summary(frames, **{**options, **given})


def rows_in(frames):
    """Reads the rows of an episode in these tables, as it would be read from a warehouse."""
    return lambda table, episode_id: frames[table].filter(episode_id=episode_id).to_dicts()


def nothing():
    """The tables of a warehouse without episodes."""
    return {name: TABLES[name].empty() for name in READS}


def claim(question, name):
    """The claim of this name."""
    (found,) = [one for one in question["claims"] if one["name"] == name]
    return found


def stored(folder, tables):
    """A warehouse of these partitioned tables, one batch: what may not be undefined is empty or 0."""
    warehouse = Warehouse(folder)
    for name, frame in tables.items():
        undefined = [column.name for column in TABLES[name].columns if not column.nullable]
        if TABLES[name].partitioned:
            warehouse.write(
                name, frame.with_columns(_filled(frame.schema[column], column) for column in undefined), "b"
            )
    return warehouse


def _filled(dtype, column):
    nothing = {pl.String: "", pl.Boolean: False}.get(dtype.base_type(), 0)
    return pl.col(column).fill_null(pl.lit(nothing).cast(dtype))
