"""The game: rules, topologies, turns. Pure functions; standard library and networkx only; no I/O, no clock."""

from di_assets.game.observe import observe
from di_assets.game.setup import seat_labels, seating
from di_assets.game.step import points, start, step
from di_assets.game.topology import TOPOLOGIES, edges
from di_assets.game.types import (
    RULES_VERSION,
    Message,
    Observation,
    Pull,
    Reply,
    Rules,
    SeenMessage,
    SeenPull,
    Setup,
    State,
    Turn,
)

__all__ = [
    "RULES_VERSION",
    "TOPOLOGIES",
    "Message",
    "Observation",
    "Pull",
    "Reply",
    "Rules",
    "SeenMessage",
    "SeenPull",
    "Setup",
    "State",
    "Turn",
    "edges",
    "observe",
    "points",
    "seat_labels",
    "seating",
    "start",
    "step",
]
