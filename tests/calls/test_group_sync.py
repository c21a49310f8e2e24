"""Files synced behind play, in groups."""

import asyncio
import os

import pytest

from di_assets.calls import group_sync
from di_assets.calls.group_sync import GroupSync


@pytest.fixture
def synced(monkeypatch):
    """Every descriptor that is synced, in order."""
    seen = []
    real = os.fdatasync
    monkeypatch.setattr(group_sync.os, "fdatasync", lambda descriptor: (seen.append(descriptor), real(descriptor)))
    monkeypatch.setattr(group_sync, "GROUP_S", 0.02)
    return seen


async def test_what_was_asked_for_is_on_disk_when_its_group_is(tmp_path, synced):
    sync = GroupSync()
    with (tmp_path / "a").open("wb") as a, (tmp_path / "b").open("wb") as b:
        numbers = [sync.ask(file.fileno(), new_in=tmp_path) for file in (a, b, a, a)]
        await sync.synced(numbers[-1])
        assert {a.fileno(), b.fileno()} <= set(synced)
        assert len(synced) < 4  # a file that is asked for again in a group is synced once
        later = sync.ask(a.fileno())
        assert later > numbers[0]
        await sync.synced(later)
        sync.close()


async def test_nothing_asked_for_is_nothing_waited_for():
    sync = GroupSync()
    await asyncio.wait_for(sync.synced(0), timeout=5)
    sync.close()


async def test_closing_syncs_what_is_still_wanted(tmp_path, synced):
    sync = GroupSync()
    with (tmp_path / "a").open("wb") as a:
        sync.ask(a.fileno())
        await asyncio.to_thread(sync.close)
        assert synced == [a.fileno()]


async def test_a_disk_that_fails_stops_play_instead_of_being_played_over(tmp_path, monkeypatch):
    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(group_sync.os, "fdatasync", full)
    sync = GroupSync()
    with (tmp_path / "a").open("wb") as a:
        number = sync.ask(a.fileno())
        with pytest.raises(OSError, match="No space left"):
            await sync.synced(number)
        with pytest.raises(OSError, match="No space left"):
            await sync.synced(sync.ask(a.fileno()))
    sync.close()
