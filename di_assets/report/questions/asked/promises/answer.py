"""Question 5: do promises hold? Promises made, kept and broken by each model, and the points that they bring."""

from collections.abc import Sequence
from typing import cast

import polars as pl

from di_assets.measures.promises import BROKEN, KEPT
from di_assets.report.named import named
from di_assets.report.questions.asked.promises.claims import holds_and_pays
from di_assets.report.questions.asked.promises.types import PromiseMark, PromiseRow
from di_assets.report.questions.page import ATTACK, among, counted, drawn_marks, sentences, some_claims, talking
from di_assets.report.questions.question import Answer
from di_assets.report.questions.scope import Frames, Scope
from di_assets.report.questions.statement import Claim, Status
from di_assets.tables.words import LEXICAL

# The columns that are read of `promise_shares`.
SHARES = (
    "episode_id", "labeller", "model", "n", "kept_share", "chance_share", "points_a_kept", "points_a_broken",
    "first_event", "best_kept", "best_kept_event", "best_broken", "best_broken_event",
)  # fmt: skip


def answer(scope: Scope, frames: Frames) -> Answer:
    """Question 5 as it stands today."""
    ledger = promise_rows(scope, frames)
    shares = _shares(scope, frames)
    rows = [row for row in ledger if row["made"]]
    holds, pays = holds_and_pays(scope, rows, shares)
    silent = [row["model"] for row in ledger if not row["made"]]
    marks, n_marks = _marks(rows, shares)
    return Answer(
        headline=_headline(rows, holds, pays, played=bool(ledger), scripted=scope.scripted),
        claims=[*holds, *pays],
        measured=bool(rows),
        rows=rows,
        marks=marks,
        n_marks=n_marks,
        caption=_caption(rows),
        alt=_alt(rows, scope),
        quote=_quote(marks),
        reading=_reading(rows, holds, pays, silent, scripted=scope.scripted),
        statistics={"without_a_promise": sorted(set(silent) - {row["model"] for row in rows})},
    )


def promise_rows(scope: Scope, frames: Frames) -> list[PromiseRow]:
    """The rows behind the figure: `promise_ledger` by the lexical rule, with messages on, of the kind shown."""
    conditions = talking(scope)["condition"].unique().implode()
    rows = frames["promise_ledger"].filter(
        (pl.col("labeller") == LEXICAL) & pl.col("condition").is_in(conditions) & (pl.col("scripted") == scope.scripted)
    )
    several = rows.filter(pl.col("made") > 0)["condition"].n_unique() > 1
    graph = pl.lit(", ") + pl.col("condition").str.split("/").list.first() if several else pl.lit("")
    rows = rows.sort(["kept_share", "model", "condition"], descending=[True, False, False], nulls_last=True)
    return cast("list[PromiseRow]", rows.select(pl.col("model").add(graph).alias("label"), pl.all()).to_dicts())


def _shares(scope: Scope, frames: Frames) -> pl.DataFrame:
    """`promise_shares` of the episodes with a decided promise, by the lexical rule."""
    facts = talking(scope).select("episode_id", "condition", "seed")
    decided = frames["promise_shares"].filter(pl.col("n") > 0, labeller=LEXICAL)
    return decided.join(facts, on="episode_id", maintain_order="left")


def _marks(rows: Sequence[PromiseRow], shares: pl.DataFrame) -> tuple[list[PromiseMark], int]:
    """The marks that are drawn, and how many there are.

    There is one for each episode with a decided promise, and one for each model and outcome: the promise with most
    points. An episode's mark links to its first broken promise; if none was broken, to its first kept one.
    """
    parts: list[pl.DataFrame] = []
    of_row = shares.partition_by("condition", "model", as_dict=True)
    for row in rows:
        mine = of_row.get((row["condition"], row["model"]), shares.clear()).sort("kept_share", "episode_id")
        facts = {"model": pl.lit(row["model"]), "condition": pl.lit(row["condition"])}
        parts.append(
            mine.select("episode_id", event_id="first_event", value="kept_share", part=pl.lit("kept share"), **facts)
        )
        for outcome, points in ((KEPT, row["points_a_kept"]), (BROKEN, row["points_a_broken"])):
            best = f"best_{outcome}"
            telling = mine.drop_nulls(best).sort([best, "episode_id"], descending=[True, False]).head(1)
            value = pl.lit(points, dtype=pl.Float64)
            parts.append(
                telling.select("episode_id", event_id=f"{best}_event", value=value, part=pl.lit(outcome), **facts)
            )
    marks, n_marks = drawn_marks(parts)
    return cast("list[PromiseMark]", marks), n_marks


