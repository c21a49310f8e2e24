"""Dask with its encryption on: certificates from the script in deploy/, found by Dask's own settings."""

import os
import subprocess
import sys

import dask.config
import pytest

from di_assets.play.cluster import ClusterError
from tests.conftest import ROOT, bytes_of
from tests.play.clusters import dask_cluster
from tests.play.hostility import KEY, hostile, hostile_configs, leaks
from tests.play.test_cluster import EVENTS, Warehouse, hard, on


def certificates(folder):
    made = subprocess.run([ROOT / "deploy" / "certificates.sh", folder], capture_output=True, text=True, check=True)
    assert "ca.pem, cert.pem, key.pem" in made.stdout
    return folder


def settings(folder):
    """Dask's settings, as its configuration and as variables of the environment."""
    given = {"require-encryption": "True", "tls.ca-file": str(folder / "ca.pem")}
    for role in ("client", "scheduler", "worker"):
        given |= {f"tls.{role}.cert": str(folder / "cert.pem"), f"tls.{role}.key": str(folder / "key.pem")}
    names = {name: "DASK_DISTRIBUTED__COMM__" + name.replace(".", "__").replace("-", "_").upper() for name in given}
    return {f"distributed.comm.{name}": value for name, value in given.items()}, {names[name]: value for name, value in given.items()}  # fmt: skip


def alive(address, **environment):
    command = [sys.executable, "-m", "di_assets.play.health", address]
    return subprocess.run(
        command, env={**os.environ, **environment}, cwd=ROOT, capture_output=True, text=True, check=False
    )


def test_the_script_makes_no_second_set_over_the_first(tmp_path):
    folder = certificates(tmp_path / "tls")
    assert {path.name: oct(path.stat().st_mode)[-3:] for path in folder.iterdir()} == dict.fromkeys(("ca.pem", "cert.pem", "key.pem"), "600")  # fmt: skip
    before = (folder / "key.pem").read_bytes()
    again = subprocess.run([ROOT / "deploy" / "certificates.sh", folder], capture_output=True, text=True, check=False)
    assert (again.returncode, (folder / "key.pem").read_bytes()) == (1, before)


@pytest.mark.slow
def test_a_batch_is_played_encrypted_and_whoever_shows_no_certificate_gets_nowhere(tmp_path, monkeypatch):
    monkeypatch.setenv("PLANTED_KEY", KEY)
    ours, variables = settings(certificates(tmp_path / "tls"))
    others, _ = settings(certificates(tmp_path / "others"))
    with dask_cluster(tmp_path / "cluster", protocol="tls", PLANTED_KEY=KEY, **variables) as cluster, hostile() as url:
        assert cluster.address.startswith("tls://")
        configs = hostile_configs(tmp_path / "configs", url, episodes=4)
        played = Warehouse(tmp_path / "played")
        with dask.config.set(ours):
            hard(on(cluster, configs), played)
        whole = Warehouse(tmp_path / "whole")
        hard(configs, whole)
        for table in EVENTS:
            assert bytes_of(played, table) == bytes_of(whole, table)
        # Nobody gets in with no certificate, with one of another authority.
        other = Warehouse(tmp_path / "other")
        for asked in ({}, others):
            with dask.config.set(asked), pytest.raises(ClusterError, match="tls"):
                hard(on(cluster, configs), other)
        assert alive(cluster.address, **variables).stdout == "Scheduler\n"
        assert alive(cluster.address).returncode == 1
        assert leaks(tmp_path / "played", KEY) == []
