"""A Dask cluster in processes of its own: a scheduler and two workers on loopback, each of which can be killed."""

import json
import os
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import psutil

from di_assets.calls.in_flight import SUFFIX, left_in_flight
from tests.conftest import ROOT

PYTHON = sys.executable


class Cluster:
    """A scheduler's address, and its workers' processes."""

    def __init__(self, address, folder, environment):
        self.address, self.folder, self.environment = address, folder, environment
        self.workers = []

    def start_worker(self, **more):
        """A worker of two threads."""
        command = [
            PYTHON,
            "-m",
            "distributed.cli.dask_worker",
            self.address,
            "--nthreads",
            "2",
            "--no-dashboard",
            "--no-nanny",
        ]
        command += ["--local-directory", str(self.folder), "--host", "127.0.0.1", "--death-timeout", "60"]
        log = (self.folder / f"worker{len(self.workers)}.log").open("w")
        environment = {**self.environment, **more}
        self.workers.append(
            subprocess.Popen(command, stdout=log, stderr=log, cwd=ROOT, env=environment, start_new_session=True)
        )
        return self.workers[-1]

    def kill_worker(self, number):
        self.workers[number].kill()
        self.workers[number].wait()

    def kill_worker_mid_call(self, number):
        """Kills it while a request of its own is out: it is stopped first, so that what is out stays out."""
        process, deadline = psutil.Process(self.workers[number].pid), time.monotonic() + 60
        while True:
            process.suspend()
            held = [Path(file.path) for file in process.open_files() if file.path.endswith(SUFFIX)]
            if any(left_in_flight(path) for path in held):
                break
            process.resume()
            assert time.monotonic() < deadline
            time.sleep(0.02)
        self.kill_worker(number)


@contextmanager
def dask_cluster(folder, *, workers=2, protocol="tcp", **environment):
    """Yields it; every process ends with the block."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "scheduler.json"
    command = [PYTHON, "-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard"]
    command += ["--no-show", "--scheduler-file", str(file), "--protocol", protocol]
    whole = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    log = (folder / "scheduler.log").open("w")
    scheduler = subprocess.Popen(command, stdout=log, stderr=log, cwd=ROOT, env=whole, start_new_session=True)
    cluster = None
    try:
        deadline = time.monotonic() + 60
        while not file.exists() or not file.read_text().strip():
            assert scheduler.poll() is None, (folder / "scheduler.log").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.1)
        cluster = Cluster(json.loads(file.read_text())["address"], folder, whole)
        for _ in range(workers):
            cluster.start_worker()
        yield cluster
    finally:
        for process in [scheduler, *(cluster.workers if cluster else [])]:
            process.kill()
            process.wait()
