"""The numbers of a warehouse as digests: of every table, the published summary and the words of every figure.

python -m tests.golden.numbers      makes `numbers.json` anew, after a number was changed on purpose
"""

import hashlib
import json
import re
import tempfile
from pathlib import Path

from polars.testing import assert_frame_equal

from di_assets.tables import TABLES

GOLDEN = Path(__file__).with_name("numbers.json")
# What a clock says, and which commit.
CLOCK = {"started_at", "finished_at", "latency_s", "looked_at"}
MADE = {"commit", "generated"}
# Further digits can differ with the instructions that a processor has.
DIGITS = 9


def digests(warehouse):
    """Digest by name: `table/NAME`, `summary` but for its questions, `question/NAME`, `figure/FILE`."""
    made = {
        f"table/{table.name}": _of_table(warehouse, table) for table in TABLES.values() if warehouse.files(table.name)
    }
    summary = json.loads(warehouse.read_report("summary.json"))
    origin = {key: value for key, value in summary["provenance"].items() if key not in MADE}
    parts = {f"question/{name}": part for name, part in summary.pop("questions").items()}
    for name, part in {"summary": {**summary, "provenance": origin}, **parts}.items():
        made[name] = _sha256(json.dumps(_rounded(part), sort_keys=True))
    for figure in sorted(Path(warehouse.report).glob("*.svg")):
        made[f"figure/{figure.name}"] = _sha256("\n".join(re.findall(r"<text[^>]*>([^<]*)", figure.read_text())))
    return made


def _of_table(warehouse, table):
    frame = warehouse.read(table.name).sort(table.keys)
    assert_frame_equal(frame, frame.unique(table.keys, maintain_order=True))
    return _sha256(json.dumps(_rounded(frame.drop(CLOCK, strict=False).to_dict(as_series=False)), default=str))


def _rounded(value):
    match value:
        case float():
            return float(f"{value:.{DIGITS}g}")
        case dict():
            return {key: _rounded(one) for key, one in value.items()}
        case list():
            return [_rounded(one) for one in value]
    return value


def _sha256(text):
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def play_demo(folder):
    """The warehouse of the demo, played and published in this folder."""
    from click.testing import CliRunner

    from di_assets.cli.verbs import main
    from di_assets.tables import Warehouse
    from tests.conftest import ROOT

    options = ["--warehouse", str(folder), "--configs", str(ROOT / "configs")]
    run = CliRunner().invoke(main, [*options, "demo", "--no-serve"], catch_exceptions=False)
    assert run.exit_code == 0, run.output
    return Warehouse(folder)


def main():
    with tempfile.TemporaryDirectory() as folder:
        GOLDEN.write_text(json.dumps(digests(play_demo(Path(folder))), indent=1) + "\n")


if __name__ == "__main__":
    main()
