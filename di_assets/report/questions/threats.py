"""Threats to validity: flaws of episodes that block or qualify a sentence, whatever the numbers."""

from dataclasses import dataclass
from typing import Literal

import polars as pl

from di_assets.tables.words import FIRST_READER, LIVE

Kind = Literal["rules", "prompts", "readers", "engines", "relaunches", "controls", "incomplete", "unrecorded"]

# The columns of episodes that `flaws` looks at.
LOOKED_AT = ("condition", "focal_model", "seed", "scripted", "prompt_hash", "reader_version", "engine")


@dataclass(frozen=True, slots=True)
class Flaw:
    """One flaw of an aggregate.

    Attributes:
        kind: `prompts` (played with several versions of the prompts), `relaunches` (seeds played more than once),
            `readers` (replies read by several versions of the reader), `engines` (some episodes were played live, some
            in batches), `rules` (episodes by older rules were left out), `controls` (several controls, each with looks of its own), `incomplete` (an outcome that is judged once, at
            the end) or `unrecorded` (a lift that is shown although no look at it is counted).
        words: the flaw as a clause.
        blocks: no claim may be made from the aggregate; otherwise the flaw is added to the sentence.
    """

    kind: Kind
    words: str
    blocks: bool


def flaws(part: pl.DataFrame, *, older: int = 0) -> tuple[Flaw, ...]:
    """Flaws of the episodes behind one number, in a fixed order.

    Args:
        part: rows of `episodes` with the columns LOOKED_AT, all played by one version of the rules.
        older: number of further episodes, played by older rules, that were left out.
    """
    found = []
    prompts = part.filter(~pl.col("scripted"))["prompt_hash"].unique().sort()
    if len(prompts) > 1:
        names = " and ".join(value[:8] for value in prompts)
        words = f"its episodes used {len(prompts)} versions of the prompts ({names})"
        found.append(Flaw("prompts", words, blocks=True))
    readers = part.filter(~pl.col("scripted"))["reader_version"].fill_null(FIRST_READER).unique().sort()
    if len(readers) > 1:
        words = f"its replies were read by {len(readers)} versions of the reader ({' and '.join(readers)})"
        found.append(Flaw("readers", words, blocks=False))
    engines = part.filter(~pl.col("scripted"))["engine"].fill_null(LIVE).unique().sort(descending=True)
    if len(engines) > 1:
        words = f"its models were asked by {len(engines)} engines ({' and '.join(engines)})"
        found.append(Flaw("engines", words, blocks=False))
    played, seeds = part.height, part.select("condition", "focal_model", "seed").n_unique()
    if played > seeds:
        words = f"{played} episodes are {seeds} seeds played more than once, and count as {seeds}"
        found.append(Flaw("relaunches", words, blocks=False))
    if older:
        words = f"{older} episodes played by older rules are left out"
        found.append(Flaw("rules", words, blocks=False))
    return tuple(found)


def other_engine(on: pl.DataFrame, off: pl.DataFrame) -> tuple[Flaw, ...]:
    """The flaw of a contrast whose halves were played by different engines: they differ in more than the channel."""
    played = [set(half.filter(~pl.col("scripted"))["engine"].fill_null(LIVE)) for half in (on, off)]
    if not all(played) or played[0] == played[1]:
        return ()
    words = " and ".join(f"{half} {'/'.join(sorted(one))}" for half, one in zip(("on", "off"), played, strict=True))
    return (Flaw("engines", f"its halves were not played by the same engine (messages {words})", blocks=True),)


def several_controls(n: int) -> tuple[Flaw, ...]:
    """The flaw of a lift over more than one control: looks are counted for each control, not for the mixture."""
    return (Flaw("controls", f"its lift mixes {n} controls, whose looks are counted separately", blocks=True),) * (
        n > 1
    )


def incomplete(played: int, planned: int | None) -> tuple[Flaw, ...]:
    """The flaw of a secondary outcome before its arms are complete: its looks are not counted."""
    if planned is None or played >= planned:
        return ()
    words = f"{played} of {planned} planned pairs are played, and it is judged only once, when all are played"
    return (Flaw("incomplete", words, blocks=True),)


def unrecorded(n_pairs: int, *, recorded: bool) -> tuple[Flaw, ...]:
    """The flaw of a lift over pairs that are not in the table `looks`: its interval ignores this look."""
    if recorded or n_pairs < 2:
        return ()
    return (
        Flaw(
            "unrecorded", f"no look at these {n_pairs} pairs is recorded; make `looks` before the summary", blocks=True
        ),
    )
