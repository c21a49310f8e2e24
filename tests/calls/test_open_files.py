"""Open files: the limit is raised as far as it is needed, else fewer calls are in flight at once, in one line."""

import resource
import subprocess
import sys

import pytest

from tests.conftest import ROOT

ASK = "import resource; from di_assets.calls.open_files import calls_at_once; n = calls_at_once(300); "
ASK += "print(n, resource.getrlimit(resource.RLIMIT_NOFILE)[0])"


@pytest.mark.parametrize(("limits", "raised"), [((256, 4096), True), ((256, 256), False), ((2048, 4096), None)])
def test_more_files_are_allowed_or_fewer_calls_made(limits, raised):
    asked = subprocess.run(
        [sys.executable, "-c", ASK],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        # Safe here: the child takes no lock before it becomes the command.
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, limits),
    )
    calls, allowed = map(int, asked.stdout.split())
    if raised is None:
        assert (calls, allowed, asked.stderr) == (300, 2048, "")
    elif raised:
        assert calls == 300
        assert 2 * 300 < allowed < 4096
        assert asked.stderr == ""
    else:
        assert allowed == 256
        assert 0 < 2 * calls < 256
        assert asked.stderr.strip() == (
            f"256 files may be open at once, so {calls} calls are in flight at once instead of 300; `ulimit -n` allows more"
        )
