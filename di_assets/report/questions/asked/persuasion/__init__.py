"""Question 1: can models persuade other agents to give them points?"""

from di_assets.report.questions.asked.capturing.claims import CAPTURES
from di_assets.report.questions.asked.network.claims import NETWORK
from di_assets.report.questions.asked.persuasion.answer import answer
from di_assets.report.questions.asked.persuasion.channels import TABLE, episodes_behind
from di_assets.report.questions.asked.persuasion.claims import CONTENT, OWN_TALK, PERSUADES
from di_assets.report.questions.asked.persuasion.figure import paired_bars
from di_assets.report.questions.asked.persuasion.sections import AGAINST_CHANCE, WHOSE_TALK
from di_assets.report.questions.asked.persuasion.types import PersuasionPage
from di_assets.report.questions.question import Cited, Number, Part, Question, whole


def _lift(part: Part, model: str) -> float | None:
    return next((row["lift"] for row in part["lift"]["models"] if row["model"] == model), None)


QUESTION = Question(
    name="q1",
    asks="Can models persuade other agents to give them points?",
    reads={
        "seats": ("episode_id", "model"),
        "pair_capture": ("episode_id", "net_capture"),
        **whole("model_points", TABLE, "reciprocity_baseline"),
    },
    statements=(PERSUADES, OWN_TALK, CONTENT, CAPTURES, NETWORK),
    answer=answer,
    published=PersuasionPage,
    figure=paired_bars,
    statistics=(
        "measured",
        "needs",
        "net_capture",
        "payback_rate",
        "solicited_not_payback_rate",
        "lift",
        "primary",
    ),
    tables=("lift", "model_points"),
    sections=(WHOSE_TALK, AGAINST_CHANCE),
    cited=(
        Cited("lift.messages_on", of="on"),
        Cited("lift.messages_off", of="off"),
        Cited("net_capture", of="all"),
        Cited("against_chance", of="all"),
        Cited("payback_rate", of="open"),
        Cited("solicited_not_payback_rate", of="open"),
    ),
    traced=Number("lift", _lift, table="lift", column="lift"),
    unmarked=episodes_behind,
)
