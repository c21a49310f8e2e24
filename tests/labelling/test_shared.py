"""Files of labels from several machines are merged line by line."""

import json
from dataclasses import asdict

from di_assets.calls.sealed import sealed
from di_assets.labelling.shared import _union
from tests.calls.test_in_flight import HEADER, call


def test_lines_that_versions_wrote_differently_are_one_and_the_one_with_a_checksum_is_kept():
    records = [asdict(HEADER), call(1)._asdict(), call(2)._asdict()]
    old = [json.dumps({k: v for k, v in one.items() if v is not None}).encode() + b"\n" for one in records[:1]]
    old += [json.dumps({k: v for k, v in one.items() if k != "bound_usd"}).encode() + b"\n" for one in records[1:]]
    new = [sealed(one) for one in records]
    answer = {"episode_id": "a--b", "label": "promises_pull", "answer": True}
    both = sealed(answer)
    assert _union(b"".join(old), b"".join([*new, both])) == b"".join([*new, both])
    assert _union(b"".join([*new, both]), b"".join(old[:2])) == b"".join([*new, both])


def test_a_damaged_line_replaces_no_other():
    whole = sealed(call(1)._asdict())
    for damaged in (whole.replace(b'"cost_usd":0.1', b'"cost_usd":0.3'), whole[:-5] + b"0" + whole[-4:], b"{}\n"):
        assert damaged != whole
        assert _union(damaged, whole) == damaged + whole
        assert _union(whole, damaged) == whole + damaged
