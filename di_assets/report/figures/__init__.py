"""What figures share. Each is drawn from a question's part of summary.json, so that figure and text never disagree."""

from di_assets.report.figures.rendering import Figure, png

__all__ = ["Figure", "png"]
