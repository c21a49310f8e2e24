"""The words that stand in columns of tables: statuses, channels, roles; and the window of pay-back.

Each is defined once. Nothing is imported here. The rules of the game have their own types for some of them
(`game/types.py`); a test checks that both agree.
"""

from collections.abc import Mapping
from typing import Final

# episodes.status. The next run resumes an episode that is not complete.
COMPLETE: Final = "complete"
FAILED: Final = "failed"
STOPPED: Final = "stopped"

# calls.status: `ok` for a valid reply; `interrupted` if play ended before the reply came. Other values are the kind of
# an invalid reply, or the kind of a fault (`calls.call.FAULTS`).
OK: Final = "ok"
INTERRUPTED: Final = "interrupted"

# calls.engine: how a model was asked. Scripted agents have neither.
LIVE: Final = "live"
BATCH: Final = "batch"

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

# The last part of a condition, by channel.
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

# seats.kind. `scripted` is also a value of calls.provider.
LLM: Final = "llm"
SCRIPTED: Final = "scripted"

# message_labels.labeller of the rule that labels every message.
LEXICAL: Final = "lexical"

# pull_kinds.kind: rounds after which a pull can no longer be paid back, nor a request be answered.
PAYBACK_WINDOW: Final = 3

# The reader version of episodes whose files have no reader_version.
FIRST_READER: Final = "1"


def condition_of(topology: str, payoff: str, channel: str) -> str:
    """episodes.condition: topology/payoff/messaging."""
    return f"{topology}/{payoff}/{MESSAGING[channel]}"


def talks_openly(condition: str) -> bool:
    """Whether, in this condition, the messages of all seats are delivered as they were written."""
    return condition.endswith(f"/{MESSAGES_ON}")
