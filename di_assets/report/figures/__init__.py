"""Figures, one file a question: each drawn from its part of summary.json, so that figure and text never disagree."""

from collections.abc import Callable, Mapping
from typing import Any

from di_assets.report.figures.captured import q3
from di_assets.report.figures.drawing import Figure, png
from di_assets.report.figures.networks import q4
from di_assets.report.figures.points import q1
from di_assets.report.figures.promised import q5
from di_assets.report.figures.traffic import q2

__all__ = ["FIGURES", "Figure", "png"]

FIGURES: Mapping[str, Callable[[Mapping[str, Any]], Figure]] = {"q1": q1, "q2": q2, "q3": q3, "q4": q4, "q5": q5}
