"""Modules import at their top, except for seven import statements in functions and four calls of `import_module`."""

from pathlib import Path

import pytest

from bench.local_imports import ROOT, local_imports

# What is slow to import or an extra, and needed by few; everything else is imported at the top of a file.
SLOW = {
    ("cli/local.py", "import xllamacpp"),
    ("cli/verbs/report.py", "from di_assets.control_room.runs import materialise_report"),
    ("cli/verbs/report.py", "from streamlit.logger import set_log_level"),
    ("cli/verbs/report.py", "from dashboard.static_site import check_folder, write_site"),
    ("play/batch.py", "from di_assets.play.cluster import play_on_cluster"),
    ("providers/sdk.py", "from di_assets.providers import transport"),
    ("report/damage.py", "from di_assets.report.schema import flaw_in"),
}
# Modules that are found by their names: the verb that is called, the SDK of a dialect, files of declarations.
FOUND_BY_NAME = {"cli/verbs/__init__.py", "providers/sdk.py", "declared.py", "measures/declared.py"}


@pytest.mark.parametrize(
    ("package", "slow", "found_by_name"), [("di_assets", SLOW, FOUND_BY_NAME), ("dashboard", set(), set())]
)
def test_modules_say_at_their_top_what_they_need_but_for_a_few(package, slow, found_by_name):
    folder = ROOT / package
    found = [(str(path.relative_to(folder)), text) for path, _, text in local_imports(folder)]
    by_name = [(path, text) for path, text in found if "import_module(" in text]
    assert sorted({*found} - {*by_name}) == sorted(slow)
    assert sorted(path for path, _ in by_name) == sorted(found_by_name)


def test_an_import_in_a_function_is_found_wherever_it_stands(tmp_path):
    (tmp_path / "a.py").write_text(
        "import os\nif os:\n    import sys\nclass A:\n    def f(self):\n        if os:\n            from re import sub\n"
        "async def g():\n    def h():\n        import ast\n        __import__('os')\n"
    )
    assert [(path, line) for path, line, _ in local_imports(Path(tmp_path))] == [
        (tmp_path / "a.py", 10),
        (tmp_path / "a.py", 11),
        (tmp_path / "a.py", 7),
    ]
