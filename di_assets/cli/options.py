"""Options that several commands take."""

import math
from collections.abc import Callable
from typing import Any

import click


class Finite(click.FloatRange):
    """A finite number in a range.

    Click alone would accept `nan` for every range, because no comparison with it is true.
    """

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The number; fails if it is not finite or not a number."""
        number = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value} is no finite number", param, ctx)
        return number


def ports(function: Callable[..., None]) -> Callable[..., None]:
    """The options that choose the ports of dashboard and Dagster UI."""
    port = click.IntRange(0, 65_535)
    function = click.option(
        "--dagster-port", type=port, default=3000, show_default=True, help="Port of the Dagster UI; 0 takes a free one."
    )(function)
    return click.option(
        "--port", type=port, default=8501, show_default=True, help="Port of the dashboard; 0 takes a free one."
    )(function)
