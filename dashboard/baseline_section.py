"""What Question 1 shows beside its statistics: whose talk it is, and each measure against chance."""

from html import escape
from itertools import groupby
from typing import Any

from dashboard.tables import boxed
from di_assets.report.published import text_of
from di_assets.tables.words import talks_openly

AGAINST = {"n": "n", "observed": "observed_mean", "null mean": "null_mean", "2.5%": "null_low", "97.5%": "null_high",
           "place in the null": "null_place", "p": "p_value"}  # fmt: skip
NULLS = {"simulated": "no talk", "shuffled": "shuffled"}
CHANCE = {"measure": False, "null": False, **dict.fromkeys(AGAINST, True)}


def whose_talk(q1: dict[str, Any]) -> str:
    """The lift taken apart: whose talk, and whether what is said."""
    if not q1["channels"]:
        return ""
    rows = [
        [escape(r["model"] + (" (scripted)" if q1["scripted"] else "")), escape(r["contrast"].replace("_", " ")), escape(r["formula"]),
         *(text_of(r[name]) for name in ("n_pairs", "difference", "ci", "p_holm")), escape(r["needs"] or "—")]
        for r in q1["channels"]
    ]  # fmt: skip
    heads = {
        "model": False,
        "what": False,
        "formula": False,
        "pairs": True,
        "points": True,
        "95% CI": False,
        "p (Holm)": True,
        "needs": False,
    }
    return (
        f"<h3>Whose talk</h3>{boxed(heads, rows, label='whose talk buys what')}"
        "<p class='caption'>Points of the focal seat, channel against channel on the same seeds; paired t, Holm over the rows of one model.</p>"
    )


def against_chance(q1: dict[str, Any]) -> str:
    """Each observed value beside what chance would give: a table a condition, those with messages on unfolded."""
    tables = [
        f"<details{' open' if talks_openly(condition) else ''}><summary>{escape(condition)}</summary>"
        f"{boxed(CHANCE, list(map(_against, rows)), label=f'{condition} against chance')}</details>"
        for condition, rows in groupby(q1["against_chance"], key=lambda row: str(row["condition"]))
    ]
    if not tables:
        return ""
    return (
        f"<h3>Against chance</h3>{''.join(tables)}"
        "<p class='caption'>no talk: 10,000 episodes of reciprocators who never write, on the same graphs. shuffled: each episode’s own pulls in "
        "another order of rounds. Place: the share of the null’s means of as many episodes that lie below the observed one. p is two-sided.</p>"
    )


def _against(row: dict[str, Any]) -> list[str]:
    return [escape(row["measure"]), NULLS[row["null"]], *(text_of(row[name]) for name in AGAINST.values())]
