"""The verbs of `di`, each in the module of its task."""

from di_assets.cli import billing, labelling, planning, playing, reading, repairing, serving
from di_assets.cli.base import main

__all__ = ["billing", "labelling", "main", "planning", "playing", "reading", "repairing", "serving"]
