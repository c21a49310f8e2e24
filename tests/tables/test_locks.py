"""A lock is held by one at a time, waited for or refused, and let go by a process that is killed."""

import asyncio
import subprocess
import sys
import threading

import pytest

from di_assets.tables.locks import all_let_go, locked, locked_in_loop


class TakenError(Exception):
    pass


def test_a_lock_that_is_taken_is_refused_with_the_error_that_is_given(tmp_path):
    path = tmp_path / "folder" / "x.lock"
    with locked(path), pytest.raises(TakenError, match="by another"), locked(path, taken=TakenError("by another")):
        pytest.fail("two held it")
    with locked(path, taken=TakenError()):
        assert path.exists()


def test_a_lock_that_is_taken_is_waited_for_where_no_error_is_given(tmp_path):
    order, entered = [], threading.Event()

    def wait():
        entered.set()
        with locked(tmp_path / "x.lock"):
            order.append("second")

    with locked(tmp_path / "x.lock"):
        other = threading.Thread(target=wait)
        other.start()
        entered.wait()
        other.join(0.1)
        assert other.is_alive()
        order.append("first")
    other.join(10)
    assert order == ["first", "second"]


async def test_other_tasks_go_on_while_a_lock_is_waited_for(tmp_path):
    order = []

    async def second():
        async with locked_in_loop(tmp_path / "x.lock"):
            order.append("second")

    async with locked_in_loop(tmp_path / "x.lock"):
        waiting = asyncio.create_task(second())
        await asyncio.sleep(0.01)
        order.append("first")
    await all_let_go([tmp_path / "x.lock"])
    await waiting
    assert order == ["first", "second"]


def test_a_process_that_is_killed_lets_its_lock_go(tmp_path):
    code = (
        "import sys, time; from pathlib import Path; from di_assets.tables.locks import locked\n"
        "with locked(Path(sys.argv[1])): print('held', flush=True); time.sleep(60)"
    )
    path = tmp_path / "x.lock"
    with subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "held\n"
        with pytest.raises(TakenError), locked(path, taken=TakenError()):
            pytest.fail("two held it")
        other.kill()
        other.wait()
        with locked(path, taken=TakenError()):
            pass
