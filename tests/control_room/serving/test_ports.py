"""Ports that are taken are named before anything starts."""

import os
import socket
import subprocess
import sys

import pytest
from click.testing import CliRunner

from di_assets.cli.local import main as local
from di_assets.cli.verbs import main
from di_assets.control_room.serving import HeldPorts, PortError
from di_assets.control_room.serving.ports import bound, listens, number


@pytest.fixture
def taken():
    with bound(0, "--port") as listening:
        yield number(listening)


def test_a_port_that_is_free_is_held_and_zero_takes_any(taken):
    with pytest.raises(PortError, match=f"port {taken} is in use by process {os.getpid()} .*: --port N "):
        bound(taken, "--port")
    assert listens(os.getpid(), taken)
    assert not listens(os.getpid(), 1)


def test_a_port_of_every_address_is_taken_too():
    with socket.socket() as everywhere:
        everywhere.bind(("0.0.0.0", 0))
        everywhere.listen()
        with pytest.raises(PortError, match="in use"):
            bound(everywhere.getsockname()[1], "--port")


def test_both_are_held_or_none(taken):
    with pytest.raises(PortError, match="--dagster-port N"):
        HeldPorts.take(port=0, dagster_port=taken)
    with pytest.raises(PortError, match="have to be two"):
        HeldPorts.take(port=taken + 1, dagster_port=taken + 1)
    held = HeldPorts.take(port=0, dagster_port=0)
    assert number(held.dashboard) != number(held.dagster)
    held.close()


@pytest.mark.parametrize("verb", ["ui", "demo"])
@pytest.mark.parametrize("option", ["--port", "--dagster-port"])
def test_a_verb_says_so_before_it_plays_or_serves_anything(tmp_path, taken, verb, option):
    chosen = {"--port": "0", "--dagster-port": "0", option: str(taken)}
    options = [word for pair in chosen.items() for word in pair]
    result = CliRunner().invoke(main, ["--warehouse", str(tmp_path / "none"), verb, *options])
    assert result.exit_code == 2
    assert f"Error: port {taken} is in use by process {os.getpid()}" in result.output
    assert f"choose another: {option} N" in result.output
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("port", ["-1", "65536", "x"])
def test_what_is_no_port_is_refused(port):
    assert CliRunner().invoke(main, ["ui", "--port", port]).exit_code == 2


def test_the_local_models_server_says_so_as_well(taken, tmp_path):
    weights = tmp_path / "w.gguf"
    weights.write_bytes(b"")
    result = CliRunner().invoke(local, ["--serve-only", "--port", str(taken), "--weights", str(weights)])
    assert (result.exit_code, f"port {taken} is in use by process" in result.output) == (2, True)


def test_a_wrong_name_of_a_host_is_told_before_anything_starts(tmp_path):
    command = [sys.executable, "-m", "di_assets.cli", "--warehouse", str(tmp_path / "none"), "ui", "--port", "0", "--dagster-port", "0"]  # fmt: skip
    told = subprocess.run(
        command, env={**os.environ, "DI_ALLOWED_HOSTS": "*"}, capture_output=True, text=True, check=False
    )
    assert told.returncode == 2
    assert told.stderr.startswith("Error: DI_ALLOWED_HOSTS: '*' is no name of a host")
