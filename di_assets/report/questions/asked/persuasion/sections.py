"""Further sections of Question 1's page: whose talk the lift is due to, and each measure compared with chance."""

from itertools import groupby

from di_assets.report.named import named
from di_assets.report.published import text_of
from di_assets.report.questions.question import Part, Section, SectionTable
from di_assets.tables.words import talks_openly

NULLS = {"simulated": "no talk", "shuffled": "shuffled"}
TALK = {
    "model": False,
    "what": False,
    "formula": False,
    "pairs": True,
    "points": True,
    "95% CI": False,
    "p (Holm)": True,
    "needs": False,
}
AGAINST = {
    "n": "n",
    "observed": "observed_mean",
    "null mean": "null_mean",
    "2.5%": "null_low",
    "97.5%": "null_high",
    "place in the null": "null_place",
    "p": "p_value",
}


def _whose_talk(part: Part) -> list[SectionTable]:
    rows = [
        [
            named(row["model"], scripted=part["scripted"]),
            row["contrast"].replace("_", " "),
            row["formula"],
            *(text_of(row[name]) for name in ("n_pairs", "difference", "ci", "p_holm", "needs")),
        ]
        for row in part["channels"]
    ]
    return [SectionTable("whose talk buys what", TALK, rows)] if rows else []


def _against_chance(part: Part) -> list[SectionTable]:
    """One table per condition. Tables with messages on are unfolded."""
    columns = {"measure": False, "null": False, **dict.fromkeys(AGAINST, True)}
    return [
        SectionTable(
            f"{condition} against chance",
            columns,
            [[row["measure"], NULLS[row["null"]], *(text_of(row[name]) for name in AGAINST.values())] for row in found],
            folded=condition,
            unfolded=talks_openly(condition),
        )
        for condition, found in groupby(part["against_chance"], key=lambda row: str(row["condition"]))
    ]


WHOSE_TALK = Section(
    "Whose talk",
    _whose_talk,
    "Points of the focal seat, channel against channel on the same seeds; paired t, Holm over the rows of one model.",
)
AGAINST_CHANCE = Section(
    "Against chance",
    _against_chance,
    "no talk: 10,000 episodes of reciprocators who never write, on the same graphs. shuffled: each episode’s own pulls in "
    "another order of rounds. Place: the share of the null’s means of as many episodes that lie below the observed one. "
    "p is two-sided.",
)
