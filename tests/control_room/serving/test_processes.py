"""Processes that end together: by themselves, by a signal, and each with what it started."""

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from di_assets.control_room.serving.processes import ServingError, together
from tests.conftest import ROOT

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]
ROOM = """
import os, sys
from contextlib import suppress
from di_assets.control_room.serving.processes import together
with together(os.environ) as processes, suppress(KeyboardInterrupt):
    print(*[processes.start(name, [sys.executable, "-c", "import time; time.sleep(60)"], last=name == "code")
            for name in ("pages", "code")], flush=True)
    processes.wait()
print("ended")
"""
# A server with a server of its own that started a run: the run ends before the server that it reports to.
SERVER = """
import subprocess, sys, time
run = "import time\\ntry: time.sleep(60)\\nexcept KeyboardInterrupt: time.sleep(0.5); open(sys.argv[1], 'w').write(str(time.time()))"
inner = f"import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', {'import sys; ' + run!r}, sys.argv[1] + '/run'])\\n" + run.replace("sys.argv[1]", "sys.argv[1] + '/inner'")
subprocess.Popen([sys.executable, "-c", inner, sys.argv[1]])
time.sleep(60)
"""


def test_one_that_ends_by_itself_is_named_and_ends_the_others():
    with pytest.raises(ServingError, match="the daemon ended by itself with exit code 3"), together(os.environ) as one:  # noqa: PT012
        other = one.start("the dashboard", SLEEP)
        one.start("the daemon", [sys.executable, "-c", "raise SystemExit(3)"])
        one.wait()
    assert not psutil.pid_exists(other)


def test_what_is_not_ready_in_time_is_named():
    with pytest.raises(ServingError, match="the dashboard was not ready within 0 s"), together(os.environ) as one:  # noqa: PT012
        one.start("the dashboard", SLEEP)
        one.wait_until(lambda: False, "the dashboard", seconds=0.1)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_all_of_them(number):
    room = subprocess.Popen([sys.executable, "-c", ROOM], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    started = [int(pid) for pid in room.stdout.readline().split()]
    assert all(map(psutil.pid_exists, started))
    room.send_signal(number)
    assert room.communicate(timeout=30)[0] == "ended\n"
    assert room.returncode == 0
    assert not any(map(psutil.pid_exists, started))


def test_a_run_ends_before_the_server_that_started_it(tmp_path):
    with together(os.environ) as one:
        server = psutil.Process(one.start("the code server", [sys.executable, "-c", SERVER, str(tmp_path)], last=True))
        deadline = time.monotonic() + 20
        while len(server.children(recursive=True)) < 2:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        time.sleep(0.5)  # until they can be interrupted
    assert float((tmp_path / "run").read_text()) < float((tmp_path / "inner").read_text())
