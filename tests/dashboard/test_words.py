"""What a page writes: untrusted text made safe, values as people read them."""

import pytest

from dashboard.untrusted import MOST_CHARS, reader_link, safe
from di_assets.report.published import flat, measure_of, text_of


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a<b>&\"'", "a&lt;b&gt;&amp;&quot;&#x27;"),
        ("line\n\tend", "line\n\tend"),
        ("\x00\x1b", "<code class='di-chip'>U+0000</code><code class='di-chip'>U+001B</code>"),
        ("\U000e0041", "<code class='di-chip'>U+E0041</code>"),
        ("héllo 你好 مرحبا", "héllo 你好 مرحبا"),
    ],
)
def test_untrusted_text_is_made_safe(text, shown):
    assert safe(text) == shown


def test_long_text_is_cut_with_a_count():
    assert "… 7 more characters" in safe("x" * (MOST_CHARS + 7))


def test_addresses_are_quoted():
    assert reader_link("a b&c'd", 3) == "transcript?episode=a%20b%26c%27d&event=3"
    assert reader_link("a", q="", seat="'&") == "transcript?episode=a&seat=%27%26"


def test_missing_values_are_dashes_and_truth_is_yes_or_no():
    assert [measure_of(value) for value in (-6.94e-18, 1 / 3, 4, None)] == ["0", "0.333", "4", "—"]
    assert flat({"a": [{"m": "x", "n": 1}, {"m": "y", "n": None}]}) == [("a", "m: x, n: 1\nm: y, n: —")]
    assert flat({"a": {"b": None, "c": 0.123456}, "d": True}) == [("a.b", "—"), ("a.c", "0.123"), ("d", "yes")]
    assert text_of([1.0, None]) == "[1, —]"
