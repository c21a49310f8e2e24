"""The words that columns of the table contract hold, each written once. Nothing is imported here.

The rules of the game have types of their own for some of them (`game/types.py`); a test holds the two together.
"""

from collections.abc import Mapping
from typing import Final

# episodes.status. One that is not complete is resumed by the next run.
COMPLETE: Final = "complete"
FAILED: Final = "failed"
STOPPED: Final = "stopped"

# calls.status of a valid reply, and of a request whose reply never came because play was ended. Besides, it holds the
# kind of an invalid reply, or of the fault that came in its place (`calls.call.FAULTS`).
OK: Final = "ok"
INTERRUPTED: Final = "interrupted"

# calls.phase, in the order of a round.
MESSAGE: Final = "message"
PULL: Final = "pull"
PHASES = (MESSAGE, PULL)

# pulls.status.
VALID: Final = "valid"
FORFEIT: Final = "forfeit"
KEPT: Final = "kept"

# episodes.channel.
OPEN: Final = "open"
NO_MESSAGES: Final = "none"
FOCAL_MUTED: Final = "focal_muted"
RIVALS_MUTED: Final = "rivals_muted"
PLACEBO: Final = "placebo"

# How a channel stands at the end of a condition.
MESSAGES_ON: Final = "msg-on"
MESSAGING: Mapping[str, str] = {
    OPEN: MESSAGES_ON,
    NO_MESSAGES: "msg-off",
    FOCAL_MUTED: "focal-muted",
    RIVALS_MUTED: "rivals-muted",
    PLACEBO: "placebo",
}

# seats.role.
FOCAL: Final = "focal"
BACKGROUND: Final = "background"
MIXED: Final = "mixed"

# seats.kind; `scripted` stands in calls.provider too.
LLM: Final = "llm"
SCRIPTED: Final = "scripted"

# episodes.reader_version of files that do not say it.
FIRST_READER: Final = "1"


def condition_of(topology: str, payoff: str, channel: str) -> str:
    """episodes.condition: topology/payoff/messaging."""
    return f"{topology}/{payoff}/{MESSAGING[channel]}"


def talks_openly(condition: str) -> bool:
    """Whether messages of all seats arrive as they were written under this condition."""
    return condition.endswith(f"/{MESSAGES_ON}")
