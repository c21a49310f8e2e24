"""The figures' fills can be told apart by everybody: on paper and in the dark, with each kind of colour blindness."""

import numpy as np
import pytest

from di_assets.report.figures.colours import DARK, LIGHT
from di_assets.report.questions.asked.capturing.figure import DARK_FROM, LIGHT_FROM

# Machado, Oliveira & Fernandes (2009, IEEE TVCG 15:1291): what is left of linear red, green, blue, at full severity.
SIGHTS = {
    "trichromat": np.eye(3),
    "protanope": np.array([[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]),
    "deuteranope": np.array([[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]),
    "tritanope": np.array([[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]),
}  # fmt: skip
XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
WHITE = np.array([0.95047, 1.0, 1.08883])
# What lies side by side in some figure and is told apart by its colour.
BESIDE = (
    ("on", "off"),
    ("off", "pale"),
    ("on", "pale"),
    ("floor", "on"),
    ("floor", "off"),
    ("floor", "pale"),
    ("floor", "halo"),
)
# Difference in CIELAB (CIE 1976); some 2 is seen side by side, and ten times that at a glance.
AT_A_GLANCE = 19.0


def rgb(colour):
    return np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)]) / 255


def linear(parts):
    return np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)


def lab(light):
    x, y, z = (
        np.cbrt(t) if t > 216 / 24389 else (24389 / 27 * t + 16) / 116 for t in XYZ @ np.clip(light, 0, 1) / WHITE
    )
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def contrast(one, other):
    """WCAG's ratio of two colours' luminances."""
    low, high = sorted(float(XYZ[1] @ linear(parts)) for parts in (one, other))
    return (high + 0.05) / (low + 0.05)


def test_lab_is_the_known_one():
    assert lab(linear(rgb("#ff0000"))) == pytest.approx([53.24, 80.09, 67.20], abs=0.02)


@pytest.mark.parametrize("sight", SIGHTS)
@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["paper", "dark"])
def test_fills_beside_each_other_differ_at_a_glance(theme, sight):
    for one, other in BESIDE:
        seen = [lab(SIGHTS[sight] @ linear(rgb(theme[role]))) for role in (one, other)]
        assert np.linalg.norm(seen[0] - seen[1]) > AT_A_GLANCE, (one, other)


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["paper", "dark"])
def test_a_number_is_legible_on_a_square_of_any_depth(theme):
    for depth in np.linspace(0, 1, 101):
        square = rgb(theme["halo"]) + depth * (rgb(theme["on"]) - rgb(theme["halo"]))
        role = "ink" if depth < LIGHT_FROM else "bright" if depth < DARK_FROM else "dot"
        assert contrast(square, rgb(theme[role])) > 3.8, depth
