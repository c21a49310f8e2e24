"""Colours of the figures by role, for the light and the dark theme."""

from collections.abc import Mapping

# By role. No two roles may have the same colour, because the SVG knows a role only by its colour.
LIGHT = {"on": "#6b1e2b", "off": "#b9a888", "pale": "#e6dcc8", "ink": "#1c1b19", "halo": "#fcf9f2", "muted": "#6f6a62", "grid": "#e4ddcf",
         "dot": "#fcf9f1", "bright": "#fcf9f0", "rim": "#6b1e2c", "floor": "#c08a1e"}  # fmt: skip
DARK = {"on": "#e07f8b", "off": "#6d6450", "pale": "#3a362d", "ink": "#f3efe6", "halo": "#14130f", "muted": "#a8a297", "grid": "#34312b",
        "dot": "#14130e", "bright": "#f3efe7", "rim": "#f0b7bd", "floor": "#e3b341"}  # fmt: skip
THEMED: Mapping[str, str] = {LIGHT[role]: DARK[role] for role in LIGHT}
