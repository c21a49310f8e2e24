"""A judge's reply as labels: strict, then tolerant; what says two things says nothing."""

import json

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from di_assets.labelling.label_reader import SCHEMA, Label, read_label

BOTH, ASKS, NEITHER = Label(True, True), Label(True, False), Label(False, False)


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ('{"asks_for_pull": true, "promises_pull": true}', BOTH),
        ('```json\n{"asks_for_pull": true, "promises_pull": false}\n```', ASKS),
        ('Sure! {"promises_pull": "no", "asks_for_pull": "Yes", "why": "it begs"} Anything else?', ASKS),
        ('{"asks_for_pull": 0, "promises_pull": 0}', NEITHER),
        ("<think>it asks</think>{'asks_for_pull': True, 'promises_pull': False}", ASKS),
        ("asks_for_pull: yes\npromises_pull: no", ASKS),
        ("**asks_for_pull**: true, **promises_pull**: true", BOTH),
        ('{"message": "hello"} {"asks_for_pull": false, "promises_pull": false}', NEITHER),
        ('{"asks_for_pull": true, "promises_pull": true} {"asks_for_pull": true, "promises_pull": true}', BOTH),
    ],
)
def test_a_label_is_found_in_what_models_write(text, label):
    assert read_label(text).label == label


@pytest.mark.parametrize(
    ("text", "stop", "kind"),
    [
        ("", "end", "empty"),
        ("It asks for a pull.", "end", "unreadable"),
        ('{"asks_for_pull": true}', "end", "unreadable"),
        ('{"asks_for_pull": "maybe", "promises_pull": true}', "end", "unreadable"),
        ('{"asks_for_pull": null, "promises_pull": null}', "end", "unreadable"),
        ('{"asks_for_pull": tr', "length", "truncated"),
        ("I cannot help with that.", "refusal", "refusal"),
        # A quoted message that brings its own answer, and the judge's
        (
            '{"asks_for_pull": false, "promises_pull": false} {"asks_for_pull": true, "promises_pull": true}',
            "end",
            "unreadable",
        ),
        ("asks_for_pull: no, asks_for_pull: yes, promises_pull: no", "end", "unreadable"),
    ],
)
def test_what_is_no_label_says_why(text, stop, kind):
    reading = read_label(text, stop=stop)
    assert (reading.label, reading.kind) == (None, kind)
    assert reading.invalid


def test_the_schema_holds_what_is_read():
    jsonschema.validate({"asks_for_pull": True, "promises_pull": False}, SCHEMA)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"asks_for_pull": "yes", "promises_pull": False}, SCHEMA)


@given(st.booleans(), st.booleans(), st.text())
def test_a_label_survives_being_written_and_whatever_text_is_never_an_exception(asks, promises, noise):
    assert read_label(json.dumps({"asks_for_pull": asks, "promises_pull": promises})).label == Label(asks, promises)
    read_label(noise)
