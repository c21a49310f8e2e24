"""The game: rules, topologies, turns. Pure functions; standard library and networkx only; no I/O, no clock."""

from di_assets.game.board import may_write
from di_assets.game.filler import filler
from di_assets.game.observe import observe
from di_assets.game.setup import seat_labels, seating
from di_assets.game.state import State
from di_assets.game.step import asked, points, start, step
from di_assets.game.topology import TOPOLOGIES, edges
from di_assets.game.types import (
    FOCAL_CHANNELS,
    RULES_VERSION,
    Channel,
    Message,
    Observation,
    Pull,
    Reply,
    Rules,
    Seat,
    SeenMessage,
    Setup,
    Turn,
)

__all__ = [
    "FOCAL_CHANNELS",
    "RULES_VERSION",
    "TOPOLOGIES",
    "Channel",
    "Message",
    "Observation",
    "Pull",
    "Reply",
    "Rules",
    "Seat",
    "SeenMessage",
    "Setup",
    "State",
    "Turn",
    "asked",
    "edges",
    "filler",
    "may_write",
    "observe",
    "points",
    "seat_labels",
    "seating",
    "start",
    "step",
]
