"""Parts that all figures share.

A figure is drawn from its question's part of summary.json, so it agrees with the text.
"""

from di_assets.report.figures.rendering import Figure, png

__all__ = ["Figure", "png"]
