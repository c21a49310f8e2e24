"""The line that says how far work is moves while calls are made, on a terminal and in a log."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
import threading
import time
from dataclasses import replace
from itertools import pairwise

import pytest

from di_assets.arms.arm import SELF
from di_assets.cli.progress import EVERY_S, FIRST_S, Count, Line
from di_assets.play.pace import calls_an_episode
from tests.calls.test_budget import arm_over
from tests.conftest import ROOT
from tests.play.hostility import KEY, hostile, hostile_configs

COUNT = Count("hard--b00", "episodes", 0, 40, 0, 800.0, 0.0, of_usd=2.0)


def new_line(write=None):
    now = [0.0]
    return now, Line(write, clock=lambda: now[0])


def heard(line, clock, *counts):
    """The line after each of these, one a second."""
    told = []
    for count in counts:
        clock[0] += 1.0
        line.hear(count)
        told.append(line.text())
    return told


def test_the_line_tells_calls_dollars_speed_and_time_left_before_any_episode_has_ended():
    clock, line = new_line()
    told = heard(
        line, clock, COUNT, *(replace(COUNT, calls=n, calls_left=800.0 - n, spent_usd=n / 1000) for n in (8, 16))
    )
    assert told[0] == "hard--b00  0 of 40 episodes  0 calls  $0.0000 of $2.00"
    assert told[2] == "hard--b00  0 of 40 episodes  16 calls, 8.0/s  $0.0160 of $2.00  about 2 min left"


def test_speed_is_that_of_the_last_half_minute_and_of_one_batch():
    clock, line = new_line()
    slow = [replace(COUNT, calls=n) for n in range(40)]
    fast = [replace(COUNT, calls=40 + 10 * n) for n in range(40)]
    assert ", 10.0/s" in heard(line, clock, *slow, *fast)[-1]
    assert "/s" not in heard(line, clock, replace(COUNT, what="hard--b01"))[-1]


def test_a_log_gets_a_line_soon_and_then_now_and_then():
    written = []
    clock, line = new_line(written.append)
    for tick in range(300):
        clock[0] = tick / 10
        line.hear(replace(COUNT, calls=tick))
    assert len(written) == 1 + int((30 - FIRST_S) // EVERY_S)
    assert written[0].startswith("hard--b00  0 of 40 episodes  9 calls, 10.0/s")


def test_nobody_knows_how_long_work_without_calls_takes():
    clock, line = new_line()
    assert "left" not in heard(line, clock, *(replace(COUNT, calls_left=None, calls=n) for n in range(3)))[-1]
    assert "left" not in heard(line, clock, *(replace(COUNT, done=40, calls=n) for n in range(3)))[-1]


@pytest.mark.parametrize(
    ("arm", "calls"),
    [("05_attack_nomsg", 5 * 25), ("06_focal_muted", 5 * 25 + 4 * 25), ("07_rivals_muted", 5 * 25 + 25)],
)
def test_an_episode_takes_so_many_calls(configs, arm, calls):
    assert calls_an_episode(configs, configs.arm(arm)) == calls


def test_scripted_seats_take_no_calls_and_those_of_the_focal_model_itself_do(tmp_path):
    paid = arm_over("http://127.0.0.1:9", tmp_path, budget=1.0)
    alone = paid.arm("paid")  # one model beside four scripted agents, two rounds without messages
    assert calls_an_episode(paid, alone) == 2
    assert calls_an_episode(paid, alone.model_copy(update={"background": SELF})) == 5 * 2


def on_a_terminal(command, env):
    """(seconds since the start, what came) of a command whose stderr is a terminal, and its stdout."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 160, 0, 0))
    began, seen = time.monotonic(), []
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=slave, env=env, cwd=ROOT, text=True)
    os.close(slave)

    def read():
        try:
            while data := os.read(master, 65_536):
                seen.append((time.monotonic() - began, data.decode(errors="replace")))
        except OSError:
            pass  # the other end is closed

    reading = threading.Thread(target=read)
    reading.start()
    printed, _ = process.communicate(timeout=120)
    reading.join()
    os.close(master)
    return seen, printed, process.returncode


@pytest.mark.slow
def test_a_run_on_a_terminal_moves_every_second_and_its_json_stays_apart(tmp_path):
    with hostile(latency=0.4) as url:
        hostile_configs(tmp_path / "c", url, episodes=4, rounds=6)
        options = ["--warehouse", str(tmp_path / "w"), "--configs", str(tmp_path / "c")]
        env = {**os.environ, "PLANTED_KEY": KEY, "PYTHONPATH": str(ROOT), "TERM": "xterm-256color"}
        command = [sys.executable, "-m", "di_assets.cli", *options, "run", "hard", "--budget-usd", "5", "--json"]
        seen, printed, code = on_a_terminal(command, env)
    assert code == 0, "".join(text for _, text in seen)
    assert printed.startswith('{"batch": "hard--b00"')
    assert len(printed.splitlines()) == 1
    plain = [(at, re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)) for at, text in seen]
    calls = [(at, int(one)) for at, text in plain for one in re.findall(r"0 of 4 episodes  (\d+) calls", text)]
    moves = [at for (at, one), (_, before) in zip(calls[1:], calls, strict=False) if one > before]
    # All episodes end together, after some five seconds of calls: the line moves before any of them ends.
    assert len(moves) >= 2
    assert max(later - earlier for earlier, later in pairwise(moves)) <= 2.0
    told = next(text for _, text in reversed(plain) if re.search(r"about \d", text))
    assert re.search(r"hard--b00  \d of 4 episodes  \d+ calls, [\d.]+/s  \$0\.\d{4} of \$5\.00  about \d+ s left", told)