def _quote(marks: Sequence[PromiseMark]) -> tuple[str, int] | None:
    """The broken promise that brought most points; if none was broken, the kept one that did."""
    for outcome in (BROKEN, KEPT):
        telling = [mark for mark in marks if mark["part"] == outcome]
        if telling:
            one = max(telling, key=lambda mark: (mark["value"] or 0.0, mark["model"]))
            return one["episode_id"], one["event_id"]
    return None


def _headline(
    rows: Sequence[PromiseRow],
    holds: Sequence[Claim],
    pays: Sequence[Claim],
    *,
    played: bool,
    scripted: bool,
) -> Claim:
    if not rows:
        text = (
            "Nobody has promised a pull yet."
            if played
            else "No episode in which a pull could be promised has been played yet."
        )
        return Claim("headline", "not yet", text, (ATTACK,))
    made, kept, broke = (
        sum(numbers) for numbers in zip(*((r["made"], r["kept"], r["broken"]) for r in rows), strict=True)
    )
    first = among(f"of {made:,} promised pulls {kept:,} were kept and {broke:,} broken", scripted=scripted)
    states = [one.status for one in holds]
    better, worse = states.count("supported"), states.count("contradicted")
    chance = f"of {len(states)} promisers, {better} keep more than by chance and {worse} keep fewer" if better or worse else (
        "no promiser can be said to keep more than by chance")  # fmt: skip
    brings = [one.status for one in pays]
    if "contradicted" in brings:
        paid = f"; a broken one brings more than a kept one for {some_claims(pays, 'contradicted', 'promisers')}"
    elif "supported" in brings:
        paid = f"; a kept one brings more than a broken one for {some_claims(pays, 'supported', 'promisers')}"
    else:
        paid = ""
    status: Status = "supported" if better else "contradicted" if worse else "not yet"
    return Claim("headline", status, f"{first}; {chance}{paid}.")


def _caption(rows: Sequence[PromiseRow]) -> str:
    return (
        "Above: the share of a model’s promises that were kept; the others were broken. Each dot is one episode, and the line is the 95% interval "
        "(Student’s t over independent episodes). The ochre tick is the share that the same number of random pulls would have kept. A promise is a "
        "message that the lexical rule reads as one. It is kept if the pull follows in the round of the message or the two after it, and counts "
        "once however often it is repeated. Below: points that the promise’s recipient gave the promiser in those rounds, for a kept promise "
        f"(filled) and a broken one (open); each opens the promise with most points. {counted([row['n'] for row in rows])}; one point = one pull."
    )


def _alt(rows: Sequence[PromiseRow], scope: Scope) -> str:
    phrases = [
        f"{named(row['label'], scripted=scope.scripted)}: {row['made']} made, {row['kept']} kept, {row['broken']} broken"
        + (f", {row['points_a_kept']:.2f} points a kept" if row["points_a_kept"] is not None else "")
        + (f", {row['points_a_broken']:.2f} a broken one" if row["points_a_broken"] is not None else "")
        for row in rows
    ]
    lead = "Split bars, scripted agents" if scope.scripted else "Split bars"
    return f"{lead}: promises. {'; '.join(phrases)}." if phrases else "No promise yet."


def _reading(
    rows: Sequence[PromiseRow], holds: Sequence[Claim], pays: Sequence[Claim], silent: Sequence[str], *, scripted: bool
) -> list[str]:
    if not rows:
        return ["No promise that could be kept or broken has been made yet: it needs an arm with messages on."]
    owed = [
        f"{named(row['label'], scripted=scripted)} {row['owed_kept_share']:.0%}"
        for row in rows
        if row["owed_kept_share"] is not None
    ]
    quiet = [named(model, scripted=scripted) for model in sorted(set(silent))]
    return [
        ("A promise costs nothing, and with five seats even random pulls keep many promises. What counts is how many more are kept than that, and "
        "whether broken promises bring fewer points."),
        sentences(holds),
        sentences(pays),
        f"Share kept of the promises whose recipient had pulled first: {', '.join(owed)}." if owed else "",
        f"No promise was made by {', '.join(quiet)}." if quiet else "",
        "Promises are not broken at random: if broken promises bring more points, breaking them need not be the cause.",
    ]  # fmt: skip
