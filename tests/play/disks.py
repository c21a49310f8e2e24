"""Small disks in memory, which can be filled; tests that need one are skipped where nothing can be mounted."""

import subprocess
from contextlib import contextmanager

import pytest


@contextmanager
def small_disk(folder, *, size_kb):
    """A file system of this size in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size_kb}k", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("nothing can be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(folder, *, leave=0):
    """Takes all room but so many bytes, rounded down to pages."""
    path = folder / ".filling"
    with path.open("ab", buffering=0) as file:
        for size in (1 << 16, 1 << 12):
            try:
                while file.write(bytes(size)) == size:
                    pass
            except OSError:
                pass
        whole = path.stat().st_size - leave
        file.truncate(max(0, whole - whole % 4096))
    return path
